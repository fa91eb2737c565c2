"""What every test may ask for: databases and brokers that are real, fresh and its own. See tests/support."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import postgres, rabbitmq, redis
from tests.support.environment import forget_settings, forks_become_programs
from tests.support.rabbit_debian import fetch
from tests.support.rabbit_private import Installation
from tests.support.virtual_hosts import VirtualHosts

forget_settings()  # at import: before any test module can read a developer's own settings
forks_become_programs()


@pytest.fixture(scope="session")
def postgres_server_url() -> Iterator[str]:
    """A PostgreSQL server where databases can be made; one for the run."""
    with postgres.server_url() as url:
        yield url


@pytest.fixture(scope="session")
def migrate() -> Callable[[str], None]:
    """What brings an empty database to the present schema."""
    from persistence.migrations import upgrade

    return upgrade


@pytest.fixture(scope="session")
def databases(postgres_server_url: str, migrate: Callable[[str], None]) -> Iterator[postgres.Databases]:
    made = postgres.Databases(postgres_server_url, migrate)
    yield made
    made.close()


@pytest.fixture
def database_url(databases: postgres.Databases) -> Iterator[str]:
    """A migrated database of this test's own (30 ms: a copy of the run's template)."""
    with databases.migrated() as url:
        yield url


@pytest.fixture
def empty_database_url(postgres_server_url: str) -> Iterator[str]:
    """A database of this test's own with nothing in it."""
    with postgres.Databases(postgres_server_url, _no_migration).empty() as url:
        yield url


@pytest.fixture(scope="session")
def broker() -> Iterator[rabbitmq.Broker]:
    """The run's RabbitMQ; a run without one fails here, with a list of what to provide."""
    with rabbitmq.broker() as found:
        yield found


@pytest.fixture(scope="session")
def virtual_hosts(broker: rabbitmq.Broker) -> Iterator[VirtualHosts]:
    hosts = VirtualHosts(broker)
    yield hosts
    hosts.close()


@pytest.fixture
def amqp_url(virtual_hosts: VirtualHosts) -> str:
    """A virtual host of this test's own."""
    return virtual_hosts.fresh()


@pytest.fixture(scope="session")
def private_amqp_url(virtual_hosts: VirtualHosts) -> str:
    """A virtual host where this run alone uses the names that contracts fix; one for the run."""
    return virtual_hosts.fresh()


@pytest.fixture(scope="session")
def rabbit_installation() -> Installation:
    """RabbitMQ's programs, for tests that kill and freeze a node of their own (`PrivateRabbit`); fetched if need be."""
    return rabbitmq.installation() or fetch()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The run's Redis; a test keeps what it keeps under a prefix of its own."""
    with redis.server_url() as url:
        yield url


@pytest.fixture
def private_redis(tmp_path: Path) -> Iterator[redis.PrivateRedis]:
    """A Redis of this test's own, to be ended and frozen."""
    with redis.PrivateRedis(tmp_path, redis.program()) as running:
        yield running


def _no_migration(_: str) -> None:
    """An empty database stays empty."""
