"""The old health client's requests about claims and invoices as arguments; all that is wrong is told at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any, Final
from uuid import UUID

from acerto.claims.v1 import compatibility_service_pb2 as pb
from domain.calendar import BRAZIL
from domain.claims.claim import ClaimForm, ClaimType
from domain.claims.claim_item import ONE, ClaimItem
from domain.claims.errors import WrongCurrency
from domain.claims.invoice_lifecycle import OldInvoiceStatus
from domain.claims.invoice_order import InvoiceOrder
from domain.claims.outcome import OldStatus
from domain.claims.queries import ClaimFilter, InvoiceFilter
from domain.claims.use_cases.claims import Changes
from domain.money import BRL, Money
from server.rpc.translate_compatibility import valor_from_wire
from server.rpc.wire import Reading

DEFAULT_LIMIT: Final = 100
"""How many a list has that says nothing else."""

_CANCELED: Final = "canceled"
"""What the old client may say for `rejected`."""
_NOTHING: Final = Money(0)
_PLACES: Final = -4
"""The exponent of the smallest quantity."""
_DAY, _MOMENT, _NO_TIME = timedelta(days=1), timedelta(microseconds=1), timedelta()


def form_from_old(request: pb.CreateLegacyClaimRequest, today: date) -> ClaimForm:
    """A claim of type OTHER. Raises Invalid, WrongCurrency."""
    _must_be_brl(request.currency)
    reading = Reading()
    form = ClaimForm(
        type=ClaimType.OTHER,
        number="",
        patient_id=request.patient_id,
        insurer_id=request.insurance_id,
        service_date=today,
        items=_items(request.items, reading),
    )
    _amount(request, reading)
    reading.finish()
    return form


def amount_of(request: Any) -> Money | None:
    """The amount that a caller expects; None when it says none. Raises Invalid."""
    reading = Reading()
    amount = _amount(request, reading)
    reading.finish()
    return amount


def status_from_old(request: pb.UpdateLegacyClaimRequest) -> OldStatus | None:
    """Where a claim shall stand; None when nothing is said of that. Raises Invalid when contents are given too."""
    if not request.status:
        return None
    reading = Reading()
    reading.take("status", lambda: _must_be_alone(request), None)
    reading.finish()
    return OldStatus.REJECTED if request.status == _CANCELED else OldStatus(request.status)


def claim_changes_from_old(request: pb.UpdateLegacyClaimRequest) -> Changes | None:
    """What to correct; None when nothing is given. Raises Invalid, WrongCurrency."""
    _must_be_brl(request.currency)
    reading = Reading()
    form: dict[str, Any] = {}
    if request.HasField("patient_id"):
        form["patient_id"] = request.patient_id
    if request.HasField("insurance_id"):
        form["insurer_id"] = request.insurance_id
    if request.items:
        form["items"] = _items(request.items, reading)
    amount = _amount(request, reading)
    reading.finish()
    return None if not form and amount is None else Changes(form=form, amount=amount)


def claim_filter_from_old(request: pb.ListLegacyClaimsRequest) -> ClaimFilter:
    """Which claims. Raises Invalid."""
    reading = Reading()
    wanted = ClaimFilter(
        patient_id=request.patient_id or None,
        old_status=OldStatus(request.status) if request.status else None,
        created_from=reading.take("start_date", lambda: _since(request.start_date), None),
        created_before=reading.take("end_date", lambda: _before(request.end_date), None),
    )
    reading.finish()
    return wanted


def order_from_old(request: pb.CreateLegacyInvoiceRequest) -> InvoiceOrder:
    """What is to be billed. Raises Invalid, WrongCurrency."""
    _must_be_brl(request.currency)
    named = [*([request.claim_id] if request.claim_id else ()), *request.claim_ids]
    return InvoiceOrder(
        claim_ids=tuple(dict.fromkeys(map(UUID, named))),
        patient_id=request.patient_id,
        amount=amount_of(request),
    )


def invoice_filter_from_old(request: pb.ListLegacyInvoicesRequest) -> InvoiceFilter:
    """Which invoices."""
    return InvoiceFilter(
        patient_id=request.patient_id or None,
        claim_id=UUID(request.claim_id) if request.claim_id else None,
        old_status=invoice_status_from_old(request.status) if request.status else None,
    )


def invoice_status_from_old(status: str) -> OldInvoiceStatus:
    """Where an invoice shall stand."""
    return OldInvoiceStatus(status)


def limit_of(request: Any) -> int:
    """How many to answer at most."""
    return int(request.limit) if request.HasField("limit") else DEFAULT_LIMIT


def _items(items: Sequence[pb.LegacyClaimItem], reading: Reading) -> tuple[ClaimItem, ...]:
    read = tuple(_item(item, at, reading) for at, item in enumerate(items))
    reading.take("items", lambda: _must_add_up(read), None)
    return read


def _item(item: pb.LegacyClaimItem, at: int, reading: Reading) -> ClaimItem:
    path = f"items[{at}]"
    return ClaimItem(
        number=at + 1,
        description=item.description,
        code=item.code,
        unit_price=reading.take(f"{path}.value", lambda: valor_from_wire(item.value), _NOTHING),
        quantity=reading.take(f"{path}.quantity", lambda: _quantity(item), ONE),
    )


def _quantity(item: pb.LegacyClaimItem) -> Decimal:
    if not item.HasField("quantity"):
        return ONE
    quantity = Decimal(f"{Decimal(repr(item.quantity)).normalize():f}")
    exponent = quantity.as_tuple().exponent
    if isinstance(exponent, int) and exponent < _PLACES:
        raise ValueError("must have at most four decimal places")
    return quantity


def _must_add_up(items: Sequence[ClaimItem]) -> None:
    """Raise ValueError when a line, or the sum on the way, is beyond the limit of Money."""
    for cents in accumulate(item.total.cents for item in items):
        Money(cents)


def _amount(request: Any, reading: Reading) -> Money | None:
    if not request.HasField("amount"):
        return None
    return reading.take("amount", lambda: valor_from_wire(request.amount), _NOTHING)


def _must_be_brl(currency: str) -> None:
    if currency not in ("", BRL):
        raise WrongCurrency(f"claims are in {BRL}, not in {currency}")


def _must_be_alone(request: pb.UpdateLegacyClaimRequest) -> None:
    given = {field.name for field, _ in request.ListFields()} - {"id", "status", "request_id", "currency"}
    if given:
        raise ValueError(f"must be changed in a call of its own, without {', '.join(sorted(given))}")


def _since(text: str) -> datetime | None:
    return _moment(text) if text else None


def _before(text: str) -> datetime | None:
    """The first moment that does not count any more."""
    return _moment(text, after=True) if text else None


def _moment(text: str, *, after: bool = False) -> datetime:
    """The instant that a text names, or the beginning of its day; with `after` the first one after it, or its day."""
    try:
        day = _day(text)
        if day is None:
            return _instant(text).astimezone(UTC) + (_MOMENT if after else _NO_TIME)
        return datetime.combine(day + (_DAY if after else _NO_TIME), time(), BRAZIL).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("must be a day, 2026-03-01, or an instant, 2026-03-01T12:00:00Z") from error


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _instant(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)
