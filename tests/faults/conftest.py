"""A database, a virtual host and a partner of each fault test's own, and the books that must balance at its end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.fleet import Fleet
from tests.support.ledger import Ledger
from tests.support.os_service import OSService, RabbitLine
from tests.support.outbox_feed import Feed


@pytest.fixture
def fleet(tmp_path: Path, database_url: str, amqp_url: str) -> Iterator[Fleet]:
    with Fleet(tmp_path / "fleet", database_url=database_url, broker_url=amqp_url) as started:
        yield started


@pytest.fixture
async def partner(amqp_url: str) -> AsyncIterator[OSService]:
    async with OSService(RabbitLine(amqp_url)).working() as service:
        yield service


@pytest.fixture
def ledger(database_url: str, partner: OSService) -> Ledger:
    return Ledger(database_url, partner)


@pytest.fixture
def feed(database_url: str) -> Feed:
    return Feed(database_url)
