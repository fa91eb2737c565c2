"""A payment's life through the real gRPC door: begun, shown, confirmed, taken back, added up."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest

from acerto.billing.v1 import billing_service_pb2 as pb
from acerto.billing.v1 import payment_pb2
from domain.actor import Actor
from domain.billing.charge import ChargeStatus, Giveback, GivebackStatus
from domain.billing.rules import BillingRules
from tests.support.builders import CALL, an_os
from tests.support.journey import CODE, PRICE, Journey, begun, brl, cents
from tests.support.served import Refused, Scene, refusal

PNG = b"\x89PNG\r\n\x1a\n"


async def refund(journey: Journey, payment_id: str, **how: Any) -> payment_pb2.Payment:
    payment: payment_pb2.Payment = await journey.billing.RefundPayment(
        pb.RefundPaymentRequest(payment_id=payment_id, **how)
    )
    return payment


async def no_refund(journey: Journey, payment_id: str, **how: Any) -> Refused:
    return await refusal(journey.billing.RefundPayment(pb.RefundPaymentRequest(payment_id=payment_id, **how)))


async def no_start(journey: Journey, budget_id: str, **how: Any) -> Refused:
    return await refusal(journey.billing.StartPayment(pb.StartPaymentRequest(budget_id=budget_id, **how)))


async def refunded(journey: Journey, payment: payment_pb2.Payment, sequence: int) -> None:
    """The provider gave our refund with this number back."""
    payment_id = UUID(payment.payment_id)
    amount = journey.scene.store.payments[payment_id].refunds.all[sequence - 1].amount
    given = Giveback(id=f"refund-{sequence}", amount=amount, status=GivebackStatus.DONE)
    await journey.scene.payments.refunded(CALL, payment_id, sequence, given)


async def summary(journey: Journey, budget_id: str) -> payment_pb2.PaymentSummary:
    found: payment_pb2.PaymentSummary = await journey.billing.GetPaymentSummary(
        pb.GetPaymentSummaryRequest(budget_id=budget_id)
    )
    return found


async def test_a_payment_is_begun_then_shown_then_confirmed() -> None:
    async with begun() as journey:
        payment = await journey.started()
        assert (payment.status, cents(payment.amount), payment.method, payment.provider) == (
            payment_pb2.PAYMENT_STATUS_CREATED,
            PRICE,
            payment_pb2.PAYMENT_METHOD_PIX,
            "sandbox",
        )
        assert not payment.HasField("pix")
        pending = await journey.told(payment.payment_id, ChargeStatus.PENDING)
        assert (pending.status, pending.pix.code) == (payment_pb2.PAYMENT_STATUS_PENDING, CODE)
        assert pending.pix.expire_time == pending.expire_time
        assert list(pending.allowed_actions) == ["cancel"]
        paid = await journey.told(payment.payment_id, ChargeStatus.APPROVED)
        assert (paid.status, cents(paid.captured), cents(paid.reversed), paid.detail) == (
            payment_pb2.PAYMENT_STATUS_CONFIRMED,
            PRICE,
            0,
            "approved",
        )
        assert list(paid.allowed_actions) == ["refund"]
        assert paid.HasField("confirm_time")
        assert len({payment.etag, pending.etag, paid.etag}) == 3
        assert journey.facts()[2:] == ["PaymentPending", "PaymentConfirmed"]


async def test_a_start_with_the_same_key_is_the_same_payment_and_with_another_key_refused() -> None:
    async with begun() as journey:
        budget = await journey.approved()
        request = pb.StartPaymentRequest(request_id=str(uuid4()), budget_id=budget.budget_id, sandbox_script="approve")
        first = await journey.billing.StartPayment(request)
        again = journey.billing.StartPayment(request)
        assert await again == first
        assert dict(await again.trailing_metadata())["acerto-replayed"] == "true"
        assert journey.scene.store.payments[UUID(first.payment_id)].script == "approve"
        other = await no_start(journey, budget.budget_id, request_id=str(uuid4()))
        assert (other.code, other.reason) == (grpc.StatusCode.ALREADY_EXISTS, "PAYMENT_ALREADY_OPEN")
        assert other.about == {"payment_id": first.payment_id}
        reused = await no_start(journey, budget.budget_id, request_id=request.request_id)
        assert reused.reason == "IDEMPOTENCY_KEY_REUSED"
        assert [row.kind for row in journey.scene.store.tasks.values()] == ["dispatch_payment"]


async def test_a_payment_is_for_the_whole_total_in_billings_currency_and_its_script_is_one() -> None:
    async with begun() as journey:
        budget = await journey.approved()
        for amount, reason in (
            (brl(PRICE - 1), "WRONG_AMOUNT"),
            (brl(PRICE, "USD"), "WRONG_CURRENCY"),
            (brl(0), "INVALID_REQUEST"),
        ):
            answer = await no_start(journey, budget.budget_id, amount=amount)
            assert (answer.code, answer.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
        both = await no_start(journey, budget.budget_id, amount=brl(0), sandbox_script="x" * 21)
        assert both.fields == ["amount", "sandbox_script"]
        started = await journey.billing.StartPayment(
            pb.StartPaymentRequest(budget_id=budget.budget_id, amount=brl(PRICE))
        )
        assert cents(started.amount) == PRICE


async def test_nothing_is_collected_for_a_draft_nor_beyond_the_allowed_attempts() -> None:
    async with begun(Scene(rules=BillingRules(max_attempts=1))) as journey:
        draft = await journey.drafted(2)
        assert (await no_start(journey, draft.budget_id)).reason == "BUDGET_NOT_APPROVED"
        payment = await journey.started(1)
        await journey.billing.CancelPayment(pb.CancelPaymentRequest(payment_id=payment.payment_id))
        many = await no_start(journey, payment.budget_id)
        assert (many.code, many.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_PAYMENTS")


async def test_a_payment_the_provider_has_not_seen_ends_at_once_and_one_it_has_waits_for_its_word() -> None:
    async with begun() as journey:
        unseen, seen = await journey.started(1), await journey.pending(2)
        cancel = pb.CancelPaymentRequest
        ended = await journey.billing.CancelPayment(cancel(payment_id=unseen.payment_id))
        assert (ended.status, ended.withdraw_reason) == (payment_pb2.PAYMENT_STATUS_CANCELED, "CANCELED")
        waiting = await journey.billing.CancelPayment(cancel(payment_id=seen.payment_id))
        assert (waiting.status, list(waiting.allowed_actions)) == (payment_pb2.PAYMENT_STATUS_CANCELING, [])
        assert await journey.billing.CancelPayment(cancel(payment_id=seen.payment_id)) == waiting
        over = await journey.told(seen.payment_id, ChargeStatus.CANCELED)
        assert over.status == payment_pb2.PAYMENT_STATUS_CANCELED
        paid = await journey.paid(3)
        late = await refusal(journey.billing.CancelPayment(cancel(payment_id=paid.payment_id)))
        assert (late.code, late.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ILLEGAL_TRANSITION")


async def test_money_goes_back_in_parts_and_never_more_than_came() -> None:
    async with begun() as journey:
        paid = await journey.paid()
        asked = await refund(journey, paid.payment_id, amount=brl(4_000), reason="one part less")
        assert asked.status == payment_pb2.PAYMENT_STATUS_REFUNDING
        (told,) = asked.refunds
        assert (told.sequence, cents(told.amount), told.status, told.reason, told.whole) == (
            1,
            4_000,
            payment_pb2.REFUND_STATUS_REQUESTED,
            "one part less",
            False,
        )
        assert (await no_refund(journey, paid.payment_id)).reason == "REFUND_IN_PROGRESS"
        await refunded(journey, paid, 1)
        assert (await summary(journey, paid.budget_id)).status == payment_pb2.PAYMENT_SUMMARY_STATUS_PARTIALLY_PAID
        more = await no_refund(journey, paid.payment_id, amount=brl(6_001))
        assert (more.reason, more.about) == ("REFUND_EXCEEDS_CAPTURE", {"refundable_cents": "6000"})
        await refund(journey, paid.payment_id)
        await refunded(journey, paid, 2)
        gone = await journey.payment(paid.payment_id)
        assert (gone.status, cents(gone.reversed)) == (payment_pb2.PAYMENT_STATUS_REVERSED, PRICE)
        assert [one.status for one in gone.refunds] == [payment_pb2.REFUND_STATUS_DONE] * 2
        assert [one.provider_refund_id for one in gone.refunds] == ["refund-1", "refund-2"]


@pytest.mark.parametrize(
    ("amount", "reason"), [(brl(0), "INVALID_REQUEST"), (brl(1, "USD"), "WRONG_CURRENCY"), (brl(1), "")]
)
async def test_a_refund_is_of_an_amount_above_zero_in_billings_currency(amount: Any, reason: str) -> None:
    async with begun() as journey:
        paid = await journey.paid()
        if reason:
            assert (await no_refund(journey, paid.payment_id, amount=amount)).reason == reason
        else:
            assert len((await refund(journey, paid.payment_id, amount=amount)).refunds) == 1


async def test_a_refund_is_refused_without_money_during_a_dispute_and_after_the_window() -> None:
    async with begun() as journey:
        pending, disputed, old = await journey.pending(1), await journey.paid(2), await journey.paid(3)
        assert (await no_refund(journey, pending.payment_id)).reason == "ILLEGAL_TRANSITION"
        await journey.told(disputed.payment_id, ChargeStatus.DISPUTED)
        assert (await no_refund(journey, disputed.payment_id)).reason == "DISPUTED"
        journey.scene.clock.advance(days=91)
        closed = await no_refund(journey, old.payment_id)
        assert (closed.reason, closed.about) == ("REFUND_WINDOW_CLOSED", {"days": "90"})


async def test_a_refund_that_failed_is_asked_for_again() -> None:
    async with begun() as journey:
        paid = await journey.paid()
        retry = pb.RetryRefundRequest(payment_id=paid.payment_id)
        assert (await refusal(journey.billing.RetryRefund(retry))).reason == "ILLEGAL_TRANSITION"
        await refund(journey, paid.payment_id, amount=brl(1_000))
        payment_id = UUID(paid.payment_id)
        await journey.scene.payments.refund_failed(CALL, payment_id, 1, "no balance", definitive=True)
        failed = await journey.payment(paid.payment_id)
        assert (failed.status, failed.detail) == (payment_pb2.PAYMENT_STATUS_REFUND_FAILED, "no balance")
        again = await journey.billing.RetryRefund(retry)
        assert [(cents(one.amount), one.status) for one in again.refunds] == [
            (1_000, payment_pb2.REFUND_STATUS_FAILED),
            (1_000, payment_pb2.REFUND_STATUS_REQUESTED),
        ]


async def test_a_canceled_budget_gives_its_money_back() -> None:
    async with begun() as journey:
        paid = await journey.paid()
        await journey.billing.CancelBudget(pb.CancelBudgetRequest(budget_id=paid.budget_id, reason="no parts"))
        going = await journey.payment(paid.payment_id)
        assert (going.status, going.giveback) == (payment_pb2.PAYMENT_STATUS_REFUNDING, True)
        owed = await summary(journey, paid.budget_id)
        assert (owed.status, cents(owed.net_paid), cents(owed.amount_due), owed.fully_paid) == (
            payment_pb2.PAYMENT_SUMMARY_STATUS_UNPAID,
            0,
            0,
            False,
        )


async def test_the_pix_code_is_drawn_while_it_can_be_paid() -> None:
    async with begun() as journey:
        payment = await journey.started()
        draw = pb.GetPaymentQrCodeRequest
        early = await refusal(journey.billing.GetPaymentQrCode(draw(payment_id=payment.payment_id)))
        assert (early.code, early.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NO_PIX_CODE")
        await journey.told(payment.payment_id, ChargeStatus.PENDING)
        png = await journey.billing.GetPaymentQrCode(draw(payment_id=payment.payment_id))
        assert (png.content_type, png.data[:8]) == ("image/png", PNG)
        svg = await journey.billing.GetPaymentQrCode(draw(payment_id=payment.payment_id, format=pb.QR_CODE_FORMAT_SVG))
        assert svg.content_type == "image/svg+xml"
        assert b"<svg" in svg.data
        await journey.told(payment.payment_id, ChargeStatus.APPROVED)
        late = await refusal(journey.billing.GetPaymentQrCode(draw(payment_id=payment.payment_id)))
        assert late.reason == "NO_PIX_CODE"


async def test_the_sum_of_a_budget_says_what_is_paid_and_what_is_due() -> None:
    async with begun(Scene(rules=BillingRules())) as journey:
        free, due, paid = await journey.drafted(1, items=[]), await journey.approved(2), await journey.paid(3)
        assert not (await summary(journey, free.budget_id)).HasField("total")
        owed = await summary(journey, due.budget_id)
        assert (owed.status, cents(owed.amount_due), owed.fully_paid) == (
            payment_pb2.PAYMENT_SUMMARY_STATUS_UNPAID,
            PRICE,
            False,
        )
        settled = await summary(journey, paid.budget_id)
        assert (settled.status, cents(settled.net_paid), cents(settled.amount_due), settled.fully_paid) == (
            payment_pb2.PAYMENT_SUMMARY_STATUS_PAID,
            PRICE,
            0,
            True,
        )
        nowhere = pb.GetPaymentSummaryRequest(budget_id=str(uuid4()))
        assert (await refusal(journey.billing.GetPaymentSummary(nowhere))).reason == "BUDGET_NOT_FOUND"


async def test_payments_are_listed_newest_first_by_page_and_filter() -> None:
    async with begun() as journey:
        made = []
        for os in (1, 2, 3):
            made.append(await journey.started(os))
            journey.scene.clock.advance(seconds=1)
        seen: list[payment_pb2.Payment] = []
        token = ""
        while not seen or token:
            page = await journey.billing.ListPayments(pb.ListPaymentsRequest(page_size=2, page_token=token))
            seen, token = [*seen, *page.payments], page.next_page_token
        assert seen == made[::-1]
        full = await journey.billing.ListPayments(pb.ListPaymentsRequest(page_size=3))
        assert (len(full.payments), full.next_page_token) == (3, "")
        second = await journey.told(made[1].payment_id, ChargeStatus.PENDING)
        for only in (
            {"work_order_id": str(an_os(2))},
            {"budget_id": second.budget_id},
            {"status": payment_pb2.PAYMENT_STATUS_PENDING},
        ):
            found = await journey.billing.ListPayments(pb.ListPaymentsRequest(**only))
            assert list(found.payments) == [second]


async def test_a_payment_of_another_workshop_is_as_if_absent_to_every_rpc() -> None:
    async with begun() as journey:
        payment = await journey.pending()
        scene = journey.scene
        scene.actor = Actor(id="guest", permissions=scene.actor.permissions, workshops=frozenset({"other"}))
        for rpc in ("GetPayment", "CancelPayment", "RefundPayment", "RetryRefund", "GetPaymentQrCode"):
            request = getattr(pb, f"{rpc}Request")(payment_id=payment.payment_id)
            hidden = await refusal(getattr(journey.billing, rpc)(request))
            assert (hidden.code, hidden.reason) == (grpc.StatusCode.NOT_FOUND, "PAYMENT_NOT_FOUND")
        assert list((await journey.billing.ListPayments(pb.ListPaymentsRequest())).payments) == []
        assert list((await journey.billing.ListLedgerEntries(pb.ListLedgerEntriesRequest())).entries) == []
