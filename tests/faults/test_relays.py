"""Any number of relays, killed, frozen and thawed in any order: per key, first deliveries come in the key's order."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.support.fleet import Fleet
from tests.support.ledger import Ledger, rows
from tests.support.load import KEYS, end_sessions, fed, grows
from tests.support.os_service import OSService
from tests.support.outbox_feed import Feed
from tests.support.waiting import eventually

_LISTENING = """
SELECT count(*) FROM pg_stat_activity WHERE application_name = 'acerto-listen' AND datname = current_database()
"""


async def test_three_relays_keep_the_order_while_they_are_killed_and_frozen_in_turn(
    fleet: Fleet, feed: Feed, partner: OSService, ledger: Ledger
) -> None:
    relays = await fleet.running("relay", "relay", "relay")
    async with fed(feed):
        await grows(partner, 200)
        for turn in range(6):
            place = turn % 3
            if turn % 2:
                relays[place].program.kill()
                relays[place] = fleet.start("relay")
                await grows(partner, 100)
                continue
            relays[place].program.pause()
            await grows(partner, 100)
            relays[place].program.resume()
    await ledger.balances()
    assert len(partner.heard) > 700


@pytest.mark.parametrize("point", ["relay.after_claim", "relay.after_confirms"])
async def test_a_zombie_relay_that_wakes_after_its_locks_were_taken_disturbs_nothing(
    point: str, fleet: Fleet, feed: Feed, partner: OSService, ledger: Ledger
) -> None:
    for _ in range(3):
        feed.commit([*KEYS])
    zombie = fleet.start("relay", failpoints=f"{point}=pause")
    await eventually(lambda: zombie.program.frozen, within=20, what="the relay stops at its point")
    # What the idle timeout does to a session that keeps its locks for a minute.
    assert end_sessions(fleet.database_url, "acerto-relay") == 1
    await fleet.running("relay")
    feed.commit([*KEYS])
    await ledger.balances()
    async with fed(feed):
        zombie.program.resume()
        await eventually(lambda: zombie.logged("relay reconnects"), what="the zombie notices")
        await grows(partner, 100)
    await ledger.balances()
    assert zombie.program.code is None


async def test_a_relay_that_is_asked_to_stop_under_load_finishes_its_wave_and_leaves_the_rest(
    fleet: Fleet, feed: Feed, partner: OSService, ledger: Ledger
) -> None:
    first, second = await fleet.running("relay", "relay")
    async with fed(feed):
        await grows(partner, 100)
        first.program.ask_to_stop()
        assert await first.died() == 0
        await grows(partner, 100)
        second.program.ask_to_stop()
        assert await second.died() == 0
    heard = [event.event_id for event in partner.heard]
    assert len(heard) == len(set(heard)), "an orderly stop leaves no wave half told"
    await fleet.running("relay")
    await ledger.balances()


async def test_a_relay_whose_listening_is_cut_still_sends_and_listens_again(
    fleet: Fleet, feed: Feed, partner: OSService, ledger: Ledger
) -> None:
    await fleet.running("relay")
    assert end_sessions(fleet.database_url, "acerto-listen") == 1
    feed.commit(KEYS)
    await ledger.balances(within=10)
    await eventually(lambda: rows(fleet.database_url, _LISTENING) == [(1,)], within=10, what="it listens again")


async def test_sessions_that_are_terminated_again_and_again_lose_nothing(
    fleet: Fleet, feed: Feed, partner: OSService, ledger: Ledger
) -> None:
    await fleet.running("relay", "consumer")
    async with fed(feed):
        for _ in range(5):
            await partner.order(UUID(int=len(partner.sent) + 1))
            await grows(partner, 40)
            end_sessions(fleet.database_url, "acerto-%")
    await ledger.balances()
