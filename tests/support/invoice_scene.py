"""Claims and the invoice that bills them, as one unit of work holds them: a refusal leaves all as it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, TypeVar
from uuid import UUID

from domain.aggregate import Aggregate
from domain.claims.adjudication import SaidDenial, SaidItem
from domain.claims.billed import Billed
from domain.claims.claim import Claim
from domain.claims.denial import DenialState
from domain.claims.invoice import Invoice
from domain.claims.invoice_order import InvoiceOrder, bill_of
from domain.errors import DomainError
from domain.money import Money
from tests.support.claim_scene import AT, DEADLINE, TODAY, a_form, an_item, new_id

AggregateT = TypeVar("AggregateT", bound=Aggregate)

INVOICE = UUID(int=6 << 64)


def a_submitted(number: int, *cents: int, **form: Any) -> Claim:
    """A claim with one item of each amount, at its insurer."""
    items = tuple(an_item(at, value) for at, value in enumerate(cents or (10_000,), start=1))
    wanted = a_form(**{"number": f"G-{number}", "items": items, **form})
    claim = Claim.create(UUID(int=(7 << 64) + number), wanted, correlation_id="saga", at=AT)
    claim.ready(at=AT)
    claim.submit(at=AT)
    return claim


def an_invoice_of(*claims: Claim, **order: Any) -> Billed:
    """Those claims, billed."""
    bill = bill_of(InvoiceOrder(**order), claims)
    invoice = Invoice.create(INVOICE, bill, due_date=TODAY, correlation_id="saga", at=AT)
    return Billed(claims=sorted(claims, key=lambda claim: claim.id), invoice=invoice)


def said_of(claim: Claim, *parts: tuple[int, Sequence[int]]) -> list[SaidItem]:
    """What the insurer says of each item: what it releases, and what it denies, in centavos."""
    return [
        SaidItem(
            number=item.number,
            processed=Money(released + sum(denied)),
            released=Money(released),
            denials=tuple(SaidDenial(code="1801", reason="no", amount=Money(cents)) for cents in denied),
        )
        for item, (released, denied) in zip(claim.items, parts, strict=True)
    ]


def analyzed(claim: Claim, said: list[SaidItem]) -> None:
    """The insurer's analysis of a claim that it may not even have received yet."""
    claim.receive("P-1", at=AT)
    claim.analyze(at=AT)
    claim.adjudicate(said, new_id=new_id, appeal_until=DEADLINE, on=TODAY, at=AT)


def in_state(claim: Claim, state: DenialState) -> list[UUID]:
    """The denials of a claim that are so."""
    return [denial.id for denial in claim.denials if denial.state is state]


class Desk:
    """Does things to a Billed as a unit of work does: all of it, or nothing when it is refused."""

    def __init__(self, billed: Billed) -> None:
        self.billed = billed

    @property
    def invoice(self) -> Invoice:
        assert self.billed.invoice is not None
        return self.billed.invoice

    def claim(self, number: int) -> Claim:
        return self.billed.claim(UUID(int=(7 << 64) + number))

    def changes(self, number: int, change: Callable[[Claim], object]) -> DomainError | None:
        """Do something to a claim, and have the invoice follow. Answers the refusal."""

        def work() -> None:
            claim = self.claim(number)
            change(claim)
            self.billed.follow(claim)

        return self._all_or_nothing(work)

    def does(self, change: Callable[[Invoice], object]) -> DomainError | None:
        """Do something to the invoice. Answers the refusal."""

        def work() -> None:
            change(self.invoice)
            self.billed.align(at=AT)

        return self._all_or_nothing(work)

    def settle(self, cents: int | None = None, withheld: int = 0) -> DomainError | None:
        """Money came."""
        amount = None if cents is None else Money(cents)
        return self.does(
            lambda invoice: invoice.settle(
                new_id(), amount=amount, withheld=Money(withheld), on=TODAY, reference="", at=AT
            )
        )

    def reverse(self, at: int) -> DomainError | None:
        """The settlement at this place is taken back."""
        settlement_id = self.invoice.settlements[at].id
        return self.does(lambda invoice: invoice.reverse(settlement_id, new_id(), reason="bounced", at=AT))

    def _all_or_nothing(self, work: Callable[[], None]) -> DomainError | None:
        claims = [_as_it_is(claim) for claim in self.billed.claims]
        before = Billed(claims=claims, invoice=_as_it_is(self.invoice))
        try:
            work()
        except DomainError as refusal:
            self.billed = before
            return refusal
        return None


def _as_it_is(noun: AggregateT) -> AggregateT:
    """A copy: only its list of changes is ever changed in place."""
    copied = copy(noun)
    copied.changes = list(noun.changes)
    return copied
