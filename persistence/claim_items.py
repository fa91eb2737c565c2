"""The items of a claim as the document on its row: exact numbers are texts, amounts integers of centavos."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.claims.claim_item import ClaimItem
from domain.claims.denial import Denial, DenialState
from domain.money import Money


def item_to_json(item: ClaimItem) -> dict[str, Any]:
    """An item with its denials."""
    return {
        "number": item.number,
        "table": item.table,
        "code": item.code,
        "description": item.description,
        "quantity": str(item.quantity),
        "unit_cents": item.unit_price.cents,
        "factor": str(item.factor),
        "processed_cents": item.processed and item.processed.cents,
        "released_cents": item.released and item.released.cents,
        "denials": [_denial_to_json(denial) for denial in item.denials],
    }


def item_from_json(item: Mapping[str, Any]) -> ClaimItem:
    """The item of a document."""
    return ClaimItem(
        number=item["number"],
        table=item["table"],
        code=item["code"],
        description=item["description"],
        quantity=Decimal(item["quantity"]),
        unit_price=Money(item["unit_cents"]),
        factor=Decimal(item["factor"]),
        processed=_money(item["processed_cents"]),
        released=_money(item["released_cents"]),
        denials=tuple(_denial_from_json(denial) for denial in item["denials"]),
    )


def _denial_to_json(denial: Denial) -> dict[str, Any]:
    return {
        "id": str(denial.id),
        "code": denial.code,
        "reason": denial.reason,
        "amount_cents": denial.amount.cents,
        "appeal_until": denial.appeal_until.isoformat(),
        "round": denial.round,
        "state": denial.state.value,
        "recovered_cents": denial.recovered.cents,
        "accepted_cents": denial.accepted.cents,
        "justification": denial.justification,
        "appealed_on": denial.appealed_on and denial.appealed_on.isoformat(),
        "decided_on": denial.decided_on and denial.decided_on.isoformat(),
    }


def _denial_from_json(denial: Mapping[str, Any]) -> Denial:
    return Denial(
        id=UUID(denial["id"]),
        code=denial["code"],
        reason=denial["reason"],
        amount=Money(denial["amount_cents"]),
        appeal_until=date.fromisoformat(denial["appeal_until"]),
        round=denial["round"],
        state=DenialState(denial["state"]),
        recovered=Money(denial["recovered_cents"]),
        accepted=Money(denial["accepted_cents"]),
        justification=denial["justification"],
        appealed_on=_day(denial, "appealed_on"),
        decided_on=_day(denial, "decided_on"),
    )


def _day(denial: Mapping[str, Any], name: str) -> date | None:
    """Absent from what was written before the day was kept."""
    day = denial.get(name)
    return date.fromisoformat(day) if day else None


def _money(cents: int | None) -> Money | None:
    return None if cents is None else Money(cents)
