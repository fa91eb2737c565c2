"""Roots of several kinds in one unit of work: each key's changes in the log of its kind, counted and told alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import pytest

from domain.aggregate import Aggregate
from domain.billing.work_order import WorkOrder
from domain.events import Left
from messaging.codec import encode_json, encode_protobuf
from persistence.logs import CLAIMS, Root
from persistence.session import Write
from persistence.unit_of_work import Unit, Work
from tests.support.builders import AT, CALL, an_os, received
from tests.support.golden_claims import CLAIM, SUBMITTED, WITHDRAWN
from tests.support.house import House, RandomIds, house


@dataclass(kw_only=True)
class AClaim(Aggregate):
    """A root like a claim."""

    subject = "claim"

    provider_id: str
    correlation_id: str
    facts: int = 0

    @property
    def key(self) -> str:
        return str(self.id)


class SomeClaims:
    """A collection of such roots that has no table."""

    log = CLAIMS

    def __init__(self, *claims: AClaim) -> None:
        self.held = {claim.key: claim for claim in claims}

    def root(self, key: str) -> Root | None:
        return self.held.get(key)

    def writes(self) -> Iterable[Write]:
        return ()


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[House]:
    async with house(database_url) as opened:
        yield opened


def a_claim(facts: int = 0) -> AClaim:
    """One that was submitted, then withdrawn."""
    claim = AClaim(id=CLAIM, provider_id="2077485", correlation_id="clinic", facts=facts)
    claim.record("submit", "READY", "SUBMITTED", at=AT, fact=SUBMITTED)
    claim.record("cancel", "SUBMITTED", "CANCELED", at=AT + timedelta(hours=1), fact=WITHDRAWN)
    return claim


def a_work_order() -> WorkOrder:
    work_order = WorkOrder(id=an_os(1), workshop_id="main", correlation_id="saga", created_at=AT)
    work_order.open(at=AT)
    return work_order


async def commit(home: House, claims: SomeClaims, *saved: Aggregate, both: bool = False) -> Left:
    """Commit a unit that saved these, with the claims as roots beside the work orders."""
    async with home.database.writes.connection() as connection:
        encodings = (encode_json, encode_protobuf) if both else (encode_json,)
        work = Work(connection, encodings, RandomIds())
        work.session.roots.append(claims)
        for aggregate in saved:
            if isinstance(aggregate, WorkOrder):
                work.work_orders.save(aggregate)
            work.saved[aggregate.id] = aggregate
        await Unit(work, CALL).commit()
        return work.session.left


async def test_a_claims_changes_are_kept_in_its_own_log_with_who_it_is_of(home: House) -> None:
    await commit(home, SomeClaims(claim := a_claim()), claim)
    submitted, canceled = await home.rows("SELECT * FROM claim_log ORDER BY id")
    assert (submitted["root_id"], submitted["provider_id"], submitted["workshop_id"]) == (CLAIM, "2077485", None)
    assert (submitted["subject"], submitted["subject_id"], submitted["kind"]) == ("claim", str(CLAIM), "CHANGED")
    assert (submitted["action"], submitted["before"], submitted["after"]) == ("submit", "READY", "SUBMITTED")
    assert (submitted["actor"], submitted["causation_id"], submitted["correlation_id"]) == ("tester", "cause", "clinic")
    assert (canceled["action"], canceled["recorded_at"]) == ("cancel", AT + timedelta(hours=1))
    assert await home.value("SELECT count(*) FROM work_order_log") == 0


async def test_its_facts_are_counted_by_their_root_and_published_as_they_are_logged(home: House) -> None:
    await commit(home, SomeClaims(claim := a_claim(facts=4)), claim)
    told = await home.rows("SELECT event_type, key, key_seq FROM outbox ORDER BY id")
    assert [(row["event_type"], row["key_seq"]) for row in told] == [("ClaimSubmitted", 5), ("ClaimCanceled", 6)]
    assert {row["key"] for row in told} == {str(CLAIM)}
    assert claim.facts == 6
    published = await home.rows("SELECT event_type, event_id::text, body FROM outbox ORDER BY id")
    assert await home.rows("SELECT event_type, event_id, body FROM claim_log ORDER BY id") == published


async def test_every_encoding_takes_a_number_of_the_same_count(home: House) -> None:
    await commit(home, SomeClaims(claim := a_claim()), claim, both=True)
    told = await home.rows("SELECT key_seq, content_type FROM outbox ORDER BY id")
    assert [row["key_seq"] for row in told] == [1, 2, 3, 4]
    assert [row["content_type"].removeprefix("application/") for row in told] == ["json", "protobuf"] * 2


async def test_one_unit_may_change_roots_of_both_kinds_and_leaves_the_keys_of_both(home: House) -> None:
    left = await commit(home, SomeClaims(claim := a_claim()), claim, a_work_order())
    assert left == Left(work=True, keys=frozenset({str(CLAIM), str(an_os(1))}))
    (entry,) = await home.rows("SELECT * FROM work_order_log")
    assert (entry["work_order_id"], entry["workshop_id"], entry["provider_id"]) == (an_os(1), "main", None)
    assert await home.value("SELECT count(*) FROM claim_log") == 2


async def test_a_change_without_its_root_is_a_mistake_and_nothing_is_kept(home: House) -> None:
    with pytest.raises(LookupError, match=str(CLAIM)):
        await commit(home, SomeClaims(), a_claim())
    assert await home.value("SELECT count(*) FROM claim_log") == 0


async def test_a_partners_event_is_kept_in_its_work_orders_log_whoever_else_is_there(home: House) -> None:
    async with home.database.writes.connection() as connection:
        work = Work(connection, (encode_json,), RandomIds())
        work.session.roots.append(SomeClaims(a_claim()))
        message = received(1)
        work.session.received(message, AT)
        await Unit(work, CALL).commit()
    (entry,) = await home.rows("SELECT work_order_id, kind, workshop_id, actor FROM work_order_log")
    assert list(entry.values()) == [an_os(1), "RECEIVED", None, f"system:{message.consumer}"]


@pytest.mark.parametrize("deed", ["UPDATE claim_log SET actor = 'nobody'", "DELETE FROM claim_log"])
async def test_what_was_logged_of_a_claim_cannot_be_changed(home: House, deed: str) -> None:
    await commit(home, SomeClaims(claim := a_claim()), claim)
    with pytest.raises(psycopg.errors.RestrictViolation, match="claim_log is append-only"):
        await home.rows(deed)
