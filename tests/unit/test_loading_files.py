"""A file of reference data, before any database: what is a line, what a cell can say, what is told of the rest."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from domain.eligibility.beneficiary import BeneficiaryStatus
from domain.eligibility.health_plan import CoverageRule, Segment
from domain.eligibility.ports import ReferenceNoun
from domain.money import Money
from persistence.loading import cells
from persistence.loading.kinds import KINDS
from persistence.loading.table_file import BadFile, BadLine, Line, TableFile
from tests.support.reference import AT

HEADER = b"table,code,description,valid_from\n"


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., list[Line | BadLine]]:
    """Reads a file with these bytes."""

    def read(content: bytes, kind: str = "tuss", told: list[tuple[int, int, int]] | None = None) -> list[Any]:
        path = tmp_path / "file.csv"
        path.write_bytes(content)
        with path.open("rb") as file:
            table = TableFile(file, KINDS[kind].name_of, lambda *far: (told or []).append(far))
            KINDS[kind].must_have_all(table.header)
            return list(table.lines())

    return read


def nouns(kind: str, *lines: Line | BadLine, **given: str) -> list[ReferenceNoun | list[BadLine]]:
    return [KINDS[kind].read(line, given, AT) for line in lines if isinstance(line, Line)]


def test_the_delimiter_is_the_one_of_the_header_and_a_byte_order_mark_is_no_text(read: Any) -> None:
    for delimiter in (b",", b";", b"\t"):
        content = HEADER.replace(b",", delimiter) + b"22|99000011| a; b, c |2026-01-01\r\n".replace(b"|", delimiter)
        if delimiter != b"\t":
            content = content.replace(b" a; b, c ", b'" a; b, c "')
        (line,) = read(b"\xef\xbb\xbf" + content)
        assert (line.number, line.cells["table"], line.cells["description"]) == (2, "22", "a; b, c")


def test_lines_are_counted_as_an_editor_counts_them(read: Any) -> None:
    content = HEADER + b'\n22,99000011,"two\nlines",2026-01-01\n\n22,99000012,x\n22,99000013,x,2026-01-01,y\n'
    found = read(content)
    assert [line.number for line in found] == [3, 6, 7]
    assert [line.reason for line in found[1:]] == [
        "has 3 cells, and the header has 4",
        "has 5 cells, and the header has 4",
    ]
    (noun,) = nouns("tuss", *found)
    assert getattr(noun, "description", "") == "two lines"


def test_what_is_no_csv_is_named_by_its_line_and_the_rest_is_read(read: Any) -> None:
    found = read(HEADER + b'22,99000011,"a"b,2026-01-01\n22,99000012,x,2026-01-01\n22,99000013,"open,2026-01-01\n')
    assert [(line.number, type(line).__name__) for line in found] == [(2, "BadLine"), (3, "Line"), (4, "BadLine")]
    assert found[0].reason.startswith("is not CSV: ")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "line 1, the header, does not name table, code, description, valid_from"),
        (b"\n", "line 1, the header, does not name table"),
        (b'"table,code\n', "line 1 must be the header"),
        (b"table,code,colour\n", "'colour' is none of the columns table, code, description"),
        (b"table,code,valid_from\n", "line 1, the header, does not name description"),
        (b"table,code,Code,description,valid_from\n", "names code more than once"),
        (HEADER + b"22,99000011,Conv\xeanio,2026-01-01\n", "line 2 is not UTF-8 (perhaps Latin-1"),
        (HEADER.decode().encode("utf-16"), "line 1 is not UTF-8"),
        (HEADER + b"22,99000011,x,2026-01-01\n" + b"x" * 200_000, "line 3 has more than 131072 bytes"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole_is_refused_with_its_place(read: Any, content: bytes, says: str) -> None:
    with pytest.raises(BadFile) as refused:
        read(content)
    assert says in str(refused.value)


def test_an_unclosed_quotation_swallows_no_more_than_a_cell_may_hold(read: Any) -> None:
    found = read(HEADER + b'22,99000011,"open,2026-01-01\n' + b"22,99000012,x,2026-01-01\n" * 20_000)
    assert found[0].number == 2
    assert "field larger than field limit" in found[0].reason


def test_how_far_it_is_is_told_line_by_line(read: Any) -> None:
    told: list[tuple[int, int, int]] = [(0, 0, 0)]
    content = HEADER + b"22,99000011,x,2026-01-01\n" * 2
    read(content, told=told)
    assert told[1:] == [(len(HEADER), len(content), 1), (59, len(content), 2), (84, len(content), 3)]


def test_a_large_file_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    path.write_bytes(HEADER + b"22,99000011,a description of some length,2026-01-01\n" * 100_000)
    with path.open("rb") as file:
        table = TableFile(file, KINDS["tuss"].name_of, lambda *_: None)
        tracemalloc.start()
        count = sum(1 for _ in table.lines())
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert count == 100_000
    assert most < 1_000_000


def test_every_kind_of_line_becomes_its_noun(read: Any) -> None:
    plan = (
        b"insurer_id;plan_id;name;segments;coverage;birth_days;network;valid_to\n"
        b"999991;GOLD;Plano  de\xc2\xa0teste;hospital obstetrics;"
        b"22:40=authorization+limit:2 20:=not_covered;300;9999991 9999992;31/12/2026\n"
    )
    ((noun,), (insurer,), (person,), (price,)) = (
        nouns("plans", *read(plan, "plans")),
        nouns("insurers", *read(b"insurer_id,name,cnpj,active\n999991,x,12.abc.345/01de-35,0\n", "insurers")),
        nouns(
            "beneficiaries",
            *read(
                b"insurer_id,card_number,plan_id,patient_id,enrolled_from,status\n"
                b"999991, 00 1 ,GOLD,p,28/02/2025,suspended\n",
                "beneficiaries",
            ),
        ),
        nouns(
            "prices",
            *read(
                b"insurer_id;plan_id;table;code;price;valid_from\n999991;G;22;99000011;1234,5;01/01/2026\n",
                "prices",
            ),
        ),
    )
    assert not isinstance(noun, list)
    told = {name: getattr(noun, name) for name in ("name", "segments", "coverage", "waiting", "network", "valid_to")}
    assert told["name"] == "Plano de teste"
    assert told["segments"] == {Segment.HOSPITAL, Segment.OBSTETRICS}
    assert told["coverage"] == (
        CoverageRule(table="22", prefix="40", needs_authorization=True, yearly_limit=2),
        CoverageRule(table="20", covered=False),
    )
    assert (told["waiting"].birth_days, told["waiting"].other_days) == (300, 0)
    assert (told["network"], told["valid_to"]) == ({"9999991", "9999992"}, date(2026, 12, 31))
    assert (getattr(insurer, "cnpj", ""), getattr(insurer, "active", None)) == ("12ABC34501DE35", False)
    assert (getattr(person, "card_number", ""), getattr(person, "status", None)) == (
        "00 1",
        BeneficiaryStatus.SUSPENDED,
    )
    assert getattr(price, "price", None) == Money(123_450)


def test_official_headers_and_cells_for_every_line_make_a_release_loadable_as_it_comes(read: Any) -> None:
    content = "Código do Termo;Termo;Data de início de vigência;Data de fim de vigência\n99000011;x;01/01/2025;\n"
    with pytest.raises(BadFile, match="does not name table"):
        read(content.encode())


def test_a_cell_that_is_missing_is_the_one_given_for_all_lines() -> None:
    line = Line(2, {"code": "99000011", "description": "x", "valid_from": "2025-01-01", "release": ""})
    (noun,) = nouns("tuss", line, table="22", release="202501")
    assert (getattr(noun, "table", ""), getattr(noun, "release", "")) == ("22", "202501")


def test_everything_that_is_wrong_with_a_line_is_told() -> None:
    cells_of_it = {
        "insurer_id": "999991",
        "plan_id": "G",
        "name": "",
        "segments": "CATS",
        "coverage": "22=x",
        "urgent_hours": "-1",
        "active": "perhaps",
        "valid_from": "2026-02-30",
        "valid_to": "tomorrow",
    }
    (wrong,) = nouns("plans", Line(7, cells_of_it))
    assert isinstance(wrong, list)
    assert {one.number for one in wrong} == {7}
    assert [(one.column, one.reason.split(":")[0]) for one in wrong] == [
        ("name", "must be given"),
        ("segments", "must be one of AMBULATORY, HOSPITAL, OBSTETRICS, DENTAL"),
        ("coverage", "must be rules as TABLE"),
        ("urgent_hours", "must be a whole number"),
        ("active", "must be true or false"),
        ("valid_from", "must be a day of the calendar"),
        ("valid_to", "must be a day, as 2026-03-01 or 01/03/2026"),
    ]


def test_a_line_of_a_plan_that_the_law_forbids_is_named_by_its_column() -> None:
    cells_of_it = {"insurer_id": "999991", "plan_id": "G", "name": "x", "segments": "DENTAL", "birth_days": "301"}
    (wrong,) = nouns("plans", Line(2, cells_of_it))
    assert isinstance(wrong, list)
    assert [(one.column, one.reason) for one in wrong] == [
        ("birth_days", "must be 0 to 300 days: the law allows no more (Lei 9.656, arts. 11 and 12)")
    ]


@pytest.mark.parametrize("text", ["1.234,50", "-1", "1,234", "1e3", "", "12345678901234", "٣", "1."])
def test_an_amount_that_could_be_read_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be an amount"):
        cells.amount(text)


@pytest.mark.parametrize("text", ["22:40=limit", "22:40=limit:", "22:40=authorization:1", "22:40=free", "2:=covered"])
def test_a_rule_that_says_nothing_known_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must "):
        cells.coverage(text)
