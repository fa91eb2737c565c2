"""The operator's verbs: what waits in the outbox, what the broker must have, what the database lacks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.fleet import Fleet, Said
from tests.support.ledger import rows
from tests.support.os_service import OSService, RabbitLine, declare_own_queue
from tests.support.waiting import eventually


@pytest.fixture
def fleet(folder: Path, database_url: str, amqp_url: str) -> Iterator[Fleet]:
    """Outside development, where a partner's queue is the partner's own business."""
    with Fleet(folder, database_url=database_url, broker_url=amqp_url, env="test") as started:
        assert started.verb("topology", "apply").code == 0
        yield started


async def _listed(fleet: Fleet, *texts: str) -> Said:
    def look() -> Said:
        said = fleet.verb("outbox", "ls")
        assert all(text in said.out for text in texts), said.out + said.err
        return said

    return await eventually(look, within=20)


async def test_what_no_queue_takes_is_listed_retried_and_skipped_each_with_its_reason(fleet: Fleet) -> None:
    url, partner = fleet.database_url, OSService(RabbitLine(fleet.broker_url))
    await fleet.running("relay", "consumer")
    async with partner.working():
        kept, given_up = str(uuid4()), str(uuid4())
        await partner.order(kept)
        await partner.order(given_up)
        said = await _listed(fleet, kept, given_up, "unroutable")
        assert said.out.splitlines()[0].split()[:5] == ["EVENT", "ID", "TYPE", "KEY", "SEQ"]
        ids = {key: event_id for event_id, key in rows(url, "SELECT event_id::text, key FROM outbox")}
        assert fleet.verb("outbox", "skip", ids[given_up], "--reason", "a test order").out.endswith("done\n")
        # Before the queue is there: once it is, the relay's own next try may be quicker than the verb.
        assert fleet.verb("outbox", "retry", ids[kept], "--reason", "bound soon").code == 0
        await declare_own_queue(fleet.broker_url)
        assert (await partner.event(kept)).event_id == ids[kept]
        assert fleet.verb("outbox", "skip", ids[given_up], "--reason", "again").code == 1
        await eventually(lambda: rows(url, "SELECT FROM outbox") == [])
        assert partner.about(given_up) == []
    skipped = "SELECT event_id::text FROM outbox_archive WHERE headers ? 'acerto-skipped'"
    assert rows(url, skipped) == [(ids[given_up],)]
    noted = rows(url, "SELECT what, reason, who <> '' FROM operator_log ORDER BY id")
    assert noted == [
        (f"outbox skip {ids[given_up]}", "a test order", True),
        (f"outbox retry {ids[kept]}", "bound soon", True),
    ]


def test_the_topology_is_planned_applied_and_verified(folder: Path, database_url: str, amqp_url: str) -> None:
    with Fleet(folder, database_url=database_url, broker_url=amqp_url) as fleet:
        before = fleet.verb("topology", "verify")
        assert before.code == 1
        assert before.err.startswith("acerto: ")
        assert before.err.count("\n") == 1
        planned = fleet.verb("topology", "plan")
        assert planned.code == 0
        assert "missing   queue billing-events\n" in planned.out
        assert "made      queue billing-events-dlq\n" in fleet.verb("topology", "apply").out
        verified = fleet.verb("topology", "verify")
        assert (verified.code, verified.out) == (0, "all there\n")
        other = fleet.verb("topology", "plan", single_active_consumer="false")
        assert other.code == 1
        assert "present   queue os-events\n" in other.out
        assert "conflict  queue billing-events  (" in other.out


def test_the_broker_in_postgresql_has_its_topology_too(folder: Path, database_url: str) -> None:
    with Fleet(folder, database_url=database_url) as fleet:
        assert "missing   queue billing-events\n" in fleet.verb("topology", "plan").out
        assert fleet.verb("topology", "apply").code == 0
        assert fleet.verb("topology", "verify").out == "all there\n"


def test_migrations_are_planned_applied_and_then_there(folder: Path, empty_database_url: str) -> None:
    with Fleet(folder, database_url=empty_database_url, env="test") as fleet:
        planned = fleet.verb("migrate", "--plan")
        assert (planned.code, "lacks 0001" in planned.out) == (0, True)
        assert rows(empty_database_url, "SELECT to_regclass('work_orders')") == [(None,)]
        assert "got 0001" in fleet.verb("migrate").out
        assert fleet.verb("migrate").out.endswith("is up to date\n")
        assert rows(empty_database_url, "SELECT count(*) FROM work_orders") == [(0,)]


def test_an_unknown_verb_is_told_which_there_are(folder: Path, database_url: str) -> None:
    with Fleet(folder, database_url=database_url) as fleet:
        said = fleet.verb("bill-everyone")
        assert (said.code, "usage:" in said.err) == (2, True)
