"""What the roles depend on outside the process, and what each must have before anything is served."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from functools import partial

import psycopg

from domain.errors import Unavailable
from messaging.broker import BrokerLost
from persistence import migrations
from persistence.engine import address
from server.preparation import Dependency
from server.wiring.house import House
from server.wiring.sample import load_sample


class NotMigrated(Exception):
    """The database lacks migrations, and this environment does not apply them by itself; the text names them."""


async def migrated(house: House) -> None:
    """Apply the migrations that are missing, in development; elsewhere refuse to go on. Raises NotMigrated."""
    url = house.database.url
    missing = await asyncio.to_thread(migrations.pending, url)
    if missing and not house.develops:
        raise NotMigrated(
            f"the database {address(url)} lacks the migrations {', '.join(missing)}: "
            "run `python -m server migrate` with the same ACERTO_DATABASE_URL"
        )
    if missing:
        await asyncio.to_thread(migrations.upgrade, url)


async def _ready(house: House) -> None:
    """Migrated; where the database is the embedded default, somebody is trying us out, and finds a sample."""
    await migrated(house)
    if house.develops and house.settings.database_url is None:
        await load_sample(house)


async def _declared(house: House) -> None:
    """Declare the topology, in development; elsewhere check that it is there. Raises TopologyConflict, BrokerLost."""
    await (house.broker.apply(house.topology) if house.develops else house.broker.verify(house.topology))


def dependencies_of(house: House, roles: Collection[str]) -> list[Dependency]:
    """The database, and the broker for the roles that speak with it."""
    database = Dependency(
        "database",
        address(house.database.url),
        house.database.ping,
        partial(_ready, house),
        (psycopg.Error, Unavailable, OSError),
    )
    if not {"relay", "consumer"} & set(roles):
        return [database]
    # A broker's ping makes a connection, which it logs: a good one stands for a while.
    broker = Dependency(
        "broker",
        house.broker_address,
        house.broker.ping,
        partial(_declared, house),
        (BrokerLost, OSError),
        kept=10.0,
    )
    return [database, broker]
