"""What reference data and eligibility say about a claim: asked before its validation, outside any unit of work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from uuid import UUID

from domain.money import Money

Code = tuple[str, str]
"""A TUSS table and a code of it."""


class Verdict(Enum):
    """What eligibility says of a patient; the names are those of `acerto.eligibility.v1`."""

    ELIGIBLE = "ELIGIBLE"
    INELIGIBLE = "INELIGIBLE"
    UNDETERMINED = "UNDETERMINED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A TUSS term that is valid on the day that was asked about."""

    table: str
    code: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligibility:
    """A verdict, and every reason for it as a sentence."""

    verdict: Verdict
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that validation needs from outside a claim.

    `terms` are valid on its day, `prices` agreed for its plan, `authorized` are the codes that the plan wants to be
    asked about first; `eligibility` None: it was not asked. `twins` are other claims for the same care.
    """

    terms: Mapping[Code, Term] = field(default_factory=dict)
    prices: Mapping[Code, Money] = field(default_factory=dict)
    authorized: frozenset[Code] = frozenset()
    eligibility: Eligibility | None = None
    twins: tuple[UUID, ...] = ()


NOTHING_KNOWN = Known()
