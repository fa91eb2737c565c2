"""BillingService: from proto to plain arguments, and from the answer to proto. Its rpcs are in the `*_rpcs` modules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from acerto.billing.v1.billing_service_pb2_grpc import BillingServiceServicer
from domain.billing.queries import BillingQueries
from domain.billing.use_cases.budgets import Billing
from domain.billing.use_cases.payments import Payments
from domain.billing.use_cases.watching import Timelines
from server.access.approval_links import ApprovalLinks
from server.rpc.budget_rpcs import BudgetRpcs
from server.rpc.once import Encode
from server.rpc.page_tokens import PageTokens
from server.rpc.payment_rpcs import PaymentRpcs
from server.rpc.service_price_rpcs import ServicePriceRpcs
from server.rpc.translate import budget_to_wire, service_price_to_wire
from server.rpc.translate_payments import CheckScript, payment_to_wire
from server.rpc.translate_work_orders import work_order_to_wire
from server.rpc.work_order_rpcs import WorkOrderRpcs

_Base: Any = BillingServiceServicer
"""The generated base names a transport's context where our methods take the pipeline's Call."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the rpcs hand out signed, and take back."""

    pages: PageTokens
    links: ApprovalLinks


@dataclass(frozen=True, slots=True)
class Reads:
    """What the rpcs read: answers as of now, and timelines as they grow."""

    queries: BillingQueries
    timelines: Timelines


class BillingServicer(BudgetRpcs, ServicePriceRpcs, WorkOrderRpcs, PaymentRpcs, _Base):  # type: ignore[misc] # see _Base
    """The rpcs of billing. `answers` says how the answer of each write becomes its response, now and in a replay."""

    def __init__(
        self,
        billing: Billing,
        payments: Payments,
        reads: Reads,
        tokens: Tokens,
        *,
        check_script: CheckScript,
        default_workshop: str,
    ) -> None:
        """`check_script` is asked about each StartPayment's sandbox script that is not empty.

        `default_workshop` owns what names none.
        """
        self._billing = billing
        self._payments = payments
        self._queries = reads.queries
        self._timelines = reads.timelines
        self._pages = tokens.pages
        self._links = tokens.links
        self._check_script = check_script
        self._default_workshop = default_workshop
        self.answers: Mapping[str, Encode] = {
            **dict.fromkeys(
                ("CreateBudget", "UpdateBudget", "ReviseBudget", "ApproveBudget", "RejectBudget", "CancelBudget"),
                budget_to_wire,
            ),
            "SendBudget": self._sent,
            **dict.fromkeys(("StartPayment", "CancelPayment", "RefundPayment", "RetryRefund"), payment_to_wire),
            "UpdateWorkOrderStatus": work_order_to_wire,
            "UpsertServicePrice": service_price_to_wire,
        }
