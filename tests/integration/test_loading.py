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
from domain.meter import NoMeter
from domain.money import Money
from persistence.generations import KnownGenerations
from persistence.loading.kinds import KINDS
from persistence.loading.loader import Job, Loaded, load
from persistence.loading.table_file import BadFile, BadLine, TableFile
from persistence.reference_cache import CachedReferenceViews
from persistence.reference_views import ReferenceViews
from persistence.tuss import TussTerms
from server.wiring.reference import ReferenceAnswers
from tests.support.fakes import FakeClock, FakeStore
from tests.support.fakes_eligibility import FakeChecks
from tests.support.house import House, house
from tests.support.reference import AT

INSURERS = "insurer_id,name,cnpj\n999991,Um,12ABC34501DE35\n999992,Dois,12ABC34501DE35\n"
PLANS = "insurer_id,plan_id,name,segments,coverage\n999991,GOLD,Ouro,AMBULATORY,22:40=authorization\n"
PRICES = "insurer_id,plan_id,table,code,price,valid_from\n999991,GOLD,22,99000011,10.00,2026-01-01\n"
MANY_TERMS = """table,code,description,valid_from,valid_to,release
22,99000011,First,2025-01-01,,1
22,99000011,Second,2025-06-01,,2
22,99000012,Ended,2025-01-01,2025-04-30,1
22,99000013,Open beside one that ended,2025-01-01,,1
22,99000013,Ended and governs,2025-03-01,2025-05-31,2
22,99000014,Not yet,2026-01-01,,3
"""
MANY_PRICES = """insurer_id,plan_id,table,code,price,valid_from,valid_to
999991,GOLD,22,99000011,10.00,2025-01-01,
999991,GOLD,22,99000011,11.00,2025-02-01,2025-03-31
999991,GOLD,22,99000012,12.00,2025-02-01,2025-11-30
999991,GOLD,22,99000013,13.00,2025-01-01,
999991,GOLD,22,99000013,14.00,2025-07-01,
999991,GOLD,22,99000014,15.00,2025-05-01,
"""
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
    one, other = ("22", "99000011"), ("20", "99000011")
    assert {code: term.description for code, term in (await answers.terms([one, other], day)).items()} == {one: "Um"}
    assert await answers.agreed_prices("999991", "GOLD", [one, other], day) == {one: Money(1000)}
    assert await answers.agreed_prices("999991", "GOLD", [one], date(2025, 12, 31)) == {}
    asked = [("22", "40999999"), ("22", "30999999"), ("20", "40999999")]
    assert await answers.need_authorization("999991", "GOLD", asked) == {asked[0]}
    assert await answers.need_authorization("999991", "?", asked) == frozenset()


@pytest.mark.parametrize("cached", [False, True])
async def test_of_many_codes_each_is_told_as_if_it_was_asked_about_alone(loading: Loading, *, cached: bool) -> None:
    await loading(insurers=INSURERS, plans=PLANS, prices=MANY_PRICES, tuss=MANY_TERMS)
    database = loading.home.database
    terms = TussTerms(database, KnownGenerations(database), NoMeter())
    views = CachedReferenceViews(database, terms) if cached else ReferenceViews(database)
    codes = [("22", f"9900001{last}") for last in range(1, 6)]
    seen = set()
    for day in (date(2025, month, 15) for month in range(1, 13)):
        told = await views.valid_terms(codes, day)
        assert told == {code: term for code in codes if (term := await views.tuss_term(*code, day))}
        agreed = await views.valid_prices("999991", "GOLD", codes, day)
        alone = {code: await views.price_agreement("999991", "GOLD", *code, day) for code in codes}
        assert agreed == {code: price for code, price in alone.items() if price}
        seen.add((len(told), len(agreed)))
    assert len(seen) > 3, "the days differ"
