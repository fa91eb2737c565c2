"""The events as partners read them, byte for byte: changed here only when a contract is, on purpose."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from uuid import UUID

from domain.billing.events import BudgetCanceled, BudgetGenerated
from domain.events import Fact, Stamp

OS, BUDGET, EVENT = (
    UUID("01890a5d-ac96-774b-bcce-b302099a8057"),
    UUID("01890a5d-ac96-774b-bcce-b302099a8058"),
    UUID("01890a5d-ac96-774b-bcce-b302099a8059"),
)
GENERATED = BudgetGenerated(
    aggregate_id=BUDGET,
    aggregate_version=1,
    os_id=OS,
    budget_id=BUDGET,
    amount_cents=12_305,
    revision=1,
    status_detail="DRAFT",
)
CANCELED = BudgetCanceled(
    aggregate_id=BUDGET,
    aggregate_version=2,
    os_id=OS,
    budget_id=BUDGET,
    amount_cents=12_305,
    reason='sem peças, "hoje"\n',
    status_detail="CANCELED",
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
    CANCELED: '{"OsId":"01890a5d-ac96-774b-bcce-b302099a8057","BudgetId":"01890a5d-ac96-774b-bcce-b302099a8058",'
    '"Status":3,"StatusDetail":"CANCELED","Reason":"sem peças, \\"hoje\\"\\n","Amount":123.05,"AmountCents":12305}',
}
