"""What eligibility needs from outside: storage of its reference data (`persistence/reference.py`), a cache, the
insurers' own services (`server/providers/insurers`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from domain.actor import Call
from domain.eligibility.beneficiary import Beneficiary
from domain.eligibility.coverage import Situation
from domain.eligibility.eligibility_check import Answer, EligibilityCheck, Question
from domain.eligibility.health_plan import HealthPlan
from domain.eligibility.insurer import Insurer
from domain.eligibility.price_agreement import PriceAgreement
from domain.eligibility.provider import Provider
from domain.eligibility.reasons import Reason, Verdict
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

    def moved_since(self, before: int, scopes: Iterable[str]) -> bool:
        """Whether any of the scopes moved after the sequence was `before`."""
        ...

    def of(self, scopes: Iterable[str]) -> tuple[int, ...] | None:
        """The generation of each scope; None when what this process knows of them may be old.

        Read it before the database, and what the database says is never older than it.
        """
        ...


class Situations(Protocol):
    """What is known about questions."""

    async def of(self, question: Question) -> Sequence[Situation]:
        """All that the rules look at but what was used of limits, as of now. Raises Unavailable.

        One at least: one for each card that the patient has at the insurer, where no card is named. Those that are
        likeliest to be meant come first, and only the first 16 are told.
        """
        ...


class Usage(Protocol):
    """How much of a yearly limit was used; whoever bills knows."""

    async def used(self, beneficiary: Beneficiary, year: int, plan: HealthPlan) -> Mapping[tuple[str, str], int]:
        """By (table, prefix) of a rule with a limit, how many were paid for, or asked to be, in the calendar year.

        Each counts against the one rule that the plan has for it, and so against none where that has no limit.
        """
        ...


class History(Protocol):
    """The record of every check, append-only."""

    def add(self, check: EligibilityCheck) -> None:
        """Have it kept soon. Neither blocks nor fails."""
        ...

    async def keep(self, check: EligibilityCheck) -> None:
        """Keep it, and come back when that is certain. Raises Unavailable."""
        ...

    async def last_told(self, of: Answer) -> Answer | None:
        """What the insurer's own service said last of the card that an answer is about, in the last 365 days.

        The same card is the same insurer's, plan's and patient's, and looks the same when it is masked: no more of it
        is kept. None when the insurer said nothing, or whose card it is is not known. Raises Unavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """What an insurer's own service said; `until` is when that ends, None where it does not say."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    until: datetime | None = None


class InsurerAway(Exception):
    """The insurer's service did not answer in a way that can be used; the text says how, and holds nothing personal."""


class InsurerServices(Protocol):
    """The insurers' own services. Never called inside a unit of work."""

    def serves(self, insurer: Insurer) -> bool:
        """Whether checks at this insurer are its service's to answer."""
        ...

    async def check(self, insurer: Insurer, question: Question) -> Told:
        """Ask it. Raises InsurerAway."""
        ...
