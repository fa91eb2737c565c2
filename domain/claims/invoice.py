"""What is billed to one insurer, or to one patient: its claims, what came for it, what is still due (health.md B)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Any, ClassVar, Final
from uuid import UUID

from domain.aggregate import Aggregate
from domain.claims import invoice_facts
from domain.claims.bill import Bill, InvoiceLine, Party, must_be_billable
from domain.claims.errors import AmountExceedsDue, InvoiceOverpaid, NothingDue, SettlementNotFound
from domain.claims.invoice_amounts import Amounts
from domain.claims.invoice_days import must_be_near
from domain.claims.invoice_lifecycle import (
    CREATING,
    LIFECYCLE,
    RECKONING,
    REVERSING,
    SETTLING,
    VERBS,
    InvoiceAction,
    InvoiceStatus,
    Outcomes,
)
from domain.claims.settlement import Reversal, Settlement
from domain.events import Fact
from domain.lifecycle import IllegalTransition
from domain.money import Money

_NO_CLAIM_LEFT: Final = "its last claim was canceled or returned"
_PAID: Final = "something was paid of the claim's invoice: reverse the settlement first"

Tell = Callable[[Any], Fact]
"""Makes the fact of a change that was just made; see `invoice_facts`."""


@dataclass(kw_only=True)
class Invoice(Aggregate):
    """Conta. `facts` counts every fact ever published for it: the outbox's key_seq.

    `lines` are its claims; a patient's invoice may have none. `settlement_version` counts how often it came to be
    settled, `settled_at` is when it last did, None while it is not.
    """

    subject: ClassVar[str] = "invoice"

    party: Party
    lines: tuple[InvoiceLine, ...]
    amounts: Amounts
    due_date: date
    correlation_id: str
    created_at: datetime
    updated_at: datetime
    note: str = ""
    status: InvoiceStatus | None = None
    settlements: tuple[Settlement, ...] = ()
    settlement_version: int = 0
    settled_at: datetime | None = None
    cancel_reason: str = ""
    facts: int = 0

    @classmethod
    def create(
        cls, invoice_id: UUID, bill: Bill, *, due_date: date, correlation_id: str, at: datetime, note: str = ""
    ) -> Invoice:
        """A new one; something of it is due. Raises Invalid as `must_be_near` does."""
        must_be_near(due_date, at, "due_date")
        invoice = cls(
            id=invoice_id,
            party=bill.party,
            lines=bill.lines,
            amounts=Amounts.of(bill.gross, bill.lines, ()),
            due_date=due_date,
            note=note,
            correlation_id=correlation_id,
            created_at=at,
            updated_at=at,
        )
        invoice._move(CREATING[invoice.amounts.status], at, tells=invoice_facts.created)
        return invoice

    @property
    def key(self) -> str:
        """It is the key itself."""
        return str(self.id)

    @property
    def provider_id(self) -> str:
        """Who bills."""
        return self.party.provider_id

    @property
    def settled(self) -> bool:
        """Whether nothing more is to come."""
        return self.status is InvoiceStatus.SETTLED

    @property
    def claim_ids(self) -> tuple[UUID, ...]:
        """The claims that it keeps to itself, in the order of their ids."""
        return tuple(sorted(line.claim_id for line in self.lines if line.live))

    @property
    def allowed_actions(self) -> tuple[str, ...]:
        """What a person may do with it now, as verbs."""
        verbs = dict.fromkeys(VERBS[a] for a in VERBS if a in LIFECYCLE.allowed(self.status))
        if not self.amounts.settled.cents:
            verbs.pop(VERBS[InvoiceAction.REVERSE], None)
        return tuple(verbs)

    def update(self, *, due_date: date | None = None, note: str | None = None, at: datetime) -> bool:
        """Change when it is due or what is noted of it; None stays. Answers False when nothing changed.

        Raises IllegalTransition, and Invalid as `must_be_near` does.
        """
        self._may(InvoiceAction.UPDATE)
        if due_date not in (None, self.due_date):
            must_be_near(due_date, self.created_at, "due_date")
        wanted = (self.due_date if due_date is None else due_date, self.note if note is None else note)
        changed = [
            *([f"due_date={wanted[0].isoformat()}"] if wanted[0] != self.due_date else ()),
            *(["note"] if wanted[1] != self.note else ()),
        ]
        if changed:
            self.due_date, self.note = wanted
            self._move(InvoiceAction.UPDATE, at, note=",".join(changed))
        return bool(changed)

    def settle(
        self, settlement_id: UUID, *, amount: Money | None, withheld: Money, on: date, reference: str, at: datetime
    ) -> bool:
        """Take note of money that came; `amount` None: all that is due and not withheld.

        Answers False, changing nothing, for a repeat while nothing is due; other money that came then is never
        swallowed. Raises WrongCurrency, IllegalTransition, Invalid (as `must_be_near` does), NothingDue,
        AmountExceedsDue.
        """
        must_be_billable(withheld, *(() if amount is None else (amount,)))
        self._may(InvoiceAction.SETTLE)
        due = self.amounts.open
        if not due.cents and self._heard(amount, withheld, on, reference):
            return False
        must_be_near(on, self.created_at, "date")
        if not due.cents and not self.settled:
            raise NothingDue
        came = due - withheld if amount is None else amount
        if came.cents < 0 or came.cents + withheld.cents > due.cents:
            raise AmountExceedsDue(metadata={"open_cents": str(due.cents)})
        settlement = Settlement(id=settlement_id, amount=came, withheld=withheld, on=on, reference=reference, at=at)
        self._count(SETTLING, at, settlements=(*self.settlements, settlement), note=str(settlement_id))
        return True

    def reverse(self, settlement_id: UUID, reversal_id: UUID, *, reason: str, at: datetime) -> bool:
        """Take a settlement back, whole: what it covered is due again. Answers False for a repeat.

        Raises SettlementNotFound.
        """
        found = self.settlement(settlement_id)
        if found.reversal is not None:
            return False
        undone = replace(found, reversal=Reversal(id=reversal_id, reason=reason, at=at))
        settlements = tuple(undone if each is found else each for each in self.settlements)
        tells = partial(invoice_facts.settlement_reversed, settlement=undone)
        self._count(REVERSING, at, settlements=settlements, note=reason, tells=tells)
        return True

    def settlement(self, settlement_id: UUID) -> Settlement:
        """The settlement with this id. Raises SettlementNotFound."""
        for settlement in self.settlements:
            if settlement.id == settlement_id:
                return settlement
        raise SettlementNotFound

    def _heard(self, amount: Money | None, withheld: Money, on: date, reference: str) -> bool:
        """Whether this money is one that came already; where none is named, whether all that was due did."""
        if amount is None and not withheld.cents:
            return self.settled or bool(self.amounts.settled.cents)
        standing = (each for each in self.settlements if each.reversal is None)
        wanted = (withheld, on, reference)
        return any(
            amount in (None, each.amount) and (each.withheld, each.on, each.reference) == wanted for each in standing
        )

    def reckon(self, line: InvoiceLine, *, at: datetime) -> bool:
        """A claim of it has other numbers now. Answers False when they are those that are known.

        Raises InvoiceOverpaid when more was paid than would be left.
        """
        lines = tuple(line if each.claim_id == line.claim_id else each for each in self.lines)
        if lines == self.lines:
            return False
        self._count(RECKONING, at, lines=lines, note=str(line.claim_id))
        return True

    def drop(self, claim_id: UUID, *, at: datetime) -> None:
        """A claim of it was canceled or returned: it counts no more, and with the last of them goes the invoice.

        Raises InvoiceOverpaid while a settlement stands: nobody said which of the claims it paid, and it must not pay
        for those that are left.
        """
        if self.amounts.settled.cents:
            raise InvoiceOverpaid(_PAID, metadata={"settled_cents": str(self.amounts.settled.cents)})
        lines = tuple(replace(each, live=False) if each.claim_id == claim_id else each for each in self.lines)
        if any(line.live for line in lines):
            self._count(RECKONING, at, lines=lines, note=str(claim_id))
        else:
            self.cancel(_NO_CLAIM_LEFT, at=at)

    def cancel(self, reason: str, *, at: datetime) -> bool:
        """Withdraw it: its claims are free again. Answers False for a repeat. Raises IllegalTransition."""
        if not self._may(InvoiceAction.CANCEL):
            return False
        self.lines = tuple(replace(line, live=False) for line in self.lines)
        self.cancel_reason = reason
        self._move(InvoiceAction.CANCEL, at, note=reason)
        return True

    def _may(self, action: InvoiceAction) -> bool:
        """Whether the action does anything now. Raises IllegalTransition, naming what a person may do instead."""
        try:
            return LIFECYCLE.changes(self.status, action)
        except IllegalTransition as refused:
            allowed = ",".join(self.allowed_actions)
            raise IllegalTransition(refused.message, metadata={"allowed_actions": allowed}) from None

    def _count(
        self,
        outcomes: Outcomes,
        at: datetime,
        *,
        lines: tuple[InvoiceLine, ...] | None = None,
        settlements: tuple[Settlement, ...] | None = None,
        note: str = "",
        tells: Tell | None = None,
    ) -> None:
        """Count with other lines or settlements, and stand where the amounts say. Changes nothing if it raises."""
        lines = self.lines if lines is None else lines
        settlements = self.settlements if settlements is None else settlements
        amounts = Amounts.of(self.amounts.gross, lines, settlements)
        action = outcomes[amounts.status]
        LIFECYCLE.next(self.status, action)
        self.lines, self.settlements, self.amounts = lines, settlements, amounts
        self._move(action, at, note=note, tells=tells)

    def _move(self, action: InvoiceAction, at: datetime, *, note: str = "", tells: Tell | None = None) -> None:
        before, self.status, self.updated_at = self.status, LIFECYCLE.next(self.status, action), at
        if self.settled and before is not InvoiceStatus.SETTLED:
            self.settlement_version += 1
            self.settled_at, tells = at, invoice_facts.settled
        elif not self.settled:
            self.settled_at = None
        fact = tells(self) if tells else None
        self.record(action.value, before and before.value, self.status.value, at=at, fact=fact, note=note)
