"""Topology as rows: unlike RabbitMQ, all of it can be seen and compared, bindings too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from messaging.broker import TopologyConflict
from messaging.postgres import schema
from messaging.postgres.session import Session
from messaging.topology import Binding, Finding, Queue, Topology

EXACT_KEYS_ONLY: Final = "the PostgreSQL broker matches routing keys exactly; * and # need RabbitMQ"
_WILD: Final = frozenset("*#")


async def plan(session: Session, topology: Topology) -> Sequence[Finding]:
    """One finding per exchange, queue and binding, in that order."""
    made = (await session.run(schema.EXISTS))[0][0]
    exchanges = {name for (name,) in await session.run(schema.EXCHANGES)} if made else set()
    queues = {row[0]: Queue(*row) for row in await session.run(schema.QUEUES)} if made else {}
    bindings = {Binding(*row) for row in await session.run(schema.BINDINGS)} if made else set()
    return [
        *(Finding("present" if name in exchanges else "missing", f"exchange {name}") for name in topology.exchanges),
        *(_compare(queue, queues.get(queue.name)) for queue in topology.queues),
        *(_binding(binding, bindings) for binding in topology.bindings),
    ]


async def apply(session: Session, topology: Topology) -> Sequence[Finding]:
    """Make the schema and what is missing, in one transaction, after nothing was found to conflict."""
    async with session.connection.transaction():
        await session.run(schema.LOCK)
        await session.run(schema.TABLES)
        planned = await plan(session, topology)
        _refuse(planned, "conflict")
        for name in topology.exchanges:
            await session.run(schema.ADD_EXCHANGE, {"name": name})
        for queue, finding in zip(topology.queues, planned[len(topology.exchanges) :], strict=False):
            if finding.state == "missing":
                await session.run(schema.ADD_QUEUE, asdict(queue))
        own = (Binding("", queue.name, queue.name) for queue in topology.queues)
        for binding in (*own, *topology.bindings):
            await session.run(schema.ADD_BINDING, asdict(binding))
    return [Finding("made", each.what) if each.state == "missing" else each for each in planned]


async def verify(session: Session, topology: Topology) -> None:
    """Raises TopologyConflict that names what is missing or different."""
    _refuse(await plan(session, topology), "missing", "conflict")


async def require(session: Session, queue: str) -> None:
    """Raises TopologyConflict when there is no such queue."""
    made = (await session.run(schema.EXISTS))[0][0]
    if not made or queue not in {row[0] for row in await session.run(schema.QUEUES)}:
        raise TopologyConflict(f"queue {queue}: missing")


def _refuse(planned: Sequence[Finding], *states: str) -> None:
    wrong = [each for each in planned if each.state in states]
    if wrong:
        raise TopologyConflict("; ".join(f"{each.what}: {each.detail or each.state}" for each in wrong))


def _compare(wanted: Queue, found: Queue | None) -> Finding:
    what = f"queue {wanted.name}"
    if found is None:
        return Finding("missing", what)
    return Finding("present", what) if found == wanted else Finding("conflict", what, f"it is there as {found}")


def _binding(wanted: Binding, found: set[Binding]) -> Finding:
    what = f"binding {wanted.exchange} -> {wanted.routing_key} -> {wanted.queue}"
    if _WILD & set(wanted.routing_key):
        return Finding("conflict", what, EXACT_KEYS_ONLY)
    return Finding("present" if wanted in found else "missing", what)
