"""Compares what the database says happened with what a partner's queue delivered: lost, doubled, reordered, phantom.

The database's side is work_order_log, outbox and outbox_archive; the queue's is every delivery, in order, with repeats.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.support.os_service import PARTNER_KEYS, Event, OSService
from tests.support.waiting import eventually

_FACTS = """
SELECT event_id::text, key, key_seq, routing_key, event_type, headers ? 'acerto-skipped', false FROM outbox_archive
UNION ALL SELECT event_id::text, key, key_seq, routing_key, event_type, false, true FROM outbox
ORDER BY 2, 3
"""
_LOGGED = "SELECT event_id, work_order_id::text FROM work_order_log WHERE kind = 'CHANGED' AND event_type <> ''"
_APPLIED_TWICE = """
SELECT event_id, work_order_id::text FROM work_order_log WHERE kind = 'RECEIVED' GROUP BY 1, 2 HAVING count(*) > 1
"""
_COUNTED = "SELECT id::text, facts FROM work_orders"
_BUDGETS = "SELECT work_order_id::text FROM budgets"
_ACCEPTED = "SELECT message_id FROM inbox UNION SELECT message_id FROM inbox_deferred"


def rows(database_url: str, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    """What a query answers; for looking only."""
    with psycopg.connect(database_url, autocommit=True, connect_timeout=5) as session:
        return session.execute(statement.encode(), parameters).fetchall()


@dataclass(frozen=True)
class Fact:
    """One publication as the database has it."""

    event_id: str
    key: str
    key_seq: int
    routing_key: str
    event_type: str
    skipped: bool
    waiting: bool


@dataclass
class Findings:
    """Everything that is not as promised, each as a sentence; all empty: the books balance."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    reordered: list[str] = field(default_factory=list)
    phantom: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """What no waiting mends."""
        return [*self.doubled, *self.reordered, *self.phantom]


class Ledger:
    """The books of one database and one partner, whose queue is bound to `keys`."""

    def __init__(self, database_url: str, partner: OSService, *, keys: Collection[str] = PARTNER_KEYS) -> None:
        self.database_url = database_url
        self.partner = partner
        self._keys = frozenset(keys)

    async def balances(self, *, within: float = 30.0) -> None:
        """Wait until nothing is missing; nothing may ever be wrong. Raises AssertionError with the findings."""

        def look() -> bool:
            findings = self.findings()
            if findings.wrong:
                raise RuntimeError(f"the books are wrong: {findings.wrong[:10]}")
            assert not findings.lost, f"{len(findings.lost)} missing, among them {findings.lost[:3]}"
            return True

        await eventually(look, within=within, every=0.2, what="nothing is missing")
        # What is asked for once more comes from the same moment as the last look: a repeat may still arrive.
        assert not self.findings().wrong

    def findings(self) -> Findings:
        """The comparison at this moment; facts that are still on their way count as lost."""
        heard = tuple(self.partner.heard)  # first, so that what arrives meanwhile is no phantom
        facts = [Fact(*row) for row in rows(self.database_url, _FACTS)]
        findings = Findings()
        self._look_for_losses(findings, facts, heard)
        _look_for_doubles(findings, facts, heard)
        findings.doubled += [
            f"{one} was applied to {key} twice" for one, key in rows(self.database_url, _APPLIED_TWICE)
        ]
        places = {fact.event_id: (fact.key, fact.key_seq) for fact in facts}
        findings.phantom += [f"{one} was never committed" for one in {e.event_id for e in heard} - places.keys()]
        _look_for_disorder(findings, heard, places)
        return findings

    def _look_for_losses(self, findings: Findings, facts: Sequence[Fact], heard: Sequence[Event]) -> None:
        arrived = {event.event_id for event in heard}
        known = {fact.event_id for fact in facts}
        missing = [f for f in facts if f.routing_key in self._keys and not f.skipped and f.event_id not in arrived]
        findings.lost += [f"{f.event_type} {f.event_id}, number {f.key_seq} of {f.key}, not heard" for f in missing]
        findings.lost += [f"{f.event_id} still waits" for f in facts if f.waiting and f.event_id in arrived]
        logged = rows(self.database_url, _LOGGED)
        findings.lost += [f"{one} of {key} is logged and has no publication" for one, key in logged if one not in known]
        counts = Counter(fact.key for fact in facts)
        counted = rows(self.database_url, _COUNTED)
        findings.lost += [f"{key} counts {n} facts and has {counts[key]}" for key, n in counted if counts[key] != n]
        generated = {fact.key for fact in facts if fact.event_type == "BudgetGenerated"}
        budgets = {key for (key,) in rows(self.database_url, _BUDGETS)}
        findings.lost += [f"the budget of {key} has no event" for key in budgets - generated]
        accepted = {one for (one,) in rows(self.database_url, _ACCEPTED)}
        findings.lost += [f"the message {one} has had no effect" for one in self.partner.sent if one not in accepted]


def _look_for_doubles(findings: Findings, facts: Sequence[Fact], heard: Sequence[Event]) -> None:
    stored = Counter(fact.event_id for fact in facts)
    findings.doubled += [f"{one} is stored {n} times" for one, n in stored.items() if n > 1]
    places = Counter((fact.key, fact.key_seq) for fact in facts)
    findings.doubled += [f"place {place} is taken {n} times" for place, n in places.items() if n > 1]
    meanings: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    bodies: defaultdict[str, set[bytes]] = defaultdict(set)
    for event in heard:
        bodies[event.event_id].add(event.body)
        if event.routing_key == "budget-generated" and "Revision" in event.content:
            meanings[event.os_id, str(event.content["Revision"])].add(event.event_id)
    findings.doubled += [f"revision {told} came as {len(ids)} events" for told, ids in meanings.items() if len(ids) > 1]
    findings.doubled += [f"{one} came with {len(found)} bodies" for one, found in bodies.items() if len(found) > 1]


def _look_for_disorder(findings: Findings, heard: Sequence[Event], places: dict[str, tuple[str, int]]) -> None:
    seen: set[str] = set()
    last: dict[str, int] = {}
    for event in heard:
        if event.event_id in seen or event.event_id not in places:
            continue
        seen.add(event.event_id)
        key, number = places[event.event_id]
        if number < last.get(key, 0):
            findings.reordered.append(f"number {number} of {key} came after {last[key]}")
        last[key] = max(number, last.get(key, 0))
