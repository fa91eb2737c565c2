"""Claims and their batches onto the wire."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from acerto.claims.v1 import claim_batch_pb2, claim_pb2
from domain.claims.claim import Character, Claim, ClaimType
from domain.claims.claim_batch import LIFECYCLE as BATCH_LIFECYCLE
from domain.claims.claim_batch import ClaimBatch, ClaimBatchStatus
from domain.claims.claim_item import ClaimItem
from domain.claims.claim_lifecycle import ClaimStatus, actions_of
from domain.claims.denial import Denial, DenialState
from domain.claims.outcome import Outcome
from domain.claims.queries import HistoryEntry
from domain.claims.validation import Finding, Severity
from server.rpc.translate import etag_of
from server.rpc.wire import date_fields, instant_fields, instant_to_wire, money_fields

TYPE: Final = {t: claim_pb2.ClaimType.Value(f"CLAIM_TYPE_{t.name}") for t in ClaimType}
STATUS: Final = {s: claim_pb2.ClaimStatus.Value(f"CLAIM_STATUS_{s.name}") for s in ClaimStatus}
OUTCOME: Final = {o: claim_pb2.ClaimOutcome.Value(f"CLAIM_OUTCOME_{o.name}") for o in Outcome}
CHARACTER: Final = {c: claim_pb2.CareCharacter.Value(f"CARE_CHARACTER_{c.name}") for c in Character}
BATCH_STATUS: Final = {
    s: claim_batch_pb2.ClaimBatchStatus.Value(f"CLAIM_BATCH_STATUS_{s.name}") for s in ClaimBatchStatus
}
_STATE: Final = {s: claim_pb2.DenialState.Value(f"DENIAL_STATE_{s.name}") for s in DenialState}
_SEVERITY: Final = {s: claim_pb2.FindingSeverity.Value(f"FINDING_SEVERITY_{s.name}") for s in Severity}
_ACTIONS: Final = {s: actions_of(s) for s in ClaimStatus}
_BATCH_ACTIONS: Final = {s: tuple(a.value for a in BATCH_LIFECYCLE.allowed(s)) for s in ClaimBatchStatus}


def claim_to_wire(claim: Claim) -> claim_pb2.Claim:
    """A stored claim; its parts are dicts, which protobuf fills in where it would copy messages."""
    form, amounts, status = claim.form, claim.amounts, claim.status or ClaimStatus.DRAFT
    return claim_pb2.Claim(
        claim_id=str(claim.id),
        number=form.number,
        type=TYPE[form.type],
        status=STATUS[status],
        outcome=OUTCOME[claim.outcome],
        patient_id=form.patient_id,
        card_number=form.card_number,
        insurer_id=form.insurer_id,
        plan_id=form.plan_id,
        provider_id=form.provider_id,
        service_date=date_fields(form.service_date),
        character=CHARACTER[form.character],
        authorization_code=form.authorization_code,
        items=[_item_fields(item) for item in claim.items],
        amount=money_fields(amounts.presented),
        gross=money_fields(amounts.gross),
        processed=money_fields(amounts.processed),
        released=money_fields(amounts.released),
        denied=money_fields(amounts.denied),
        recovered=money_fields(amounts.recovered),
        denied_pending=money_fields(amounts.pending),
        denied_accepted=money_fields(amounts.accepted),
        claim_batch_id=str(claim.claim_batch_id) if claim.claim_batch_id else "",
        submissions=claim.submissions,
        protocol=claim.protocol,
        return_reason=claim.return_reason,
        override_reason=claim.override_reason,
        cancel_reason=claim.cancel_reason,
        create_time=instant_fields(claim.created_at),
        update_time=instant_fields(claim.updated_at),
        submit_time=instant_fields(claim.submitted_at) if claim.submitted_at else None,
        adjudicate_time=instant_fields(claim.adjudicated_at) if claim.adjudicated_at else None,
        etag=etag_of(claim),
        allowed_actions=_ACTIONS[status],
    )


def batch_to_wire(batch: ClaimBatch) -> claim_batch_pb2.ClaimBatch:
    """A stored batch."""
    form, status = batch.form, batch.status or ClaimBatchStatus.OPEN
    return claim_batch_pb2.ClaimBatch(
        claim_batch_id=str(batch.id),
        number=form.number,
        status=BATCH_STATUS[status],
        provider_id=form.provider_id,
        insurer_id=form.insurer_id,
        type=TYPE[form.type],
        claim_ids=map(str, batch.claim_ids),
        create_time=instant_fields(batch.created_at),
        update_time=instant_fields(batch.updated_at),
        submit_time=instant_fields(batch.submitted_at) if batch.submitted_at else None,
        etag=etag_of(batch),
        allowed_actions=_BATCH_ACTIONS[status],
    )


def finding_to_wire(finding: Finding) -> claim_pb2.Finding:
    """One thing that was found."""
    return claim_pb2.Finding(
        code=finding.code, severity=_SEVERITY[finding.severity], field=finding.field, message=finding.message
    )


def history_to_wire(entry: HistoryEntry) -> claim_pb2.ClaimHistoryEntry:
    """One change."""
    return claim_pb2.ClaimHistoryEntry(
        sequence=entry.sequence,
        time=instant_to_wire(entry.at),
        actor=entry.actor,
        action=entry.action,
        from_status=entry.before,
        to_status=entry.after,
        note=entry.note,
        event_type=entry.event_type,
        event_id=entry.event_id,
        correlation_id=entry.correlation_id,
        causation_id=entry.causation_id,
    )


def _item_fields(item: ClaimItem) -> Any:
    return {
        "number": item.number,
        "table": item.table,
        "code": item.code,
        "description": item.description,
        "quantity": _plain(item.quantity),
        "unit_price": money_fields(item.unit_price),
        "factor": _plain(item.factor),
        "total": money_fields(item.total),
        "processed": None if item.processed is None else money_fields(item.processed),
        "released": None if item.released is None else money_fields(item.released),
        "denials": [_denial_fields(denial) for denial in item.denials],
    }


def _denial_fields(denial: Denial) -> Any:
    return {
        "denial_id": str(denial.id),
        "code": denial.code,
        "reason": denial.reason,
        "amount": money_fields(denial.amount),
        "state": _STATE[denial.state],
        "round": denial.round,
        "recovered": money_fields(denial.recovered),
        "denied_pending": money_fields(denial.pending),
        "denied_accepted": money_fields(denial.accepted),
        "appeal_until": date_fields(denial.appeal_until),
        "justification": denial.justification,
        "appeal_date": date_fields(denial.appealed_on),
        "decision_date": date_fields(denial.decided_on),
    }


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
