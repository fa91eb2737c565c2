"""The line to the broker: cut at any byte, silent, slow, resetting. Nothing lost, nothing twice, order kept."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.fleet import Fleet, Role
from tests.support.ledger import Ledger
from tests.support.load import KEYS, fed, grows, ordered, rises
from tests.support.os_service import OSService
from tests.support.outbox_feed import Feed
from tests.support.proxy import Proxy
from tests.support.waiting import eventually


@pytest.fixture
async def proxy(amqp_url: str) -> AsyncIterator[Proxy]:
    async with Proxy(amqp_url).running() as running:
        yield running


@pytest.fixture
async def roles(proxy: Proxy, fleet: Fleet) -> AsyncIterator[list[Role]]:
    """A relay and a consumer behind the proxy; they live through all of it."""
    running = await fleet.running("relay", "consumer", broker_url=proxy.url)
    yield running
    assert [role.program.code for role in running] == [None] * 2


async def test_a_connection_that_is_cut_in_mid_wave_at_any_byte_loses_nothing(
    proxy: Proxy, roles: list[Role], feed: Feed, partner: OSService, ledger: Ledger
) -> None:
    async with fed(feed, padding=2_000), ordered(partner):
        for limit in (700, 3_000, 12_345, 40_000, 90_000):
            proxy.faults.cut_after = limit
            await rises(lambda: proxy.cuts, proxy.cuts + 2)
            proxy.faults.cut_after = None
            await grows(partner, 60)
    await ledger.balances(within=60)


async def test_a_line_that_goes_silent_is_given_up_and_its_late_bytes_harm_nothing(
    proxy: Proxy, roles: list[Role], feed: Feed, partner: OSService, ledger: Ledger
) -> None:
    async with fed(feed):
        await grows(partner, 60)
        proxy.faults.blackhole = True
        await eventually(lambda: roles[0].logged("relay reconnects"), within=30, what="the relay gives its wave up")
        proxy.faults.blackhole = False
        await grows(partner, 60)
    await ledger.balances(within=60)


async def test_a_slow_line_that_is_reset_now_and_then_loses_nothing(
    proxy: Proxy, roles: list[Role], feed: Feed, partner: OSService, ledger: Ledger
) -> None:
    proxy.faults.latency, proxy.faults.rate = 0.02, 100_000.0
    async with ordered(partner):
        for _ in range(4):
            feed.commit([*KEYS, *KEYS])
            await grows(partner, 30)
            proxy.reset_all()
    proxy.faults.latency, proxy.faults.rate = 0.0, None
    await ledger.balances(within=60)
