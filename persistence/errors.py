"""What the database's refusals mean; the only reader of constraint names."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Final

import psycopg
from psycopg import errors
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from domain.claims.errors import ClaimBatchNumberTaken, ClaimNumberTaken
from domain.errors import DomainError, Invalid, Unavailable
from domain.retry import Conflict
from persistence.connection import Outdated

RACES = frozenset(
    {
        "pk_work_orders",
        "pk_budgets",
        "uq_budgets_work_order_id",
        "pk_budget_revisions",
        "pk_claims",
        "pk_claim_batches",
        "pk_invoices",
        "ux_invoice_claims_live",
        "ux_settlements_reverses",
        "ux_payments_open",
        "ux_payments_kept",
        "uq_outbox_key_key_seq",
        "pk_inbox",
        "pk_beneficiaries",
    }
)
"""Constraints that only a concurrent twin can break: run again, and its work is seen."""

REFUSALS: Mapping[str, type[DomainError]] = {
    "uq_claims_provider_id_number": ClaimNumberTaken,
    "uq_claim_batches_provider_id_number": ClaimBatchNumberTaken,
}
"""Constraints that are rules themselves: what breaking one means to the caller."""

_LOST_RACE = (errors.SerializationFailure, errors.DeadlockDetected, errors.LockNotAvailable)
_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, PoolClosed, TooManyRequests)


class ConstraintBroken(RuntimeError):
    """A statement broke a constraint that no race explains: a mistake of ours. The row stays out of logs."""


class Uncommitted(RuntimeError):
    """A unit of work ended without a commit: a mistake in the code that used it."""


class _Translation:
    """A class, since a generator costs a microsecond each time; it holds nothing, so one is enough."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is not None:
            _raise_ours(error)


_TRANSLATION: Final = _Translation()


def translated() -> AbstractContextManager[None]:
    """Turn the driver's errors into the domain's: Conflict for a lost race, Unavailable for a database that is away."""
    return _TRANSLATION


def _raise_ours(error: BaseException) -> None:
    """Raise what an error of the driver's means; do nothing for any other."""
    if isinstance(error, errors.UniqueViolation):
        if error.diag.constraint_name in RACES:
            raise Conflict from None
        if refusal := REFUSALS.get(error.diag.constraint_name or ""):
            raise refusal from None
    if isinstance(error, psycopg.IntegrityError):
        raise _broken(error) from None
    if isinstance(error, _LOST_RACE):
        raise Conflict from error
    if isinstance(error, psycopg.DataError):
        raise Invalid("a value cannot be stored: text holds no NUL, numbers and dates have their limits") from error
    if isinstance(error, Outdated):
        # As after a lost race nothing was committed, and on another connection it is well.
        raise Conflict("the database forgot what was prepared for this; try again", retry_after=1) from error
    if isinstance(error, _AWAY):
        raise Unavailable("the database is away", retry_after=1) from error


def _broken(error: psycopg.IntegrityError) -> ConstraintBroken:
    return ConstraintBroken(f"{error.sqlstate}: {error.diag.constraint_name or error.diag.message_primary}")
