"""Claims in any state, brought there by real moves alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, Final
from uuid import UUID

from domain.claims.adjudication import SaidDenial, SaidItem
from domain.claims.claim import Claim, ClaimForm, ClaimType
from domain.claims.claim_item import ClaimItem
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.denial import Denial
from domain.money import Money

AT: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
TODAY: Final = date(2026, 3, 1)
DEADLINE: Final = TODAY + timedelta(days=30)
CLAIM: Final = UUID(int=7 << 64)
BATCH: Final = UUID(int=8 << 64)
PROVIDER, OTHER_PROVIDER = "1234567", "7654321"
INSURER: Final = "326305"
"""A registro ANS whose check digit is right."""
_S = ClaimStatus


def an_item(number: int = 1, cents: int = 10_000, **changes: Any) -> ClaimItem:
    """A consultation."""
    item = ClaimItem(
        number=number,
        table="22",
        code="10101012",
        description="Consulta em consultório",
        quantity=Decimal(1),
        unit_price=Money(cents),
    )
    return replace(item, **changes)


def a_form(**changes: Any) -> ClaimForm:
    """A claim that nothing is wrong with."""
    form = ClaimForm(
        type=ClaimType.CONSULTATION,
        patient_id="patient-1",
        service_date=TODAY,
        number="G-1",
        provider_id=PROVIDER,
        insurer_id=INSURER,
        plan_id="GOLD",
        card_number="0001",
        items=(an_item(),),
    )
    return replace(form, **changes)


def said(
    number: int = 1, *, released: int = 6_000, denied: tuple[int, ...] = (3_000, 1_000), processed: int | None = None
) -> SaidItem:
    """What the insurer says of an item: processed is the rest's sum unless a test says otherwise."""
    return SaidItem(
        number=number,
        processed=Money(released + sum(denied) if processed is None else processed),
        released=Money(released),
        denials=tuple(SaidDenial(code="1801", reason="Procedimento inválido", amount=Money(cents)) for cents in denied),
    )


_drawn = count(1)


def new_id() -> UUID:
    """An id that no other thing of these tests has."""
    return UUID(int=(9 << 64) + next(_drawn))


def adjudicate(claim: Claim, *what: SaidItem) -> None:
    """The insurer's analysis: by default part of the one item is denied, twice."""
    claim.adjudicate(what or (said(),), new_id=new_id, appeal_until=DEADLINE, on=TODAY, at=AT)


def pending(claim: Claim) -> list[Denial]:
    """The denials of which something may still come."""
    return [denial for denial in claim.denials if denial.pending.cents]


def answer_all(claim: Claim, cents: int = 0) -> None:
    """The insurer answers every appealed denial with so much."""
    appealed = {d.id: Money(cents) for d in claim.denials if d.state.value == "APPEALED"}
    claim.answer_appeal(appealed, appeal_until=DEADLINE, on=TODAY, at=AT)


def appeal_all(claim: Claim) -> None:
    """Every denial that can be is appealed."""
    claim.appeal([d.id for d in claim.denials if d.state.value == "PENDING"], "it was needed", on=TODAY, at=AT)


def settle(claim: Claim) -> None:
    """Nothing is in dispute any more, and the invoice was paid."""
    claim.accept_denials([], reason="right they are", at=AT)
    claim.settle(at=AT)


_WAY: Final[Mapping[ClaimStatus, tuple[ClaimStatus | None, Callable[[Claim], object]]]] = {
    _S.READY: (_S.DRAFT, lambda claim: claim.ready(at=AT)),
    _S.BATCHED: (_S.READY, lambda claim: claim.batch(BATCH, at=AT)),
    _S.SUBMITTED: (_S.READY, lambda claim: claim.submit(at=AT)),
    _S.RETURNED: (_S.SUBMITTED, lambda claim: claim.return_("no such card", at=AT)),
    _S.RECEIVED: (_S.SUBMITTED, lambda claim: claim.receive("P-1", at=AT)),
    _S.IN_ANALYSIS: (_S.RECEIVED, lambda claim: claim.analyze(at=AT)),
    _S.ADJUDICATED: (_S.IN_ANALYSIS, adjudicate),
    _S.APPEALED: (_S.ADJUDICATED, appeal_all),
    _S.SETTLED: (_S.ADJUDICATED, settle),
    _S.CANCELED: (_S.DRAFT, lambda claim: claim.cancel(reason="a mistake", at=AT)),
}


def a_claim(status: ClaimStatus = _S.DRAFT, **form: Any) -> Claim:
    """A claim in this state, its changes forgotten as if it had just been loaded."""
    if status is _S.DRAFT:
        claim = Claim.create(CLAIM, a_form(**form), correlation_id="saga", at=AT)
    else:
        before, step = _WAY[status]
        claim = a_claim(before or _S.DRAFT, **form)
        step(claim)
    claim.changes.clear()
    return claim
