"""Mercado Pago's settlement report: read whatever its columns' order, refused whole with every bad line named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest

from domain.billing.settlement import LineKind, SettlementLine
from domain.money import Money
from server.providers.mercadopago.settlement import COLUMNS, UnusableReport, read

REFERENCE = "01890a5d-ac96-774b-bcce-b302099a8057"
CELLS = {
    "EXTERNAL_REFERENCE": REFERENCE,
    "SOURCE_ID": "7001",
    "TRANSACTION_TYPE": "SETTLEMENT",
    "TRANSACTION_AMOUNT": "123.45",
    "TRANSACTION_CURRENCY": "BRL",
    "TRANSACTION_DATE": "2026-03-01T12:00:00.000-03:00",
    "FEE_AMOUNT": "-1.22",
    "SETTLEMENT_NET_AMOUNT": "122.23",
    "SETTLEMENT_DATE": "2026-03-01T12:00:01.000-03:00",
}
LINE = SettlementLine(
    charge_id="7001",
    reference=REFERENCE,
    kind=LineKind.SETTLEMENT,
    amount=Money(12_345),
    fee=Money(-122),
    net=Money(12_223),
    at=datetime(2026, 3, 1, 15, tzinfo=UTC),
    settled_at=datetime(2026, 3, 1, 15, 0, 1, tzinfo=UTC),
)


def a_report(
    *rows: Mapping[str, str], separator: str = ",", columns: Sequence[str] = COLUMNS, ending: str = "\n"
) -> bytes:
    """A file of rows; each is the usual one but for what it says."""
    table = [columns, *([{**CELLS, **row}.get(name, "") for name in columns] for row in rows)]
    return "".join(separator.join(cells) + ending for cells in table).encode()


def problems(content: bytes) -> tuple[str, ...]:
    with pytest.raises(UnusableReport) as unusable:
        read(content)
    return unusable.value.problems


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_report_is_read_however_it_is_parted_and_marked(separator: str, mark: bytes, ending: str) -> None:
    assert read(mark + a_report({}, separator=separator, ending=ending)) == [LINE]


def test_columns_are_found_by_name_in_any_order_among_others() -> None:
    columns = ("USER_ID", *reversed(COLUMNS), "METADATA")
    assert read(a_report({"METADATA": '"{""a"": 1,\n ""b"": 2}"'}, {}, columns=columns)) == [LINE, LINE]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("SETTLEMENT", LineKind.SETTLEMENT),
        ("REFUND", LineKind.REFUND),
        ("CHARGEBACK", LineKind.CHARGEBACK),
        ("DISPUTE", LineKind.DISPUTE),
        ("WITHDRAWAL", LineKind.PAYOUT),
        ("WITHDRAWAL_CANCEL", LineKind.PAYOUT),
        ("PAYOUT", LineKind.PAYOUT),
        ("CASHBACK", LineKind.OTHER),
        ("SETTLEMENT_SHIPPING", LineKind.OTHER),
    ],
)
def test_each_transaction_type_is_what_their_glossary_says(word: str, kind: LineKind) -> None:
    (line,) = read(a_report({"TRANSACTION_TYPE": word}))
    assert line.kind is kind


def test_amounts_are_exact_and_keep_their_sign() -> None:
    amounts = ("-0.10", "90071992547.93", "+7", "0")
    lines = read(a_report(*({"TRANSACTION_AMOUNT": amount} for amount in amounts)))
    assert [line.amount.cents for line in lines] == [-10, 9_007_199_254_793, 700, 0]


def test_what_is_of_no_charge_may_name_none_and_be_uncredited() -> None:
    payout = {"TRANSACTION_TYPE": "PAYOUT", "SOURCE_ID": "", "EXTERNAL_REFERENCE": "", "SETTLEMENT_DATE": ""}
    (line,) = read(a_report(payout))
    assert (line.charge_id, line.reference, line.settled_at) == ("", "", None)


def test_an_offset_is_kept_as_the_same_instant() -> None:
    (line,) = read(a_report({"TRANSACTION_DATE": "2026-03-01T11:00:00.000-04:00"}))
    assert line.at == LINE.at
    assert line.at.tzinfo == timezone(timedelta(hours=-4))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"TRANSACTION_AMOUNT": '"1234,50"'}, "TRANSACTION_AMOUNT: an amount is plain decimal text"),
        ({"TRANSACTION_AMOUNT": "1.005"}, "TRANSACTION_AMOUNT: an amount is plain decimal text"),
        ({"TRANSACTION_AMOUNT": "1e3"}, "TRANSACTION_AMOUNT: an amount is plain decimal text"),
        ({"TRANSACTION_AMOUNT": "NaN"}, "TRANSACTION_AMOUNT: an amount is plain decimal text"),
        ({"TRANSACTION_AMOUNT": "100000000001.00"}, "TRANSACTION_AMOUNT: an amount of 10000000000100 centavos"),
        ({"FEE_AMOUNT": ""}, "FEE_AMOUNT: an amount is plain decimal text"),
        ({"SETTLEMENT_NET_AMOUNT": "R$ 1"}, "SETTLEMENT_NET_AMOUNT: an amount is plain decimal text"),
        ({"TRANSACTION_CURRENCY": "R$"}, "TRANSACTION_CURRENCY is no currency"),
        ({"TRANSACTION_TYPE": ""}, "TRANSACTION_TYPE is empty"),
        ({"SOURCE_ID": ""}, "SOURCE_ID is empty"),
        ({"TRANSACTION_DATE": ""}, "TRANSACTION_DATE is no instant with its offset"),
        ({"TRANSACTION_DATE": "2026-03-01T12:00:00"}, "TRANSACTION_DATE is no instant with its offset"),
        ({"TRANSACTION_DATE": "01/03/2026"}, "TRANSACTION_DATE is no instant with its offset"),
        ({"SETTLEMENT_DATE": "soon"}, "SETTLEMENT_DATE is no instant with its offset"),
        ({"SOURCE_ID": "7001,7002"}, "it has 10 cells under 9 columns"),
        ({"SOURCE_ID": '"7001"7'}, "',' expected after '\"'"),
    ],
)
def test_a_line_that_is_wrong_is_named_with_its_reason(wrong: dict[str, str], reason: str) -> None:
    (problem,) = problems(a_report({}, wrong, {}))
    assert problem.startswith(f"line 3: {reason}")


def test_every_bad_line_is_told_at_once_by_where_it_begins() -> None:
    columns = ("METADATA", *COLUMNS)
    bad = {"SOURCE_ID": ""}
    found = problems(
        a_report(bad, {"METADATA": '"two\nlines"', **bad}, {}, {"SOURCE_ID": '"7"7'}, bad, columns=columns)
    )
    assert [problem.partition(":")[0] for problem in found] == ["line 2", "line 3", "line 6", "line 7"]


def test_blank_lines_are_passed_over_without_losing_count() -> None:
    assert read(a_report({}) + b"\n\n") == [LINE]
    (problem,) = problems(a_report({}) + b"\n" + a_report({"SOURCE_ID": ""}).partition(b"\n")[2])
    assert problem.startswith("line 4: ")


@pytest.mark.parametrize("name", COLUMNS)
def test_a_missing_column_is_named_and_so_is_one_that_is_there_twice(name: str) -> None:
    assert problems(a_report(columns=[column for column in COLUMNS if column != name])) == (
        f"the column {name} is missing",
    )
    assert problems(a_report({}, columns=(*COLUMNS, name))) == (f"the column {name} is there twice",)


def test_a_file_that_is_no_report_is_refused() -> None:
    assert len(problems(b"")) == len(COLUMNS)
    assert problems(b"PK\x03\x04\xff\xfe") == ("it is not UTF-8 text",)
    assert problems(b'"SOURCE_ID') == ("line 1: unexpected end of data",)
    assert read(a_report()) == []
