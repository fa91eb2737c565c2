"""PostgreSQL that restarts, crashes, or takes a COMMIT and never says so."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

import grpc
import pytest

from acerto.billing.v1 import billing_service_pb2 as api
from tests.support.fleet import Fleet
from tests.support.ledger import Ledger, rows
from tests.support.load import fed, grows, ordered, rises
from tests.support.os_service import Line, OSService, RabbitLine, TableLine
from tests.support.outbox_feed import Feed
from tests.support.postgres_private import PrivatePostgres
from tests.support.proxy import Proxy
from tests.support.served import refusal
from tests.support.waiting import eventually

COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"
"""What the server says when a COMMIT is done."""


@pytest.fixture
async def postgres(tmp_path: Path, migrate: Callable[[str], None]) -> AsyncIterator[PrivatePostgres]:
    async with PrivatePostgres(tmp_path / "postgres").running(migrate) as server:
        yield server


@pytest.fixture(params=["rabbitmq", "postgres"])
def broker_url(request: pytest.FixtureRequest) -> str:
    """Each broker in turn; none is the one inside PostgreSQL, which goes and comes with it."""
    return str(request.getfixturevalue("amqp_url")) if request.param == "rabbitmq" else ""


@pytest.fixture
async def house(broker_url: str, postgres: PrivatePostgres, tmp_path: Path) -> AsyncIterator[OSService]:
    """A relay and a consumer that live through all of it, and the partner of their broker."""
    line: Line = RabbitLine(broker_url) if broker_url else TableLine(postgres.url)
    with Fleet(tmp_path / "fleet", database_url=postgres.url, broker_url=broker_url) as fleet:
        roles = await fleet.running("relay", "consumer")
        async with OSService(line).working() as service:
            yield service
        assert [role.program.code for role in roles] == [None, None]


async def test_postgresql_crashes_and_restarts_under_load(
    broker_url: str, postgres: PrivatePostgres, house: OSService
) -> None:
    # The broker inside PostgreSQL waits for a lease to run out after each: there, the worse one is enough.
    ways = (signal.SIGQUIT, signal.SIGINT) if broker_url else (signal.SIGQUIT,)
    async with ordered(house):
        for how in ways:
            await grows(house, 15)
            await postgres.stop(how)
            await postgres.start()
        await grows(house, 15)
    await Ledger(postgres.url, house).balances(within=60)


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[Proxy]:
    async with Proxy(database_url).running() as running:
        yield running


async def test_an_api_whose_commit_is_not_answered_answers_the_repeat_with_what_was_committed(
    proxy: Proxy, fleet: Fleet, partner: OSService, ledger: Ledger
) -> None:
    role, _ = await fleet.running("api", "relay", database_url=proxy.url)
    order = api.CreateBudgetRequest(work_order_id=str(uuid4()), request_id=str(uuid4()))
    proxy.faults.swallow = COMMITTED
    async with role.billing() as billing:
        assert (await refusal(billing.CreateBudget(order))).code is grpc.StatusCode.UNAVAILABLE
        assert proxy.cuts == 1
        budget = await billing.CreateBudget(order)
    assert rows(fleet.database_url, "SELECT id::text FROM budgets") == [(budget.budget_id,)]
    await ledger.balances()
    assert len({event.event_id for event in partner.heard}) == 1


async def test_a_consumer_whose_commit_is_not_answered_meets_its_own_note(
    proxy: Proxy, fleet: Fleet, partner: OSService, ledger: Ledger
) -> None:
    await fleet.running("relay")
    await fleet.running("consumer", database_url=proxy.url)
    proxy.faults.swallow = COMMITTED
    await partner.order(os_id := uuid4())
    await partner.event(os_id)
    await eventually(lambda: proxy.cuts == 1)
    await partner.cancel(os_id)
    await partner.order(other := uuid4())
    await partner.event(other)
    await ledger.balances()
    assert rows(fleet.database_url, "SELECT count(*) FROM budgets") == [(2,)]


async def test_a_relay_whose_commit_is_not_answered_goes_on_behind_what_it_settled(
    proxy: Proxy, fleet: Fleet, feed: Feed, partner: OSService, ledger: Ledger
) -> None:
    (relay,) = await fleet.running("relay", database_url=proxy.url)
    async with fed(feed):
        for turn in (1, 2, 3):
            proxy.faults.swallow = COMMITTED
            await rises(lambda: proxy.cuts, turn)
            await grows(partner, 60)
    await ledger.balances()
    assert len(relay.logged("relay reconnects")) >= 3


async def test_a_connection_that_is_cut_after_any_number_of_bytes_loses_nothing(
    proxy: Proxy, fleet: Fleet, feed: Feed, partner: OSService, ledger: Ledger
) -> None:
    await fleet.running("relay", "consumer", database_url=proxy.url)
    async with fed(feed), ordered(partner):
        for limit in (2_000, 3_500, 9_000, 20_000, 45_000):
            proxy.faults.cut_after = limit
            await rises(lambda: proxy.cuts, proxy.cuts + 2)
            proxy.faults.cut_after = None
            await grows(partner, 60)
    await ledger.balances(within=60)
