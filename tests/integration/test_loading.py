"""Files of reference data on a real database: whole or not at all, again without effect, bad lines by their number."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from domain.eligibility.generations import EVERYTHING
from domain.errors import Unavailable
from domain.failpoints import arm
from domain.money import Money
from persistence.loading.kinds import KINDS
from persistence.loading.loader import Job, Loaded, load
from persistence.loading.table_file import BadFile, BadLine, TableFile
from persistence.reference_views import ReferenceViews
from server.wiring.reference import ReferenceAnswers
from tests.support.fakes import FakeClock, FakeStore
from tests.support.fakes_eligibility import FakeChecks
from tests.support.house import House, house
from tests.support.reference import AT

INSURERS = "insurer_id,name,cnpj\n999991,Um,12ABC34501DE35\n999992,Dois,12ABC34501DE35\n"
PLANS = "insurer_id,plan_id,name,segments,coverage\n999991,GOLD,Ouro,AMBULATORY,22:40=authorization\n"
PRICES = "insurer_id,plan_id,table,code,price,valid_from\n999991,GOLD,22,99000011,10.00,2026-01-01\n"
TERMS = "table,code,description,valid_from,release\n22,99000011,Um,2025-01-01,1\n22,99000012,Dois,2025-01-01,1\n"


class Loading:
    """Loads texts as files; keeps what is told of bad lines."""

    def __init__(self, home: House, folder: Path) -> None:
        self.home = home
        self.bad: list[BadLine] = []
        self._folder = folder

    async def __call__(self, **texts: str) -> list[Loaded]:
        with ExitStack() as stack:
            jobs = []
            for name, text in texts.items():
                path = self._folder / f"{name}.csv"
                path.write_text(text, encoding="utf-8")
                file = stack.enter_context(path.open("rb"))
                table = TableFile(file, KINDS[name].name_of, lambda *_: None)
                jobs.append(
                    Job(kind=KINDS[name], file=table, given={}, at=AT, who="tester", what=f"load {name}", reason="why")
                )
            return await load(self.home.database, jobs, self.bad.append)

    @property
    def told(self) -> list[tuple[int, str]]:
        return [(one.number, one.reason) for one in self.bad]

    async def count(self, table: str) -> Any:
        return await self.home.value(f"SELECT count(*) FROM {table}")

    async def generation(self) -> Any:
        return await self.home.value(
            "SELECT coalesce(max(generation), 0) FROM generations WHERE scope = %s", EVERYTHING
        )


@pytest.fixture
async def loading(database_url: str, tmp_path: Path) -> AsyncIterator[Loading]:
    async with house(database_url) as home:
        yield Loading(home, tmp_path)


async def test_files_that_lean_on_each_other_are_loaded_together_and_everything_moves_once(loading: Loading) -> None:
    told = await loading(insurers=INSURERS, plans=PLANS, prices=PRICES, tuss=TERMS)
    assert told == [Loaded(new=2), Loaded(new=1), Loaded(new=1), Loaded(new=2)]
    assert await loading.generation() == 1
    plan = await ReferenceViews(loading.home.database).health_plan("999991", "GOLD")
    assert plan is not None
    assert (plan.coverage[0].needs_authorization, plan.updated_at) == (True, AT)
    noted = await loading.home.rows("SELECT who, what, reason FROM operator_log ORDER BY id LIMIT 1")
    assert noted == [{"who": "tester", "what": "load insurers: 2 new, 0 changed, 0 as they were", "reason": "why"}]


async def test_a_file_that_was_loaded_changes_nothing_the_second_time(loading: Loading) -> None:
    for file in ({"insurers": INSURERS}, {"plans": PLANS}, {"tuss": TERMS}, {"prices": PRICES}):
        await loading(**file)
        before = await loading.generation()
        (again,) = await loading(**file)
        assert (again.new, again.changed) == (0, 0)
        assert await loading.generation() == before


async def test_a_new_release_leaves_old_rows_that_it_does_not_name(loading: Loading) -> None:
    await loading(tuss=TERMS)
    release = [TERMS.splitlines()[0], "22,99000011,Novo,2026-01-01,2", "22,99000012,Dois!,2025-01-01,2"]
    assert await loading(tuss="\n".join(release)) == [Loaded(new=1, changed=1)]
    rows = await loading.home.rows("SELECT code, description, release FROM tuss_terms ORDER BY code, valid_from")
    assert [tuple(row.values()) for row in rows] == [
        ("99000011", "Um", "1"),
        ("99000011", "Novo", "2"),
        ("99000012", "Dois!", "2"),
    ]
    assert await loading.generation() == 2


async def test_one_bad_line_keeps_all_the_others_out_of_every_file(loading: Loading) -> None:
    told = await loading(insurers=INSURERS, plans=f"{PLANS}999991,SILVER,,AMBULATORY,\n")
    assert told == [Loaded(new=2), Loaded(bad=1)]
    assert loading.bad == [BadLine(3, "name", "must be given")]
    assert (await loading.count("insurers"), await loading.generation()) == (0, 0)
    assert await loading.count("operator_log") == 0


async def test_a_key_that_a_line_repeats_is_told_with_the_line_that_had_it(loading: Loading) -> None:
    await loading(
        tuss=f"{TERMS}22,99000012,Outro,2026-01-01,1\n22,99000011,x,2025-01-01,1\n22,99000011,y,2025-01-01,1\n"
    )
    reason = "has the key of line 2: table, code, valid_from"
    assert loading.told == [(5, reason), (6, reason)]
    assert await loading.count("tuss_terms") == 0


async def test_a_line_that_leans_on_nothing_is_told_beside_the_others(loading: Loading) -> None:
    await loading(insurers=INSURERS)
    await loading(plans=f"{PLANS}999993,X,x,DENTAL,\n999992,Y,,DENTAL,\n")
    assert loading.told == [(4, "must be given"), (3, "there is no such insurer: load the insurers first")]
    loading.bad.clear()
    await loading(prices=PRICES)
    assert loading.told == [(2, "the insurer has no such plan: load the plans first")]


async def test_a_file_that_is_wrong_from_its_first_line_to_its_last_is_told_line_by_line(loading: Loading) -> None:
    await loading(tuss="table,code,description,valid_from\n" + "22,99000011,x,2025-01-01\n" * 3000)
    assert len(loading.bad) == 2999
    assert [one.number for one in loading.bad] == list(range(3, 3002))


async def test_a_file_that_ends_in_the_middle_of_a_letter_leaves_nothing(loading: Loading, tmp_path: Path) -> None:
    path = tmp_path / "cut.csv"
    path.write_bytes(TERMS.encode() + b"22,99000013,\xc3")
    with path.open("rb") as file:
        table = TableFile(file, KINDS["tuss"].name_of, lambda *_: None)
        job = Job(kind=KINDS["tuss"], file=table, given={}, at=AT, who="x", what="x", reason="")
        with pytest.raises(BadFile, match="line 4 is not UTF-8"):
            await load(loading.home.database, [job], loading.bad.append)
    assert await loading.count("tuss_terms") == 0


async def test_a_database_that_leaves_in_the_middle_is_told_as_away_and_keeps_nothing(loading: Loading) -> None:
    disarmed = False

    def leave() -> None:
        if not disarmed:
            raise psycopg.OperationalError("the connection is lost")

    arm("load.before_commit", leave)
    with pytest.raises(Unavailable):
        await loading(tuss=TERMS)
    disarmed = True
    assert (await loading.count("tuss_terms"), await loading.generation()) == (0, 0)


async def test_loads_at_once_wait_for_each_other_and_both_are_whole(loading: Loading, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "abcd"]
    for folder in folders:
        folder.mkdir()
    others = [Loading(loading.home, folder) for folder in folders]
    lines = [f"22,99{number:06},x,2025-01-01,1\n" for number in range(500)]
    header = TERMS.splitlines(keepends=True)[0]
    files = [header + "".join(ordered) for ordered in (lines, lines[::-1], lines, lines[::-1])]
    told = await asyncio.gather(*(other(tuss=file) for other, file in zip(others, files, strict=True)))
    assert sorted(one.new for (one,) in told) == [0, 0, 0, 500]
    assert await loading.count("tuss_terms") == 500


async def test_claims_are_told_what_was_loaded(loading: Loading) -> None:
    await loading(insurers=INSURERS, plans=PLANS, prices=PRICES, tuss=TERMS)
    checks = FakeChecks(FakeStore().reference, FakeClock()).checks
    answers = ReferenceAnswers(ReferenceViews(loading.home.database), checks)
    day = date(2026, 3, 1)
    term = await answers.term("22", "99000011", day)
    assert (term and term.description, await answers.term("20", "99000011", day)) == ("Um", None)
    assert await answers.agreed_price("999991", "GOLD", "22", "99000011", day) == Money(1000)
    assert await answers.agreed_price("999991", "GOLD", "22", "99000011", date(2025, 12, 31)) is None
    asked = [
        ("GOLD", "22", "40999999"),
        ("GOLD", "22", "30999999"),
        ("GOLD", "20", "40999999"),
        ("?", "22", "40999999"),
    ]
    assert [await answers.needs_authorization("999991", *one) for one in asked] == [True, False, False, False]
