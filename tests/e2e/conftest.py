"""One house for all journeys, once on RabbitMQ and once on the broker in PostgreSQL: four roles, each a process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.fleet import Fleet, Role
from tests.support.os_service import Line, OSService, RabbitLine, TableLine
from tests.support.postgres import Databases
from tests.support.virtual_hosts import VirtualHosts

BROKERS = ("rabbitmq", "postgres")


@dataclass(frozen=True)
class House:
    """A house that runs, and a line to its broker; its tests use work orders of their own."""

    kind: str
    fleet: Fleet
    api: Role
    line: Line

    @property
    def database_url(self) -> str:
        return self.fleet.database_url


@pytest.fixture(scope="session")
def house_of(
    databases: Databases, virtual_hosts: VirtualHosts, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], House]]:
    """What starts the house of a kind, at most once."""
    houses: dict[str, House] = {}
    with ExitStack() as stack:

        def house_of(kind: str) -> House:
            if kind not in houses:
                database_url = stack.enter_context(databases.migrated())
                amqp_url = virtual_hosts.fresh() if kind == "rabbitmq" else ""
                folder = tmp_path_factory.mktemp(kind)
                fleet = stack.enter_context(Fleet(folder, database_url=database_url, broker_url=amqp_url))
                assert fleet.verb("topology", "apply").code == 0
                api, *_ = fleet.started("api", "relay", "consumer", "worker")
                line: Any = RabbitLine(amqp_url) if amqp_url else TableLine(database_url)
                houses[kind] = House(kind, fleet, api, line)
            return houses[kind]

        yield house_of


@pytest.fixture(params=BROKERS)
def house(request: pytest.FixtureRequest, house_of: Callable[[str], House]) -> House:
    """The house, on each broker in turn."""
    return house_of(request.param)


@pytest.fixture
def rabbit_house(house_of: Callable[[str], House]) -> House:
    """The house on RabbitMQ."""
    return house_of("rabbitmq")


@pytest.fixture
async def partner(house: House) -> AsyncIterator[OSService]:
    """OSService at the broker of the house."""
    async with OSService(house.line).working() as service:
        yield service


@pytest.fixture
async def rabbit_partner(rabbit_house: House) -> AsyncIterator[OSService]:
    """OSService at RabbitMQ."""
    async with OSService(rabbit_house.line).working() as service:
        yield service


@pytest.fixture
async def billing(rabbit_house: House) -> AsyncIterator[Any]:
    """BillingService, as a client sees it."""
    async with rabbit_house.api.billing() as stub:
        yield stub


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a test's own processes keep what they write."""
    return tmp_path / "fleet"
