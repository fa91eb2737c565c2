"""What old clients read and write: reais that are never off by a centavo, and a number for every status of ours."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from acerto.billing.v1 import compatibility_service_pb2 as pb
from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.payment_lifecycle import PaymentStatus
from domain.errors import Invalid
from domain.money import LIMIT, Money
from server.rpc.translate_compatibility import (
    ORCAMENTO,
    PAGAMENTO,
    amount_to_collect,
    heard,
    named_by,
    order_to_offer,
    valor_from_wire,
    valor_to_wire,
)
from server.rpc.validation import validate
from tests.support.builders import CALL, an_os

NOBODY = "00000000-0000-0000-0000-000000000000"
OTHER = "0190a1b2-0000-7000-8000-000000000001"


def test_every_status_of_a_budget_has_an_old_number() -> None:
    assert {status.name: ORCAMENTO[status] for status in BudgetStatus} == {
        "DRAFT": 0,
        "SENT": 1,
        "APPROVED": 2,
        "REJECTED": 3,
        "EXPIRED": 3,
        "CANCELED": 3,
    }


def test_every_status_of_a_payment_has_an_old_number() -> None:
    waiting = ("CREATED", "UNKNOWN", "PENDING", "CANCELING")
    here = ("CONFIRMED", "REFUNDING", "PARTIALLY_REVERSED", "REFUND_FAILED", "DISPUTED")
    nothing = ("FAILED", "EXPIRED", "CANCELED", "REVERSED", "CHARGED_BACK")
    assert {status.name: PAGAMENTO[status] for status in PaymentStatus} == {
        **dict.fromkeys(waiting, 0),
        **dict.fromkeys(here, 1),
        **dict.fromkeys(nothing, 2),
    }


@given(st.integers(0, LIMIT))
def test_an_amount_survives_the_message_and_its_json(cents: int) -> None:
    answered = json_format.MessageToJson(pb.Orcamento(valor=valor_to_wire(cents)))
    asked = json_format.ParseDict({"valor": json.loads(answered).get("valor", 0)}, pb.CreateOrcamentoRequest())
    validate(asked)
    assert valor_from_wire(asked.valor) == Money(cents)


@given(st.integers(0, LIMIT))
def test_an_amount_is_read_as_its_decimal_text_says(cents: int) -> None:
    text = f'{{"valor": {cents // 100}.{cents % 100:02}}}'
    assert valor_from_wire(json_format.Parse(text, pb.CreateOrcamentoRequest()).valor) == Money(cents)
    assert json.dumps(valor_to_wire(cents)) in (f"{cents / 100!r}", f"{cents // 100}.0")


@pytest.mark.parametrize("text", ["0.001", "10.005", "0.30000000000000004", "1e-7", "100000000000.001"])
def test_more_than_two_decimals_are_refused_by_name_and_not_rounded(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        order_to_offer(pb.CreateOrcamentoRequest(os_id=str(an_os(1)), valor=float(text)), "main")
    assert [violation.field for violation in refused.value.violations] == ["valor"]
    with pytest.raises(Invalid, match="valor"):
        amount_to_collect(pb.CreatePagamentoRequest(valor=float(text)))


@pytest.mark.parametrize("valor", [-0.01, -1.0, float("nan"), float("inf"), float("-inf"), 100_000_000_000.01, 1e300])
def test_what_is_no_amount_is_refused_by_name(valor: float) -> None:
    with pytest.raises(Invalid) as refused:
        validate(pb.CreateOrcamentoRequest(os_id=str(an_os(1)), valor=valor))
    assert {violation.field for violation in refused.value.violations} == {"valor"}
    with pytest.raises(Invalid, match="valor"):
        validate(pb.CreatePagamentoRequest(os_id=str(an_os(1)), valor=valor))


def test_an_amount_that_is_said_to_be_zero_is_not_the_same_as_none() -> None:
    assert amount_to_collect(pb.CreatePagamentoRequest(valor=0.0)) == Money(0)
    assert amount_to_collect(pb.CreatePagamentoRequest()) is None


def test_a_work_order_is_named_by_its_uuid_its_number_or_the_older_field() -> None:
    assert named_by("123") == named_by(str(an_os(123)).upper()) == an_os(123)
    order = order_to_offer(pb.CreateOrcamentoRequest(ordem_servico_id=123), "main")
    assert order.work_order_id == an_os(123)
    for wrong in ("", "0", NOBODY, "nonsense"):
        with pytest.raises(Invalid, match="os_id"):
            named_by(wrong)
        with pytest.raises(Invalid, match="os_id"):
            order_to_offer(pb.CreateOrcamentoRequest(os_id=wrong), "main")


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        order_to_offer(pb.CreateOrcamentoRequest(os_id="nonsense", valor=0.001), "main")
    assert [violation.field for violation in refused.value.violations] == ["os_id", "valor"]


def test_the_bodys_ids_replace_the_calls_and_an_id_of_zeros_does_not() -> None:
    assert heard(pb.CreateOrcamentoRequest(), CALL) == CALL
    assert heard(pb.CreateOrcamentoRequest(correlation_id=NOBODY, causation_id=NOBODY), CALL) == CALL
    both = pb.CreateOrcamentoRequest(correlation_id=OTHER, causation_id=OTHER)
    assert heard(both, CALL) == replace(CALL, correlation_id=OTHER, causation_id=OTHER)
