"""The events as partners read them, byte for byte: changed here only when a contract is, on purpose."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

from domain.billing.events import (
    BudgetApproved,
    BudgetCanceled,
    BudgetExpired,
    BudgetGenerated,
    BudgetRejected,
    BudgetSent,
    PaymentConfirmed,
    PaymentDisputed,
    PaymentDisputeWon,
    PaymentFailed,
    PaymentPending,
    PaymentReversalFailed,
    PaymentReversed,
)
from domain.events import Fact, Stamp

OS, BUDGET, EVENT, PAYMENT = (
    UUID("01890a5d-ac96-774b-bcce-b302099a8057"),
    UUID("01890a5d-ac96-774b-bcce-b302099a8058"),
    UUID("01890a5d-ac96-774b-bcce-b302099a8059"),
    UUID("01890a5d-ac96-774b-bcce-b302099a8060"),
)
_BUDGET: dict[str, Any] = {"aggregate_id": BUDGET, "os_id": OS, "budget_id": BUDGET, "amount_cents": 12_305}
_PAYMENT: dict[str, Any] = {
    **_BUDGET,
    "aggregate_id": PAYMENT,
    "payment_id": PAYMENT,
    "provider_payment_id": "PAY01",
}
GENERATED = BudgetGenerated(**_BUDGET, aggregate_version=1, revision=1, status_detail="DRAFT")
SENT = BudgetSent(**_BUDGET, aggregate_version=2, revision=1, status_detail="SENT")
APPROVED = BudgetApproved(**_BUDGET, aggregate_version=3, revision=1, status_detail="APPROVED")
REJECTED = BudgetRejected(**_BUDGET, aggregate_version=3, revision=1, reason="caro demais", status_detail="REJECTED")
EXPIRED = BudgetExpired(**_BUDGET, aggregate_version=3, status_detail="EXPIRED")
CANCELED = BudgetCanceled(**_BUDGET, aggregate_version=2, reason='sem peças, "hoje"\n', status_detail="CANCELED")
PENDING = PaymentPending(**_PAYMENT, aggregate_version=3, status=0, status_detail="PENDING", payment_method="PIX")
CONFIRMED = PaymentConfirmed(
    **_PAYMENT, aggregate_version=4, status=1, status_detail="CONFIRMED", amount_due_cents=0, budget_fully_paid=True
)
FAILED = PaymentFailed(
    **_PAYMENT,
    aggregate_version=4,
    status=2,
    status_detail="FAILED",
    reason="REJECTED",
    reason_detail="rejected_by_bank",
)
PART_REVERSED = PaymentReversed(
    **{**_PAYMENT, "amount_cents": 5},
    aggregate_version=6,
    status=3,
    status_detail="PARTIALLY_REVERSED",
    reason="one part less",
    cumulative_amount_cents=5,
    fully_reversed=False,
    reversal_kind="REFUND",
)
REVERSED = PaymentReversed(
    **{**_PAYMENT, "amount_cents": 12_300},
    aggregate_version=8,
    status=3,
    status_detail="REVERSED",
    reason="CANCELED",
    cumulative_amount_cents=12_305,
    fully_reversed=True,
    reversal_kind="PROVIDER",
)
DISPUTED = PaymentDisputed(**_PAYMENT, aggregate_version=5, status=1, status_detail="DISPUTED", reason="in_process")
WON = PaymentDisputeWon(**_PAYMENT, aggregate_version=6, status=1, status_detail="CONFIRMED")
REVERSAL_FAILED = PaymentReversalFailed(
    **_PAYMENT, aggregate_version=6, status=1, status_detail="REFUND_FAILED", reason="no balance"
)
STAMP = Stamp(
    event_id=EVENT,
    key_seq=7,
    occurred_at=datetime(2026, 3, 1, 9, 0, 0, 123_456, tzinfo=timezone(timedelta(hours=-3))),
    correlation_id="saga",
    causation_id="cause",
    trace={"traceparent": f"00-{'1' * 32}-{'2' * 16}-01"},
)
GOLDEN: dict[Fact, str] = {
    GENERATED: '{"OsId":"01890a5d-ac96-774b-bcce-b302099a8057","BudgetId":"01890a5d-ac96-774b-bcce-b302099a8058",'
    '"Amount":123.05,"AmountCents":12305,"Status":0,"Revision":1,"StatusDetail":"DRAFT"}',
    SENT: '{"OsId":"01890a5d-ac96-774b-bcce-b302099a8057","BudgetId":"01890a5d-ac96-774b-bcce-b302099a8058",'
    '"Status":0,"StatusDetail":"SENT","Amount":123.05,"AmountCents":12305,"Revision":1}',
    APPROVED: '{"OsId":"01890a5d-ac96-774b-bcce-b302099a8057","BudgetId":"01890a5d-ac96-774b-bcce-b302099a8058",'
    '"Amount":123.05,"AmountCents":12305,"Status":1,"Revision":1,"StatusDetail":"APPROVED"}',
    REJECTED: '{"OsId":"01890a5d-ac96-774b-bcce-b302099a8057","BudgetId":"01890a5d-ac96-774b-bcce-b302099a8058",'
    '"Status":2,"Reason":"caro demais","Amount":123.05,"AmountCents":12305,"Revision":1,"StatusDetail":"REJECTED"}',
    EXPIRED: '{"OsId":"01890a5d-ac96-774b-bcce-b302099a8057","BudgetId":"01890a5d-ac96-774b-bcce-b302099a8058",'
    '"Status":3,"StatusDetail":"EXPIRED","Amount":123.05,"AmountCents":12305}',
    CANCELED: '{"OsId":"01890a5d-ac96-774b-bcce-b302099a8057","BudgetId":"01890a5d-ac96-774b-bcce-b302099a8058",'
    '"Status":3,"StatusDetail":"CANCELED","Reason":"sem peças, \\"hoje\\"\\n","Amount":123.05,"AmountCents":12305}',
    PENDING: '{"OsId":"01890a5d-ac96-774b-bcce-b302099a8057","PaymentId":"01890a5d-ac96-774b-bcce-b302099a8060",'
    '"Status":0,"Amount":123.05,"AmountCents":12305,"ProviderPaymentId":"PAY01","PaymentMethod":"PIX",'
    '"BudgetId":"01890a5d-ac96-774b-bcce-b302099a8058","StatusDetail":"PENDING"}',
    CONFIRMED: '{"OsId":"01890a5d-ac96-774b-bcce-b302099a8057","PaymentId":"01890a5d-ac96-774b-bcce-b302099a8060",'
    '"Status":1,"Amount":123.05,"AmountCents":12305,"ProviderPaymentId":"PAY01",'
    '"BudgetId":"01890a5d-ac96-774b-bcce-b302099a8058","StatusDetail":"CONFIRMED","AmountDue":0.00,'
    '"AmountDueCents":0,"BudgetFullyPaid":true}',
    FAILED: '{"OsId":"01890a5d-ac96-774b-bcce-b302099a8057","PaymentId":"01890a5d-ac96-774b-bcce-b302099a8060",'
    '"Status":2,"Reason":"REJECTED","ReasonDetail":"rejected_by_bank","Amount":123.05,"AmountCents":12305,'
    '"ProviderPaymentId":"PAY01","BudgetId":"01890a5d-ac96-774b-bcce-b302099a8058","StatusDetail":"FAILED"}',
    PART_REVERSED: '{"OsId":"01890a5d-ac96-774b-bcce-b302099a8057","PaymentId":"01890a5d-ac96-774b-bcce-b302099a8060",'
    '"Status":3,"Reason":"one part less","Amount":0.05,"AmountCents":5,"ProviderPaymentId":"PAY01",'
    '"BudgetId":"01890a5d-ac96-774b-bcce-b302099a8058","StatusDetail":"PARTIALLY_REVERSED","CumulativeAmount":0.05,'
    '"CumulativeAmountCents":5,"FullyReversed":false,"Kind":"REFUND"}',
    REVERSED: '{"OsId":"01890a5d-ac96-774b-bcce-b302099a8057","PaymentId":"01890a5d-ac96-774b-bcce-b302099a8060",'
    '"Status":3,"Reason":"CANCELED","Amount":123.00,"AmountCents":12300,"ProviderPaymentId":"PAY01",'
    '"BudgetId":"01890a5d-ac96-774b-bcce-b302099a8058","StatusDetail":"REVERSED","CumulativeAmount":123.05,'
    '"CumulativeAmountCents":12305,"FullyReversed":true,"Kind":"PROVIDER"}',
    DISPUTED: '{"OsId":"01890a5d-ac96-774b-bcce-b302099a8057","PaymentId":"01890a5d-ac96-774b-bcce-b302099a8060",'
    '"Status":1,"StatusDetail":"DISPUTED","Reason":"in_process","Amount":123.05,"AmountCents":12305,'
    '"BudgetId":"01890a5d-ac96-774b-bcce-b302099a8058","ProviderPaymentId":"PAY01"}',
    WON: '{"OsId":"01890a5d-ac96-774b-bcce-b302099a8057","PaymentId":"01890a5d-ac96-774b-bcce-b302099a8060",'
    '"Status":1,"StatusDetail":"CONFIRMED","Amount":123.05,"AmountCents":12305,'
    '"BudgetId":"01890a5d-ac96-774b-bcce-b302099a8058","ProviderPaymentId":"PAY01"}',
    REVERSAL_FAILED: '{"OsId":"01890a5d-ac96-774b-bcce-b302099a8057",'
    '"PaymentId":"01890a5d-ac96-774b-bcce-b302099a8060","Status":1,"StatusDetail":"REFUND_FAILED",'
    '"Reason":"no balance","Amount":123.05,"AmountCents":12305,'
    '"BudgetId":"01890a5d-ac96-774b-bcce-b302099a8058","ProviderPaymentId":"PAY01"}',
}
