"""Requests about claims into plain arguments; all that is wrong with one is told at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from itertools import accumulate
from typing import Any, Final, TypeVar
from uuid import UUID

from google.type.date_pb2 import Date

from acerto.claims.v1 import claim_pb2
from acerto.claims.v1 import claim_service_pb2 as pb
from domain.claims.adjudication import SaidDenial, SaidItem
from domain.claims.claim import Character, ClaimForm, ClaimType
from domain.claims.claim_batch import ClaimBatchForm
from domain.claims.claim_item import ONE, ClaimItem
from domain.claims.errors import WrongCurrency
from domain.claims.queries import ClaimBatchFilter, ClaimFilter
from domain.claims.use_cases.claims import Changes
from domain.money import BRL, Money
from server.rpc.translate import version_of
from server.rpc.translate_claims import BATCH_STATUS, CHARACTER, OUTCOME, STATUS, TYPE
from server.rpc.wire import Reading, date_from_wire, instant_from_wire, price_from_wire

K = TypeVar("K")

_TEXTS: Final = ("number", "patient_id", "card_number", "insurer_id", "plan_id", "provider_id", "authorization_code")
_NOTHING: Final = Money(0)
_SOME_DAY: Final = date(1, 1, 1)


def _read(table: Mapping[K, int]) -> dict[int, K]:
    return {number: value for value, number in table.items()}


_TYPE_READ: Final = _read(TYPE)
_CHARACTER_READ: Final = _read(CHARACTER)
_STATUS_READ: Final = _read(STATUS)
_OUTCOME_READ: Final = _read(OUTCOME)
_BATCH_STATUS_READ: Final = _read(BATCH_STATUS)


def form_from_wire(request: pb.CreateClaimRequest, today: date) -> ClaimForm:
    """What CreateClaim says; `today` is the day of care of a claim of type OTHER that names none. Raises Invalid."""
    reading = Reading()
    kind = reading.take("type", lambda: _type_of(request), ClaimType.OTHER)
    form = ClaimForm(
        **{name: getattr(request, name) for name in _TEXTS},
        type=kind,
        service_date=reading.take("service_date", lambda: _day_of(request, kind, today), _SOME_DAY),
        character=_CHARACTER_READ.get(request.character, Character.ELECTIVE),
        items=_items_from_wire(request.items, reading),
    )
    reading.finish()
    return form


def changes_from_wire(request: pb.UpdateClaimRequest) -> Changes:
    """What UpdateClaim corrects: what its mask names, or without one what it gives. Raises Invalid."""
    reading = Reading()
    readers: dict[str, Callable[[], Any]] = {
        **{name: _text(request, name) for name in _TEXTS},
        "type": lambda: reading.take("type", lambda: _other_type(request), ClaimType.OTHER),
        "service_date": lambda: reading.take("service_date", lambda: date_from_wire(request.service_date), _SOME_DAY),
        "character": lambda: _CHARACTER_READ.get(request.character, Character.ELECTIVE),
        "items": lambda: _items_from_wire(request.items, reading),
    }
    given = {field.name for field, _ in request.ListFields()}
    named = [name for name in readers if name in (set(request.update_mask.paths) or given)]
    changes = Changes(
        form={name: readers[name]() for name in named},
        amount=amount_from_wire(request, reading),
        version=version_of(request.etag),
    )
    reading.finish()
    return changes


def amount_from_wire(request: Any, reading: Reading | None = None) -> Money | None:
    """The amount that a caller takes the items to come to; None when it says none. Raises Invalid."""
    if not request.HasField("amount"):
        return None
    own = reading or Reading()
    amount = own.take("amount", lambda: price_from_wire(request.amount, least=0), _NOTHING)
    if reading is None:
        own.finish()
    return amount


def said_from_wire(request: pb.AdjudicateClaimRequest) -> tuple[tuple[SaidItem, ...], date | None]:
    """The insurer's analysis, and its day if that is said. Raises Invalid, WrongCurrency."""
    reading = Reading()
    said = tuple(_said_item(item, f"items[{at}]", reading) for at, item in enumerate(request.items))
    # Every other sum of it is no more than this one, once released plus denied is processed.
    reading.take("items", lambda: _must_add_up(item.processed for item in said), None)
    on = _day_said(request, reading)
    reading.finish()
    for item in said:
        _must_be_brl(item.processed, item.released, *(denial.amount for denial in item.denials))
    return said, on


def appeal_from_wire(request: pb.AppealClaimRequest) -> tuple[list[UUID], date | None]:
    """What to appeal, and the day if that is said. Raises Invalid."""
    reading = Reading()
    on = _day_said(request, reading)
    reading.finish()
    return [UUID(denial_id) for denial_id in request.denial_ids], on


def answers_from_wire(request: pb.AnswerClaimAppealRequest) -> tuple[dict[UUID, Money], date | None]:
    """What an insurer pays of each denial after all, and the day if that is said. Raises Invalid, WrongCurrency."""
    reading = Reading()
    answers: dict[UUID, Money] = {}
    for at, answer in enumerate(request.answers):
        read = partial(_answer, answer, frozenset(answers))
        answers[UUID(answer.denial_id)] = reading.take(f"answers[{at}]", read, _NOTHING)
    on = _day_said(request, reading)
    reading.finish()
    _must_be_brl(*answers.values())
    return answers, on


