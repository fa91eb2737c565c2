"""The events of claims and invoices as partners read them, byte for byte, stamped as those of billing (golden.py)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.claims.events import (
    ClaimAdjudicated,
    ClaimCanceled,
    ClaimSubmitted,
    EventClaimItem,
    EventDenial,
    InvoiceCreated,
    InvoiceSettled,
    InvoiceSettlementReversed,
)
from domain.events import Fact

CLAIM, OTHER_CLAIM, INVOICE, SETTLEMENT = (
    UUID("01890a5d-ac96-774b-bcce-b30209900001"),
    UUID("01890a5d-ac96-774b-bcce-b30209900002"),
    UUID("01890a5d-ac96-774b-bcce-b30209900003"),
    UUID("01890a5d-ac96-774b-bcce-b30209900004"),
)
MADE = datetime(2026, 2, 28, 23, 0, 0, 4_000, tzinfo=UTC)
AFTER = datetime(2026, 3, 1, 9, 0, 0, 123_000, tzinfo=timezone(timedelta(hours=-3)))
_CLAIM: dict[str, Any] = {"aggregate_id": CLAIM, "id": CLAIM, "patient_id": "P-007", "currency": "BRL"}
_INVOICE: dict[str, Any] = {"aggregate_id": INVOICE, "id": INVOICE, "currency": "BRL"}

SUBMITTED = ClaimSubmitted(
    **_CLAIM,
    aggregate_version=3,
    insurance_id="000701",
    amount_cents=15_250,
    items=(
        EventClaimItem(
            description="Consulta",
            code="10101012",
            value_cents=15_000,
            quantity=Decimal("1.0000"),
            amount_cents=15_000,
            line=1,
        ),
        EventClaimItem(
            description="Gaze, 10 cm", code=None, value_cents=100, quantity=Decimal("2.5"), amount_cents=250, line=2
        ),
    ),
    created_at=MADE,
    submission=1,
)
ADJUDICATED = ClaimAdjudicated(
    **_CLAIM,
    aggregate_version=6,
    insurance_id="000701",
    outcome="PARTIALLY_DENIED",
    status="partially_approved",
    presented_cents=15_250,
    released_cents=15_000,
    denied_cents=250,
    recovered_cents=0,
    denials=(EventDenial(code="1705", amount_cents=200, line=2), EventDenial(code="2601", amount_cents=50, line=None)),
    adjudicated_at=AFTER,
)
WITHDRAWN = ClaimCanceled(
    **_CLAIM, aggregate_version=4, insurance_id=None, amount_cents=5, reason=None, canceled_at=AFTER
)
CREATED = InvoiceCreated(
    status="open",
    **_INVOICE,
    aggregate_version=1,
    claim_ids=(CLAIM, OTHER_CLAIM),
    patient_id=None,
    insurance_id="000701",
    amount_cents=15_250,
    due_date=date(2026, 3, 31),
    created_at=MADE,
)
SETTLED = InvoiceSettled(
    **_INVOICE,
    aggregate_version=5,
    claim_ids=(CLAIM,),
    patient_id="P-007",
    insurance_id="000701",
    amount_cents=15_250,
    settled_at=AFTER,
    created_at=MADE,
    paid_cents=14_000,
    denied_cents=250,
    withheld_cents=1_000,
    settlement_version=1,
)
TAKEN_BACK = InvoiceSettlementReversed(
    **_INVOICE,
    aggregate_version=6,
    claim_ids=(),
    patient_id="P-007",
    insurance_id=None,
    settlement_id=SETTLEMENT,
    amount_cents=15_000,
    status="open",
    reason="bounced",
    reversed_at=AFTER,
    settlement_version=1,
)


def _body(event_type: str, resource_type: str, event: str) -> str:
    return (
        f'{{"eventId":"01890a5d-ac96-774b-bcce-b302099a8059","eventType":"{event_type}",'
        f'"timestamp":"2026-03-01T12:00:00.123Z","source":"billing-service","resourceType":"{resource_type}",'
        f'"data":{event}}}'
    )


CLAIMS: dict[Fact, str] = {
    SUBMITTED: _body(
        "ClaimSubmitted",
        "claim",
        '{"id":"01890a5d-ac96-774b-bcce-b30209900001","patientId":"P-007","insuranceId":"000701",'
        '"amount":152.50,"amountCents":15250,"currency":"BRL","status":"pending","items":['
        '{"description":"Consulta","code":"10101012","value":150.00,"valueCents":15000,"quantity":1,'
        '"amount":150.00,"amountCents":15000,"line":1},'
        '{"description":"Gaze, 10 cm","code":null,"value":1.00,"valueCents":100,"quantity":2.5,'
        '"amount":2.50,"amountCents":250,"line":2}],"createdAt":"2026-02-28T23:00:00.004Z","submission":1}',
    ),
    ADJUDICATED: _body(
        "ClaimAdjudicated",
        "claim",
        '{"id":"01890a5d-ac96-774b-bcce-b30209900001","patientId":"P-007","insuranceId":"000701",'
        '"outcome":"PARTIALLY_DENIED","status":"partially_approved","presented":152.50,"presentedCents":15250,'
        '"released":150.00,"releasedCents":15000,"denied":2.50,"deniedCents":250,"recovered":0.00,'
        '"recoveredCents":0,"currency":"BRL","denials":['
        '{"code":"1705","amount":2.00,"amountCents":200,"line":2},'
        '{"code":"2601","amount":0.50,"amountCents":50,"line":null}],"adjudicatedAt":"2026-03-01T12:00:00.123Z"}',
    ),
    WITHDRAWN: _body(
        "ClaimCanceled",
        "claim",
        '{"id":"01890a5d-ac96-774b-bcce-b30209900001","patientId":"P-007","insuranceId":null,"amount":0.05,'
        '"amountCents":5,"currency":"BRL","status":"rejected","reason":null,"canceledAt":"2026-03-01T12:00:00.123Z"}',
    ),
    CREATED: _body(
        "InvoiceCreated",
        "invoice",
        '{"id":"01890a5d-ac96-774b-bcce-b30209900003","claimId":"01890a5d-ac96-774b-bcce-b30209900001","claimIds":['
        '"01890a5d-ac96-774b-bcce-b30209900001","01890a5d-ac96-774b-bcce-b30209900002"],"patientId":null,'
        '"insuranceId":"000701","amount":152.50,"amountCents":15250,"currency":"BRL","status":"open",'
        '"dueDate":"2026-03-31","createdAt":"2026-02-28T23:00:00.004Z"}',
    ),
    SETTLED: _body(
        "InvoiceSettled",
        "invoice",
        '{"id":"01890a5d-ac96-774b-bcce-b30209900003","claimId":"01890a5d-ac96-774b-bcce-b30209900001","claimIds":['
        '"01890a5d-ac96-774b-bcce-b30209900001"],"patientId":"P-007","insuranceId":"000701","amount":152.50,'
        '"amountCents":15250,"currency":"BRL","status":"settled","settledAt":"2026-03-01T12:00:00.123Z",'
        '"createdAt":"2026-02-28T23:00:00.004Z","paid":140.00,"paidCents":14000,"denied":2.50,"deniedCents":250,'
        '"withheld":10.00,"withheldCents":1000,"settlementVersion":1}',
    ),
    TAKEN_BACK: _body(
        "InvoiceSettlementReversed",
        "invoice",
        '{"id":"01890a5d-ac96-774b-bcce-b30209900003","claimId":null,"claimIds":[],"patientId":"P-007",'
        '"insuranceId":null,"settlementId":"01890a5d-ac96-774b-bcce-b30209900004","amount":150.00,'
        '"amountCents":15000,"currency":"BRL","status":"open","reason":"bounced",'
        '"reversedAt":"2026-03-01T12:00:00.123Z","settlementVersion":1}',
    ),
}
