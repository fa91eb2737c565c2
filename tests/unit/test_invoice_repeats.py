"""Money that is only withheld, said once more: a repeat is heard, other money never swallowed."""

from __future__ import annotations

from datetime import date
from typing import Any, Final
from uuid import UUID

import pytest

from domain.claims.errors import AmountExceedsDue, NothingDue
from domain.claims.invoice_lifecycle import InvoiceStatus
from domain.money import Money
from tests.support.lone_invoice import AT, DAY, a_line, an_invoice, facts, in_status, settle

LATER: Final = date(2026, 3, 2)


@pytest.mark.parametrize("other", [{"withheld": Money(91)}, {"on": LATER}, {"reference": "2"}])
def test_money_that_was_withheld_is_never_swallowed_where_no_amount_is_said(other: dict[str, Any]) -> None:
    pending = a_line(gross=13_000, pending=3_000)
    for invoice, refusal in ((an_invoice(a_line()), AmountExceedsDue), (an_invoice(pending), NothingDue)):
        kept: dict[str, Any] = {"amount": None, "withheld": Money(90), "on": DAY, "reference": "ref"}
        assert invoice.settle(UUID(int=200), **kept, at=AT) is True
        before = (invoice.version, invoice.settlements, facts(invoice))
        assert invoice.settle(UUID(int=299), **kept, at=AT) is False, "it is the settlement that stands, said once more"
        with pytest.raises(refusal):
            invoice.settle(UUID(int=299), **{**kept, **other}, at=AT)
        assert (invoice.version, invoice.settlements, facts(invoice)) == before


def test_what_is_withheld_of_an_invoice_that_was_paid_in_full_is_other_money() -> None:
    invoice = in_status(InvoiceStatus.SETTLED)
    with pytest.raises(AmountExceedsDue) as refused:
        settle(invoice, withheld=500)
    assert refused.value.metadata == {"open_cents": "0"}