def filter_from_wire(request: pb.ListClaimsRequest) -> ClaimFilter:
    """Which claims. Raises Invalid."""
    reading = Reading()

    given = {field.name: value for field, value in request.ListFields()}

    def taken(name: str, read: Callable[[Any], Any]) -> Any:
        return reading.take(name, lambda: read(given[name]), None) if name in given else None

    wanted = ClaimFilter(
        patient_id=request.patient_id or None,
        insurer_id=request.insurer_id or None,
        provider_id=request.provider_id or None,
        status=_STATUS_READ.get(request.status),
        outcome=_OUTCOME_READ.get(request.outcome),
        service_from=taken("service_date_from", date_from_wire),
        service_until=taken("service_date_until", date_from_wire),
        created_from=taken("create_time_from", instant_from_wire),
        created_before=taken("create_time_before", instant_from_wire),
    )
    reading.finish()
    return wanted


def batch_form_from_wire(request: pb.CreateClaimBatchRequest) -> ClaimBatchForm:
    """What a batch shall be for."""
    return ClaimBatchForm(
        number=request.number,
        provider_id=request.provider_id,
        insurer_id=request.insurer_id,
        type=_TYPE_READ[request.type],
    )


def batch_filter_from_wire(request: pb.ListClaimBatchesRequest) -> ClaimBatchFilter:
    """Which batches."""
    return ClaimBatchFilter(
        provider_id=request.provider_id or None,
        insurer_id=request.insurer_id or None,
        type=_TYPE_READ.get(request.type),
        status=_BATCH_STATUS_READ.get(request.status),
    )


def _type_of(request: pb.CreateClaimRequest) -> ClaimType:
    if request.type:
        return _TYPE_READ[request.type]
    if request.provider_id or request.card_number:
        raise ValueError("must be said of a claim with a provider or a card")
    return ClaimType.OTHER


def _other_type(request: pb.UpdateClaimRequest) -> ClaimType:
    kind = _TYPE_READ.get(request.type, ClaimType.OTHER)
    if kind is ClaimType.OTHER:
        raise ValueError("must be a type, and not OTHER")
    return kind


def _day_of(request: pb.CreateClaimRequest, kind: ClaimType, today: date) -> date:
    if not request.HasField("service_date") and kind is ClaimType.OTHER:
        return today
    day: Date = request.service_date
    return date_from_wire(day)


def _day_said(request: Any, reading: Reading) -> date | None:
    return reading.take("date", lambda: date_from_wire(request.date), None) if request.HasField("date") else None


def _text(request: Any, name: str) -> Callable[[], str]:
    return lambda: str(getattr(request, name))


def _item_from_wire(wire: claim_pb2.ClaimItem, number: int, reading: Reading) -> ClaimItem:
    path = f"items[{number - 1}].unit_price"
    return ClaimItem(
        number=number,
        table=wire.table,
        code=wire.code,
        description=wire.description,
        quantity=Decimal(wire.quantity),
        unit_price=reading.take(path, lambda: price_from_wire(wire.unit_price, least=0), _NOTHING),
        factor=Decimal(wire.factor) if wire.factor else ONE,
    )


def _items_from_wire(items: Iterable[claim_pb2.ClaimItem], reading: Reading) -> tuple[ClaimItem, ...]:
    read = tuple(_item_from_wire(item, number, reading) for number, item in enumerate(items, 1))
    reading.take("items", lambda: _must_add_up(item.total for item in read), None)
    return read


def _must_add_up(amounts: Iterable[Money]) -> None:
    """Raise ValueError when an amount, or the sum on the way, is beyond the limit of Money."""
    for cents in accumulate(amount.cents for amount in amounts):
        Money(cents)


def _said_item(wire: pb.ItemAdjudication, path: str, reading: Reading) -> SaidItem:
    said = SaidItem(
        number=wire.number,
        processed=reading.take(f"{path}.processed", lambda: price_from_wire(wire.processed, least=0), _NOTHING),
        released=reading.take(f"{path}.released", lambda: price_from_wire(wire.released, least=0), _NOTHING),
        denials=tuple(
            _said_denial(denial, f"{path}.denials[{at}].amount", reading) for at, denial in enumerate(wire.denials)
        ),
    )
    parts = (said.released, *(denial.amount for denial in said.denials))
    reading.take(f"{path}.denials", lambda: _must_add_up(parts), None)
    return said


def _said_denial(wire: pb.DenialLine, path: str, reading: Reading) -> SaidDenial:
    amount = reading.take(path, lambda: price_from_wire(wire.amount, least=1), _NOTHING)
    return SaidDenial(code=wire.code, reason=wire.reason, amount=amount)


def _answer(wire: pb.AppealAnswer, answered: frozenset[UUID]) -> Money:
    if UUID(wire.denial_id) in answered:
        raise ValueError("is about a denial that another answer is about")
    return price_from_wire(wire.recovered, least=0)


def _must_be_brl(*amounts: Money) -> None:
    for amount in amounts:
        if amount.currency != BRL:
            raise WrongCurrency(f"claims are in {BRL}, not in {amount.currency}")
