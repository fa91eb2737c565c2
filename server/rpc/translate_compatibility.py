"""Budgets, payments and statuses in the JSON of the OficinaCardozo BillingService, and its requests as arguments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Generic, Protocol, TypeVar
from uuid import UUID

from google.protobuf.struct_pb2 import NULL_VALUE, Value

from acerto.billing.v1 import compatibility_service_pb2 as pb
from domain.actor import Call
from domain.billing.budget import Budget
from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.customer import Customer
from domain.billing.payment import METHOD, Payment
from domain.billing.payment_lifecycle import DEAD, HELD, OPEN, OVER, PaymentStatus
from domain.billing.pricing import Order
from domain.billing.work_order import WorkOrder
from domain.identity import work_order_id
from domain.money import Money
from server.rpc.wire import Reading, instant_fields

T = TypeVar("T")

ORCAMENTO: Final = {
    BudgetStatus.DRAFT: 0,
    BudgetStatus.SENT: 1,
    BudgetStatus.APPROVED: 2,
    BudgetStatus.REJECTED: 3,
    BudgetStatus.EXPIRED: 3,
    BudgetStatus.CANCELED: 3,
}
"""Each status as the old enum numbers it: Pendente, Enviado, Aprovado, Rejeitado (nobody can accept it any more)."""

PAGAMENTO: Final = {
    **dict.fromkeys(OPEN, 0),
    **dict.fromkeys(HELD, 1),
    **dict.fromkeys((*DEAD, *OVER), 2),
}
"""Pendente, Confirmado, Falhou; the old webhook called money that went back Falhou too."""

_WORDS: Final = ("Pendente", "Confirmado", "Falhou")
_NULL: Final = Value(null_value=NULL_VALUE)
_NOBODY: Final = UUID(int=0)
"""What a .NET client sends for a Guid that it never set."""


@dataclass(frozen=True, slots=True)
class Told(Generic[T]):
    """Something of a saga with the saga's id and what caused it: old answers show both, our nouns carry neither."""

    noun: T
    correlation_id: str
    causation_id: str


class Caused(Protocol):
    """A request that may name the saga and what caused it."""

    correlation_id: str
    causation_id: str


def orcamento_to_wire(told: Told[Budget]) -> pb.Orcamento:
    """A stored budget."""
    budget = told.noun
    return pb.Orcamento(
        id=str(budget.id),
        os_id=str(budget.work_order_id),
        valor=valor_to_wire(budget.amount_cents),
        email_cliente=budget.customer.email,
        status=ORCAMENTO[budget.status or BudgetStatus.DRAFT],
        correlation_id=told.correlation_id,
        causation_id=told.causation_id,
        criado_em=instant_fields(budget.created_at),
        atualizado_em=instant_fields(budget.updated_at),
    )


def started_to_wire(told: Told[Payment]) -> pb.StartPagamentoResponse:
    """A payment that was begun."""
    payment = told.noun
    return pb.StartPagamentoResponse(
        id=str(payment.id),
        os_id=str(payment.work_order_id),
        orcamento_id=str(payment.budget_id),
        valor=valor_to_wire(payment.amount.cents),
        status=_WORDS[_number_of(payment)],
        provider_payment_id=_text_or_null(payment.provider_payment_id),
        criado_em=instant_fields(payment.created_at),
    )


def pagamento_to_wire(told: Told[Payment]) -> pb.Pagamento:
    """A stored payment."""
    payment = told.noun
    return pb.Pagamento(
        id=str(payment.id),
        os_id=str(payment.work_order_id),
        orcamento_id=str(payment.budget_id),
        valor=valor_to_wire(payment.amount.cents),
        metodo=METHOD,
        status=_number_of(payment),
        provider_payment_id=_text_or_null(payment.provider_payment_id),
        correlation_id=told.correlation_id,
        causation_id=told.causation_id,
        criado_em=instant_fields(payment.created_at),
        atualizado_em=instant_fields(payment.updated_at),
    )


def status_os_to_wire(told: Told[WorkOrder]) -> pb.StatusOs:
    """The status that a work order was given just now: its last change."""
    work_order = told.noun
    said = work_order.changes[-1]
    return pb.StatusOs(
        id=work_order.version,
        os_id=str(work_order.id),
        novo_status=said.after,
        event_type=_text_or_null(said.event_type),
        correlation_id=told.correlation_id,
        causation_id=told.causation_id,
        atualizado_em=instant_fields(said.at),
    )


def order_to_offer(request: pb.CreateOrcamentoRequest, workshop_id: str) -> Order:
    """The work order and the price of a budget to make. Raises Invalid."""
    number = str(request.ordem_servico_id) if request.ordem_servico_id else ""
    reading = Reading()
    order = Order(
        work_order_id=reading.take("os_id", lambda: work_order_id(request.os_id or number), _NOBODY),
        workshop_id=workshop_id,
        description=request.descricao,
        customer=Customer(name=request.cliente, email=request.email_cliente),
        amount=reading.take("valor", lambda: valor_from_wire(request.valor), None),
    )
    reading.finish()
    return order


def amount_to_collect(request: pb.CreatePagamentoRequest) -> Money | None:
    """The amount that the caller expects, None when it says none. Raises Invalid."""
    if not request.HasField("valor"):
        return None
    reading = Reading()
    amount = reading.take("valor", lambda: valor_from_wire(request.valor), None)
    reading.finish()
    return amount


def named_by(os_id: str) -> UUID:
    """The work order, or the budget, that an old path names. Raises Invalid."""
    reading = Reading()
    named = reading.take("os_id", lambda: work_order_id(os_id), _NOBODY)
    reading.finish()
    return named


def heard(request: Caused, call: Call) -> Call:
    """The call with the ids that the body names in place of its own; an id of zeros names nothing."""
    return replace(
        call,
        correlation_id=_id_or(request.correlation_id, call.correlation_id),
        causation_id=_id_or(request.causation_id, call.causation_id),
    )


def valor_to_wire(cents: int) -> float:
    """Reais: the number nearest to the amount, so that JSON, which prints the shortest such text, prints it exactly."""
    return cents / 100


def valor_from_wire(valor: float) -> Money:
    """The amount whose shortest text this number is. Raises ValueError: more than two decimals, beyond the limit."""
    return Money.parse(f"{Decimal(repr(valor)):f}")


def _number_of(payment: Payment) -> int:
    return PAGAMENTO[payment.status or PaymentStatus.CREATED]


def _text_or_null(text: str) -> Value:
    return Value(string_value=text) if text else _NULL


def _id_or(sent: str, instead: T) -> str | T:
    return sent if sent and UUID(sent) != _NOBODY else instead
