"""Who is woken by which news: those it concerns, once for any number of notices, and by themselves when none comes."""

from __future__ import annotations

import asyncio

from persistence.news import NewsEar, Newsroom
from tests.support.waiting import eventually


async def opens(ear: NewsEar) -> bool:
    """Whether it has heard something already."""
    try:
        async with asyncio.timeout(0.02):
            await ear.heard()
    except TimeoutError:
        return False
    return True


async def test_a_notice_wakes_those_it_names_and_nobody_else() -> None:
    room = Newsroom()
    with room.about("a") as a, room.about("a") as twin, room.about("b") as b, room.about("c") as c:
        room.heard("a,c,nobody")
        assert [await opens(ear) for ear in (a, twin, b, c)] == [True, True, False, True]


async def test_a_notice_that_names_none_wakes_everybody() -> None:
    room = Newsroom()
    with room.about("a") as a, room.about("b") as b:
        room.heard("")
        assert (await opens(a), await opens(b)) == (True, True)


async def test_notices_while_nobody_asks_are_one() -> None:
    room = Newsroom()
    with room.about("a") as ear:
        for _ in range(5):
            room.heard("a")
        assert (await opens(ear), await opens(ear)) == (True, False)


async def test_an_ear_opens_by_itself_when_its_patience_is_at_its_end() -> None:
    with Newsroom(patience=0.05).about("a") as ear:
        await asyncio.wait_for(ear.heard(), 5)
        await asyncio.wait_for(ear.heard(), 5)


async def test_a_wait_that_is_cancelled_ends() -> None:
    with Newsroom().about("a") as ear:
        waiting = asyncio.create_task(ear.heard())
        await asyncio.sleep(0)
        waiting.cancel()
        await eventually(waiting.cancelled)


async def test_who_left_is_told_nothing() -> None:
    room = Newsroom()
    with room.about("a") as ear:
        pass
    room.heard("a")
    assert not await opens(ear)
