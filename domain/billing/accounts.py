"""The accounts of billing's books, and what each move means for them (billing.md, Ledger postings)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from domain.billing.line_item import LineItem, LineItemKind
from domain.money import Money, total
from domain.posting import Entry, entry

RECEIVABLE: Final = "receivable:os"
"""What customers owe for approved budgets."""
CLEARING: Final = "clearing:mp"
"""What the payment provider holds for us."""
FEES: Final = "fees:mp"
SUSPENSE: Final = "suspense:customer_giveback"
"""Money that came although nobody owed it, on its way back."""
LOSS: Final = "loss:chargeback"

REVENUE: Final = {
    LineItemKind.PART: "revenue:parts",
    LineItemKind.LABOR: "revenue:labor",
    LineItemKind.SERVICE: "revenue:services",
    LineItemKind.FEE: "revenue:fees",
    LineItemKind.DISCOUNT: "revenue:discounts",
}


def approval(items: Iterable[LineItem]) -> Entry:
    """A budget was approved: the customer owes what its lines earn; a discount is a debit against revenue."""
    items = tuple(items)
    sums = {kind: total(item.total for item in items if item.kind is kind) for kind in LineItemKind}
    earned = [(REVENUE[kind], amount) for kind, amount in sums.items() if kind is not LineItemKind.DISCOUNT]
    granted = (REVENUE[LineItemKind.DISCOUNT], -sums[LineItemKind.DISCOUNT])
    return entry([(RECEIVABLE, total(sums.values())), granted], earned)


def capture(amount: Money, fee: Money | None, *, owed: bool) -> Entry:
    """The provider has the customer's money, less its fee; `owed` False: nobody owed it, and it goes back."""
    kept = fee or Money(0, amount.currency)
    against = RECEIVABLE if owed else SUSPENSE
    return entry([(CLEARING, amount - kept), (FEES, kept)], [(against, amount)])


def giveback(amount: Money, *, owed: bool) -> Entry:
    """Money went back to the customer, from where its capture was booked."""
    return entry([(RECEIVABLE if owed else SUSPENSE, amount)], [(CLEARING, amount)])


def chargeback(amount: Money, *, owed: bool) -> Entry:
    """The bank took the money back: a loss, unless it was on its way back to the customer anyhow."""
    return entry([(LOSS if owed else SUSPENSE, amount)], [(CLEARING, amount)])
