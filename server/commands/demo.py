"""`demo`: everything once, in a temporary folder, by the public doors: a workshop's two stories, and a clinic's day.

OSService's messages go over the broker, workshop and clinic call gRPC, the customer pays at the sandbox, which tells us
by webhook. The clinic is in `clinic.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import grpc

from acerto.billing.v1 import billing_service_pb2 as api
from acerto.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from acerto.billing.v1.payment_pb2 import PaymentStatus
from server import logs
from server.commands import sample
from server.commands.clinic import a_clinic
from server.commands.sample import PATIENCE, SagaStuck, amount, shown
from server.lifespan import Part, serve
from server.settings import Settings
from server.wiring import ROLES, House, Running, assembled, built, load_sample
from server.wiring.cashier import sandbox_of

_ALONE: Final = {
    **dict.fromkeys(("database_url", "broker_url", "cache_url", "sandbox_webhook_url")),
    **dict.fromkeys(("grpc_address", "http_address"), "127.0.0.1:0"),
    "payment_provider": "sandbox",
}
"""A story never ends up among somebody's own work orders and claims, nor its queue at their broker."""


async def run(_: argparse.Namespace, settings: Settings) -> int:
    """Tell the stories; answers 0. Raises SagaStuck."""
    logs.configure(form=settings.log_format, level="WARNING", stream=sys.stderr)  # the story is the output
    with tempfile.TemporaryDirectory(prefix="acerto-demo-") as folder:
        settings = settings.model_copy(update={**_ALONE, "data_dir": Path(folder)})
        enough = asyncio.Event()
        async with built(settings) as house, assembled(house, ROLES) as running:
            telling = Part("demo", partial(_tell, house, running, enough))
            await serve(
                [*running.parts, telling],
                grace=settings.shutdown_grace,
                stopping=running.readiness.close,
                enough=enough,
            )
    return 0


async def _tell(house: House, running: Running, enough: asyncio.Event, stop: asyncio.Event) -> None:
    if await running.ready_before(stop):
        await load_sample(house)
        async with _narrator(house, running) as narrator:
            await narrator.a_life_that_is_undone()
            await narrator.a_refusal()
        async with a_clinic(house, running) as clinic:
            await clinic.a_day()
        enough.set()
        await stop.wait()


@asynccontextmanager
async def _narrator(house: House, running: Running) -> AsyncIterator[Narrator]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{running.grpc_port}") as channel:
        yield Narrator(house, BillingServiceStub(channel))


@dataclass(frozen=True)
class Narrator:
    """Does what everybody in the story does, each by their own door, and says it."""

    house: House
    billing: Any

    async def a_life_that_is_undone(self) -> None:
        """Created, sent, approved, paid, canceled, refunded."""
        sample.say("A work order's whole life, undone at the end")
        work_order_id, budget = await self._sent()
        await self.billing.ApproveBudget(
            api.ApproveBudgetRequest(budget_id=budget.budget.budget_id, approval_token=budget.approval_link.token)
        )
        sample.say("  the customer approved it by the link")
        payment = await self._paid(budget.budget.budget_id)
        await sample.tell(self.house, work_order_id, "os-canceled", "OsCanceled", {"Reason": "O cliente desistiu"})
        sample.say("  OSService canceled the work order: the money goes back")
        await self._until("the refund", lambda: self._payment_is("REVERSED", payment.payment_id))
        await self._shown(work_order_id)

    async def a_refusal(self) -> None:
        """Created, sent, rejected."""
        sample.say("A work order whose budget is refused")
        work_order_id, budget = await self._sent()
        rejection = api.RejectBudgetRequest(
            budget_id=budget.budget.budget_id,
            approval_token=budget.approval_link.token,
            reason="Achei caro",
        )
        await self.billing.RejectBudget(rejection)
        sample.say("  the customer rejected it by the link")
        await self._shown(work_order_id)

    async def _sent(self) -> tuple[UUID, Any]:
        work_order_id = await sample.send(self.house)
        sample.say(f"  OSService opened work order {work_order_id}")
        await sample.watched(self.house, work_order_id)
        request = api.GetBudgetByWorkOrderRequest(work_order_id=str(work_order_id))
        budget = await self.billing.GetBudgetByWorkOrder(request)
        sample.say(f"  its budget is {amount(budget.total)}")
        sent = await self.billing.SendBudget(api.SendBudgetRequest(budget_id=budget.budget_id))
        sample.say(f"  sent to the customer with the token {sent.approval_link.token}")
        return work_order_id, sent

    async def _paid(self, budget_id: str) -> Any:
        payment = await self.billing.StartPayment(api.StartPaymentRequest(budget_id=budget_id))
        pending = await self._until("a PIX code", lambda: self._payment_is("PENDING", payment.payment_id))
        sample.say(f"  the customer can pay {amount(pending.amount)} by this PIX code:\n    {pending.pix.code}")
        with closing(sandbox_of(self.house.settings, self.house.clock)) as sandbox:
            await sandbox.pay(pending.provider_payment_id)
        sample.say("  the customer paid; the provider tells us by webhook")
        return await self._until("the confirmation", lambda: self._payment_is("CONFIRMED", payment.payment_id))

    async def _payment_is(self, status: str, payment_id: str) -> Any:
        payment = await self.billing.GetPayment(api.GetPaymentRequest(payment_id=payment_id))
        return payment if payment.status == PaymentStatus.Value(f"PAYMENT_STATUS_{status}") else None

    async def _shown(self, work_order_id: UUID) -> None:
        sample.say(f"\n{shown(await sample.watched(self.house, work_order_id))}\n")

    async def _until(self, what: str, look: Callable[[], Awaitable[Any]]) -> Any:
        found = None
        try:
            async with asyncio.timeout(PATIENCE):
                while not found:
                    found = await look()
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            raise SagaStuck(f"{what} did not come within {PATIENCE:g} s") from error
        return found
