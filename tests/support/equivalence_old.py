"""For each rpc of the old clients' paths, how a saga comes to where it is served, and to where it is refused."""

from __future__ import annotations

from acerto.billing.v1 import billing_service_pb2 as new
from acerto.billing.v1 import budget_pb2
from acerto.billing.v1 import compatibility_service_pb2 as pb
from tests.support.equivalence import NOBODY, OS, Case, after, approved, drafted, paid, plain, sent
from tests.support.journey import PRICE, Journey

SAGA, CAUSE = (f"0190a1b2-0000-7000-8000-00000000000{digit}" for digit in "12")
REAIS = PRICE / 100


async def rejected(journey: Journey) -> budget_pb2.Budget:
    offered = await sent(journey)
    budget: budget_pb2.Budget = await journey.billing.RejectBudget(new.RejectBudgetRequest(budget_id=offered.budget_id))
    return budget


ORCAMENTO = pb.CreateOrcamentoRequest(
    os_id=OS,
    valor=1234.56,
    email_cliente="cliente@example.com",
    cliente="José",
    descricao="Revisão",
    correlation_id=SAGA,
    causation_id=CAUSE,
)

OLD_CASES = {
    "CreateOrcamento": Case(plain(ORCAMENTO), after(drafted, lambda _: ORCAMENTO), "BUDGET_ALREADY_EXISTS"),
    "GetOrcamento": Case(
        after(sent, lambda _: pb.GetOrcamentoRequest(os_id=OS)),
        plain(pb.GetOrcamentoRequest(os_id=NOBODY)),
        "BUDGET_NOT_FOUND",
    ),
    "ApproveOrcamento": Case(
        after(sent, lambda b: pb.ApproveOrcamentoRequest(os_id=b.budget_id, causation_id=CAUSE)),
        after(rejected, lambda _: pb.ApproveOrcamentoRequest(os_id=OS)),
        "ILLEGAL_TRANSITION",
    ),
    "StartPagamento": Case(
        after(approved, lambda _: pb.StartPagamentoRequest(os_id=OS)),
        after(drafted, lambda _: pb.StartPagamentoRequest(os_id=OS)),
        "BUDGET_NOT_APPROVED",
    ),
    "CreatePagamento": Case(
        after(
            approved,
            lambda b: pb.CreatePagamentoRequest(os_id=OS, orcamento_id=b.budget_id, valor=REAIS, metodo="pix"),
        ),
        after(approved, lambda _: pb.CreatePagamentoRequest(os_id=OS, valor=0)),
        "WRONG_AMOUNT",
    ),
    "GetPagamento": Case(
        after(paid, lambda p: pb.GetPagamentoRequest(id=p.payment_id)),
        plain(pb.GetPagamentoRequest(id=NOBODY)),
        "PAYMENT_NOT_FOUND",
    ),
    "UpdateStatusOs": Case(
        after(drafted, lambda _: pb.UpdateStatusOsRequest(os_id=OS, novo_status="EM_EXECUÇÃO", event_type="Started")),
        plain(pb.UpdateStatusOsRequest(os_id="nonsense", novo_status="")),
        "INVALID_REQUEST",
    ),
}
