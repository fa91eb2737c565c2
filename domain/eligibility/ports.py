"""What eligibility needs from outside: storage of its reference data (`persistence/reference.py`), a cache, the
insurers' own services (`server/providers/insurers`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias

from domain.actor import Call
from domain.eligibility.beneficiary import Beneficiary
from domain.eligibility.health_plan import HealthPlan
from domain.eligibility.insurer import Insurer
from domain.eligibility.price_agreement import PriceAgreement
from domain.eligibility.provider import Provider
from domain.eligibility.tuss_term import TussTerm
from domain.unit_of_work import UnitOfWork

ReferenceNoun: TypeAlias = Insurer | HealthPlan | Beneficiary | Provider | TussTerm | PriceAgreement


class Reference(Protocol):
    """The reference data of one unit of work. Nothing of it is ever deleted: what is over has ended, or is inactive."""

    async def has_insurer(self, insurer_id: str) -> bool:
        """Whether there is such an insurer."""
        ...

    async def has_health_plan(self, insurer_id: str, plan_id: str) -> bool:
        """Whether the insurer has such a plan."""
        ...

    async def beneficiary(self, insurer_id: str, card_number: str) -> Beneficiary | None:
        """Whom the card stands for now, locked for the rest of the unit."""
        ...

    def save(self, noun: ReferenceNoun, before: ReferenceNoun | None = None) -> None:
        """Have it written at commit, in place of the one with its key, and the generations of its scopes moved.

        `before` is what a Beneficiary is put in place of, which has scopes of its own; None: it is a new one.
        """
        ...


class EligibilityWork(UnitOfWork, Protocol):
    """A unit of work with eligibility's collections."""

    @property
    def reference(self) -> Reference:
        """The reference data."""
        ...


Begin = Callable[[Call], AbstractAsyncContextManager[EligibilityWork]]
"""Begins a unit of work on behalf of a call. Raises Replayed, RequestInProgress or IdempotencyKeyReused."""


class Cache(Protocol):
    """Keeps bytes under a key for some time, or forgets them sooner. It is never needed: a failure is a miss."""

    async def get(self, key: str) -> bytes | None:
        """The value, or None when there is none, it has ended, or nobody can say."""
        ...

    async def put(self, key: str, value: bytes, ttl: float) -> None:
        """Keep a value for `ttl` seconds at most."""
        ...


class Generations(Protocol):
    """How often each scope was changed, as far as this process knows."""

    @property
    def sequence(self) -> int:
        """Rises whenever anything moved: the same before and after means that nothing did in between."""
        ...

    def of(self, scopes: Iterable[str]) -> tuple[int, ...] | None:
        """The generation of each scope; None when what this process knows of them may be old.

        Read it before the database, and what the database says is never older than it.
        """
        ...
