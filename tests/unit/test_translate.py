"""Nouns on the wire: what one does not have is absent there, not empty, and every status has its name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from acerto.billing.v1 import budget_pb2, payment_pb2, provider_notice_pb2
from domain.billing.budget import Budget
from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.charge import PixOffer
from domain.billing.customer import Customer
from domain.billing.line_item import LineItem, LineItemKind
from domain.billing.payment import Payment
from domain.billing.payment_lifecycle import PaymentStatus
from domain.billing.pricing import Price, PriceSource, price
from domain.billing.provider_notice import NoticeStatus, ProviderNotice
from domain.billing.queries import EntryKind, TimelineEntry
from domain.billing.refund import Refund, Refunds, RefundStatus
from domain.billing.revision import Revision
from domain.billing.saga import Saga
from domain.billing.work_order import WorkOrder
from domain.money import Money
from server.rpc.translate import budget_to_wire, etag_of, revision_to_wire, version_of
from server.rpc.translate_payments import notice_to_wire, payment_to_wire, summary_to_wire
from server.rpc.translate_work_orders import status_to_wire
from tests.support.builders import AT, an_order, an_os

SOLD = an_order(1, customer=Customer(document="191"))
BUDGET = Budget.generate(an_os(2), SOLD, price(SOLD, None, None), at=AT)
PAYMENT = Payment.start(an_os(3), BUDGET, provider="sandbox", expires_at=AT + timedelta(days=1), at=AT)
NOTICE = ProviderNotice(
    id=an_os(4), provider="sandbox", event_id="e", topic="payment", charge_id="c", body=b"\xff{}", received_at=AT
)
WORK_ORDER = WorkOrder(id=an_os(1), workshop_id="main", correlation_id="saga", created_at=AT)


def an_entry(subject: str, action: str, after: str, kind: EntryKind = EntryKind.CHANGED) -> TimelineEntry:
    """A line of the log."""
    said = dict.fromkeys(("event_id", "correlation_id", "causation_id", "subject_id", "before", "body"), "")
    return TimelineEntry(
        sequence=1,
        at=AT,
        kind=kind,
        actor="tester",
        event_type="OsCanceled" if kind is EntryKind.RECEIVED else "",
        subject=subject,
        action=action,
        after=after,
        published_at=None,
        **said,
    )


def test_a_budget_without_a_price_or_a_customer_has_neither_field() -> None:
    wire = budget_to_wire(Budget.generate(an_os(2), an_order(1, amount=None), Price(source=PriceSource.NONE), at=AT))
    assert (wire.HasField("total"), wire.HasField("customer"), len(wire.items)) == (False, False, 0)


def test_money_instants_and_the_customer_arrive_as_they_are() -> None:
    order = an_order(1, customer=Customer(name="Ana", email="ana@example.com"), amount=Money(12_345))
    wire = budget_to_wire(Budget.generate(an_os(2), order, price(order, None, None), at=AT.replace(microsecond=250)))
    assert (wire.total.currency_code, wire.total.units, wire.total.nanos) == ("BRL", 123, 450_000_000)
    assert (wire.items[0].total, wire.items[0].unit_price) == (wire.total, wire.total)
    assert (wire.create_time.seconds, wire.create_time.nanos) == (int(AT.timestamp()), 250_000)
    assert (wire.customer.name, wire.customer.email) == ("Ana", "ana@example.com")
    assert wire.customer.customer_id == str(order.customer.id)


def test_a_discount_is_negative_in_both_parts_of_its_total() -> None:
    kind = LineItemKind.DISCOUNT
    discount = LineItem(kind=kind, description="Desconto", quantity=Decimal(1), unit_price=Money(150))
    free = Price(source=PriceSource.ITEMS, items=(discount,), total=Money(0))
    wire = budget_to_wire(Budget.generate(an_os(2), an_order(1), free, at=AT))
    assert (wire.items[0].total.units, wire.items[0].total.nanos) == (-1, -500_000_000)
    assert wire.HasField("total")


@pytest.mark.parametrize("status", BudgetStatus)
def test_every_status_of_a_budget_has_its_name_and_only_what_a_caller_can_do(status: BudgetStatus) -> None:
    wire = budget_to_wire(replace(BUDGET, status=status))
    assert budget_pb2.BudgetStatus.Name(wire.status) == f"BUDGET_STATUS_{status.name}"
    assert set(wire.allowed_actions) <= {"update", "send", "approve", "reject", "revise", "cancel"}


def test_an_offers_validity_is_absent_until_it_is_sent() -> None:
    assert not budget_to_wire(BUDGET).HasField("valid_until_time")
    sent = budget_to_wire(replace(BUDGET, valid_until=AT + timedelta(days=10)))
    assert (sent.validity_days, sent.valid_until_time.seconds) == (10, int(AT.timestamp()) + 10 * 86_400)


def test_an_etag_is_read_back_as_the_version_it_was_made_of_and_nothing_else_is_one() -> None:
    assert version_of(etag_of(replace(BUDGET, version=12))) == 12
    assert version_of("") is None
    assert {version_of(text) for text in ('"0"', '"01"', "12", 'W/"12"', "*", '"99999999999"', '"\u0661"')} == {-1}


def test_a_revision_that_was_tampered_with_says_so_and_one_of_old_has_no_digest() -> None:
    made = Revision(
        budget_id=BUDGET.id,
        revision=1,
        description=BUDGET.description,
        items=BUDGET.items,
        total=BUDGET.total,
        digest=BUDGET.digest,
        created_at=AT,
    )
    whole = revision_to_wire(made)
    assert (whole.intact, whole.digest) == (True, BUDGET.digest.hex())
    assert not revision_to_wire(replace(made, total=Money(1))).intact
    old = revision_to_wire(replace(made, digest=None, total=None))
    assert (old.intact, old.digest, old.HasField("total")) == (True, "", False)


@pytest.mark.parametrize("status", PaymentStatus)
def test_every_status_of_a_payment_has_its_name(status: PaymentStatus) -> None:
    wire = payment_to_wire(replace(PAYMENT, status=status))
    assert payment_pb2.PaymentStatus.Name(wire.status) == f"PAYMENT_STATUS_{status.name}"


@pytest.mark.parametrize("status", RefundStatus)
def test_every_status_of_a_refund_has_its_name(status: RefundStatus) -> None:
    refund = Refund(sequence=1, key=an_os(9), amount=Money(5), whole=False, status=status, reason="")
    (wire,) = payment_to_wire(replace(PAYMENT, refunds=Refunds((refund,)))).refunds
    assert payment_pb2.RefundStatus.Name(wire.status) == f"REFUND_STATUS_{status.name}"


def test_a_payment_of_nobody_without_a_code_has_neither() -> None:
    wire = payment_to_wire(replace(PAYMENT, customer_id=None))
    assert (wire.customer_id, wire.HasField("pix"), wire.HasField("confirm_time")) == ("", False, False)
    timeless = payment_to_wire(replace(PAYMENT, pix=PixOffer(code="x")))
    assert (timeless.pix.code, timeless.pix.HasField("expire_time")) == ("x", False)


@pytest.mark.parametrize("status", NoticeStatus)
def test_every_status_of_a_notice_has_its_name_and_its_body_is_shown_whatever_it_holds(status: NoticeStatus) -> None:
    wire = notice_to_wire(replace(NOTICE, status=status))
    assert provider_notice_pb2.ProviderNoticeStatus.Name(wire.status) == f"PROVIDER_NOTICE_STATUS_{status.name}"
    assert (wire.body, wire.payment_id, wire.HasField("settle_time")) == ("\ufffd{}", "", False)


@pytest.mark.parametrize(
    ("captured", "reversed_", "giveback", "says"),
    [
        (0, 0, False, "UNPAID"),
        (12_345, 12_345, False, "UNPAID"),
        (12_345, 0, True, "UNPAID"),
        (12_345, 1, False, "PARTIALLY_PAID"),
        (12_345, 0, False, "PAID"),
        (12_346, 0, False, "OVERPAID"),
    ],
)
def test_what_was_paid_is_what_came_and_may_stay(captured: int, reversed_: int, giveback: bool, says: str) -> None:
    paid = replace(
        PAYMENT,
        status=PaymentStatus.CONFIRMED,
        captured=Money(captured),
        reversed=Money(reversed_),
        giveback=giveback,
    )
    approved = replace(BUDGET, status=BudgetStatus.APPROVED)
    wire = summary_to_wire(Saga(work_order=WORK_ORDER, budget=approved, payments=[paid]))
    assert payment_pb2.PaymentSummaryStatus.Name(wire.status) == f"PAYMENT_SUMMARY_STATUS_{says}"
    assert wire.fully_paid == (says in ("PAID", "OVERPAID"))


@pytest.mark.parametrize(
    ("entry", "status"),
    [
        (an_entry("", "", "", EntryKind.RECEIVED), "OsCanceled"),
        (an_entry("work_order", "update_status", "in the workshop"), "in the workshop"),
        (an_entry("work_order", "cancel", "CANCELED"), "WORK_ORDER_CANCELED"),
        (an_entry("payment", "reverse_part", "PARTIALLY_REVERSED"), "PAYMENT_PARTIALLY_REVERSED"),
    ],
)
def test_a_line_of_the_status_log_says_what_a_person_would(entry: TimelineEntry, status: str) -> None:
    assert status_to_wire(entry).status == status
