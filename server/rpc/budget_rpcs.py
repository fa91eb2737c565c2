"""The rpcs of budgets: made, offered, decided, changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from acerto.billing.v1 import billing_service_pb2 as pb
from acerto.billing.v1 import budget_pb2
from domain.actor import Call
from domain.billing.budget import Budget
from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.errors import BudgetIsCanceled, BudgetIsExpired, BudgetNotFound
from domain.billing.queries import BillingQueries
from domain.billing.revision import ApprovalLink, Revision
from domain.billing.use_cases.budgets import Billing, Decision
from domain.errors import DomainError
from server.access.approval_links import ApprovalLinks, NoApprovalLink
from server.rpc.once import response_to
from server.rpc.page_tokens import PageTokens
from server.rpc.paging import BY_NUMBER, BY_TIME, page_of
from server.rpc.translate import (
    budget_to_wire,
    changes_from_wire,
    filter_from_wire,
    items_from_wire,
    order_from_wire,
    revision_to_wire,
)
from server.rpc.wire import instant_to_wire

_NO_LINK: Final[dict[BudgetStatus, type[DomainError]]] = {
    BudgetStatus.EXPIRED: BudgetIsExpired,
    BudgetStatus.CANCELED: BudgetIsCanceled,
}
"""Why a budget of this status has no approval link; of any other: NoApprovalLink."""


class BudgetRpcs:
    """A part of BillingServicer, which gives it what is named here."""

    _billing: Billing
    _queries: BillingQueries
    _pages: PageTokens
    _links: ApprovalLinks
    _default_workshop: str

    async def CreateBudget(self, request: pb.CreateBudgetRequest, call: Call) -> budget_pb2.Budget:  # noqa: N802 -- the contract's name
        order = order_from_wire(request, self._default_workshop)
        return response_to(call, budget_to_wire, await self._billing.create_budget(call, order))

    async def GetBudget(self, request: pb.GetBudgetRequest, call: Call) -> budget_pb2.Budget:  # noqa: N802
        return budget_to_wire(await self._budget(request.budget_id, call))

    async def GetBudgetByWorkOrder(self, request: pb.GetBudgetByWorkOrderRequest, call: Call) -> budget_pb2.Budget:  # noqa: N802
        budget = await self._queries.budget_of_work_order(call.actor, UUID(request.work_order_id))
        if budget is None:
            raise BudgetNotFound
        return budget_to_wire(budget)

    async def ListBudgets(self, request: pb.ListBudgetsRequest, call: Call) -> pb.ListBudgetsResponse:  # noqa: N802
        wanted = filter_from_wire(request)

        async def ask(after: tuple[datetime, UUID] | None, limit: int) -> list[Budget]:
            return await self._queries.budgets(call.actor, wanted, after=after, limit=limit) if wanted else []

        found, following = await page_of(self._pages, request, BY_TIME, ask, lambda last: (last.created_at, last.id))
        return pb.ListBudgetsResponse(budgets=map(budget_to_wire, found), next_page_token=following)

    async def UpdateBudget(self, request: pb.UpdateBudgetRequest, call: Call) -> budget_pb2.Budget:  # noqa: N802
        changes = changes_from_wire(request)
        return response_to(
            call, budget_to_wire, await self._billing.update_budget(call, UUID(request.budget_id), changes)
        )

    async def ReviseBudget(self, request: pb.ReviseBudgetRequest, call: Call) -> budget_pb2.Budget:  # noqa: N802
        items = items_from_wire(request.items)
        return response_to(
            call, budget_to_wire, await self._billing.revise_budget(call, UUID(request.budget_id), items)
        )

    async def SendBudget(self, request: pb.SendBudgetRequest, call: Call) -> pb.SendBudgetResponse:  # noqa: N802
        return response_to(call, self._sent, await self._billing.send_budget(call, UUID(request.budget_id)))

    async def GetApprovalLink(self, request: pb.GetApprovalLinkRequest, call: Call) -> budget_pb2.ApprovalLink:  # noqa: N802
        return self._link_to(await self._budget(request.budget_id, call))

    async def ApproveBudget(self, request: pb.ApproveBudgetRequest, call: Call) -> budget_pb2.Budget:  # noqa: N802
        decision = Decision(revision=request.expected_revision or None, link=self._link(request.approval_token))
        return response_to(
            call, budget_to_wire, await self._billing.approve_budget(call, UUID(request.budget_id), decision)
        )

    async def RejectBudget(self, request: pb.RejectBudgetRequest, call: Call) -> budget_pb2.Budget:  # noqa: N802
        decision = Decision(
            revision=request.expected_revision or None,
            link=self._link(request.approval_token),
            reason=request.reason,
        )
        return response_to(
            call, budget_to_wire, await self._billing.reject_budget(call, UUID(request.budget_id), decision)
        )

    async def CancelBudget(self, request: pb.CancelBudgetRequest, call: Call) -> budget_pb2.Budget:  # noqa: N802
        return response_to(
            call, budget_to_wire, await self._billing.cancel_budget(call, UUID(request.budget_id), request.reason)
        )

    async def ListBudgetRevisions(  # noqa: N802
        self, request: pb.ListBudgetRevisionsRequest, call: Call
    ) -> pb.ListBudgetRevisionsResponse:
        async def ask(after: int | None, limit: int) -> Sequence[Revision]:
            revisions = await self._queries.revisions(call.actor, UUID(request.budget_id))
            if revisions is None:
                raise BudgetNotFound
            return [each for each in revisions if each.revision > (after or 0)][:limit]

        found, following = await page_of(self._pages, request, BY_NUMBER, ask, lambda last: last.revision)
        return pb.ListBudgetRevisionsResponse(revisions=map(revision_to_wire, found), next_page_token=following)

    async def _budget(self, budget_id: str, call: Call) -> Budget:
        budget = await self._queries.budget(call.actor, UUID(budget_id))
        if budget is None:
            raise BudgetNotFound
        return budget

    def _sent(self, budget: Budget) -> pb.SendBudgetResponse:
        return pb.SendBudgetResponse(budget=budget_to_wire(budget), approval_link=self._link_to(budget))

    def _link_to(self, budget: Budget) -> budget_pb2.ApprovalLink:
        if budget.status is not BudgetStatus.SENT or budget.valid_until is None:
            raise _NO_LINK.get(budget.status or BudgetStatus.DRAFT, NoApprovalLink)
        token = self._links.make(budget.id, budget.revision, budget.valid_until)
        return budget_pb2.ApprovalLink(
            token=token,
            url=self._links.url(token),
            expire_time=instant_to_wire(budget.valid_until),
            revision=budget.revision,
        )

    def _link(self, token: str) -> ApprovalLink | None:
        """The link that a customer came by, if any. That it may have expired is the budget's to say: it ends then."""
        return self._links.read(token) if token else None
