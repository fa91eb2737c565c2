"""Claims and batches as rows, two plain functions each, and the collections that a unit of work holds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, Table, Uuid, any_, bindparam, select

from domain.aggregate import Aggregate
from domain.claims.claim import Character, Claim, ClaimForm, ClaimType
from domain.claims.claim_batch import ClaimBatch, ClaimBatchForm, ClaimBatchStatus
from domain.claims.claim_lifecycle import ClaimStatus
from domain.money import BRL
from persistence.claim_items import item_from_json, item_to_json
from persistence.connection import Connection
from persistence.logs import CLAIMS, Root
from persistence.round_trip import Asked, Row, round_trip
from persistence.schema import claim_batches, claims
from persistence.schema.claims import CENTS
from persistence.session import Write
from persistence.statements import Statement, ids_of, insert_many, numbered, update_many

T = TypeVar("T", bound=Claim | ClaimBatch)

_IDS = bindparam("ids", type_=ARRAY(Uuid))
_OF_CLAIM = Statement("SELECT claim_batch_id FROM claims WHERE id = $1")
_NEVER_UPDATED = ("id", "workshop_id", "customer_id", "correlation_id", "created_at", "currency")


def claim_to_row(claim: Claim) -> Row:
    """The row of a claim."""
    form, amounts = claim.form, claim.amounts
    return {
        "id": claim.id,
        "workshop_id": None,
        "provider_id": form.provider_id,
        "customer_id": None,
        "number": form.number,
        "type": form.type.value,
        "status": claim.status and claim.status.value,
        "outcome": claim.outcome.value,
        "patient_id": form.patient_id,
        "card_number": form.card_number,
        "insurer_id": form.insurer_id,
        "plan_id": form.plan_id,
        "service_date": form.service_date,
        "character": form.character.value,
        "authorization_code": form.authorization_code,
        "items": [item_to_json(item) for item in claim.items],
        **{f"{name}_cents": getattr(amounts, name).cents for name in CENTS},
        "currency": BRL,
        "claim_batch_id": claim.claim_batch_id,
        "override_reason": claim.override_reason,
        "submissions": claim.submissions,
        "submitted_at": claim.submitted_at,
        "protocol": claim.protocol,
        "return_reason": claim.return_reason,
        "adjudicated_at": claim.adjudicated_at,
        "cancel_reason": claim.cancel_reason,
        "correlation_id": claim.correlation_id,
        "created_at": claim.created_at,
        "updated_at": claim.updated_at,
        "facts": claim.facts,
        "version": claim.version,
        "stored_version": claim.stored_version,
    }


def claim_from_row(row: Mapping[str, Any]) -> Claim:
    """The claim of a row."""
    form = ClaimForm(
        type=ClaimType(row["type"]),
        patient_id=row["patient_id"],
        service_date=row["service_date"],
        number=row["number"],
        provider_id=row["provider_id"],
        insurer_id=row["insurer_id"],
        plan_id=row["plan_id"],
        card_number=row["card_number"],
        character=Character(row["character"]),
        authorization_code=row["authorization_code"],
        items=tuple(item_from_json(item) for item in row["items"]),
    )
    return Claim(
        id=row["id"],
        version=row["version"],
        form=form,
        correlation_id=row["correlation_id"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        status=ClaimStatus(row["status"]),
        claim_batch_id=row["claim_batch_id"],
        override_reason=row["override_reason"],
        submissions=row["submissions"],
        submitted_at=row["submitted_at"],
        protocol=row["protocol"],
        return_reason=row["return_reason"],
        adjudicated_at=row["adjudicated_at"],
        cancel_reason=row["cancel_reason"],
        facts=row["facts"],
    )


def batch_to_row(batch: ClaimBatch) -> Row:
    """The row of a batch."""
    return {
        "id": batch.id,
        "workshop_id": None,
        "provider_id": batch.form.provider_id,
        "customer_id": None,
        "number": batch.form.number,
        "insurer_id": batch.form.insurer_id,
        "type": batch.form.type.value,
        "status": batch.status and batch.status.value,
        "claim_ids": [str(claim_id) for claim_id in batch.claim_ids],
        "submitted_at": batch.submitted_at,
        "correlation_id": batch.correlation_id,
        "created_at": batch.created_at,
        "updated_at": batch.updated_at,
        "facts": batch.facts,
        "version": batch.version,
        "stored_version": batch.stored_version,
    }


def batch_from_row(row: Mapping[str, Any]) -> ClaimBatch:
    """The batch of a row."""
    form = ClaimBatchForm(
        number=row["number"],
        provider_id=row["provider_id"],
        insurer_id=row["insurer_id"],
        type=ClaimType(row["type"]),
    )
    return ClaimBatch(
        id=row["id"],
        version=row["version"],
        form=form,
        correlation_id=row["correlation_id"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        status=ClaimBatchStatus(row["status"]),
        claim_ids=tuple(UUID(claim_id) for claim_id in row["claim_ids"]),
        submitted_at=row["submitted_at"],
        facts=row["facts"],
    )


@dataclass(frozen=True)
class _Kind(Generic[T]):
    """How aggregates of one kind are locked, written and read."""

    locking: Statement
    inserting: Statement
    updating: Statement
    to_row: Callable[[T], Row]
    from_row: Callable[[Mapping[str, Any]], T]


def _kind(table: Table, to_row: Callable[[T], Row], from_row: Callable[[Mapping[str, Any]], T]) -> _Kind[T]:
    locking = select(table).where(table.c.id == any_(_IDS)).order_by(table.c.id).with_for_update()
    return _Kind(
        locking=Statement(numbered(locking)),
        inserting=Statement(insert_many(table, [*table.columns])),
        updating=Statement(update_many(table, "id", [c.name for c in table.columns if c.name not in _NEVER_UPDATED])),
        to_row=to_row,
        from_row=from_row,
    )


class _Roots(Generic[T]):
    """Aggregates that are each their own lock root: locked as they are read, in the order of their ids."""

    log = CLAIMS

    def __init__(self, kind: _Kind[T], connection: Connection, saved: dict[UUID, Aggregate]) -> None:
        self._kind = kind
        self._connection = connection
        self._saved = saved
        self._known: dict[UUID, T | None] = {}
        self._counted: dict[UUID, int] = {}

    async def get(self, aggregate_id: UUID) -> T | None:
        """One, locked until the transaction ends, or None."""
        if aggregate_id not in self._known:
            await self._load([aggregate_id])
        return self._known[aggregate_id]

    async def get_all(self, ids: Collection[UUID]) -> list[T]:
        """Those that there are, in the order of their ids."""
        if missing := [one for one in ids if one not in self._known]:
            await self._load(missing)
        return [found for one in sorted(ids) if (found := self._known[one])]

    def save(self, aggregate: T) -> None:
        """Have it written at commit."""
        self._known[aggregate.id] = self._saved[aggregate.id] = aggregate

    def root(self, key: str) -> Root | None:
        """The aggregate as the root of its own key."""
        return self._known.get(UUID(key))

    def writes(self) -> Iterable[Write]:
        """New ones are inserted, known ones updated, in the order of their ids."""
        changed = sorted((one for one in self._known.values() if one and self._changed(one)), key=lambda one: one.id)
        rows = [self._kind.to_row(one) for one in changed]
        yield Write(self._kind.inserting, [row for row in rows if row["stored_version"] == 0])
        yield Write(self._kind.updating, [row for row in rows if row["stored_version"] > 0], checked=True)

    async def _load(self, ids: list[UUID]) -> None:
        (found,) = await round_trip(self._connection, [Asked(self._kind.locking, (ids_of(ids),))])
        self._known |= dict.fromkeys(ids)
        for row in found.rows:
            self._known[row["id"]] = self._kind.from_row(row)
            self._counted[row["id"]] = row["facts"]

    def _changed(self, aggregate: T) -> bool:
        return bool(aggregate.changes) or aggregate.facts != self._counted.get(aggregate.id)


_CLAIM = _kind(claims, claim_to_row, claim_from_row)
_BATCH = _kind(claim_batches, batch_to_row, batch_from_row)


class SqlClaims(_Roots[Claim]):
    """Claims."""

    def __init__(self, connection: Connection, saved: dict[UUID, Aggregate]) -> None:
        super().__init__(_CLAIM, connection, saved)


class SqlClaimBatches(_Roots[ClaimBatch]):
    """Batches."""

    def __init__(self, connection: Connection, saved: dict[UUID, Aggregate]) -> None:
        super().__init__(_BATCH, connection, saved)

    async def of_claim(self, claim_id: UUID) -> ClaimBatch | None:
        """The batch that a claim is in at this moment; the claim is not locked yet, so it may have left by then."""
        (found,) = await round_trip(self._connection, [Asked(_OF_CLAIM, (str(claim_id),))])
        batch_id = found.rows[0]["claim_batch_id"] if found.rows else None
        return await self.get(batch_id) if batch_id else None
