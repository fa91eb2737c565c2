"""ClaimService: from proto to plain arguments, and from the answer to proto. Its rpcs are in the `*_rpcs` modules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from acerto.claims.v1.claim_service_pb2_grpc import ClaimServiceServicer
from domain.claims.queries import ClaimQueries, InvoiceQueries
from domain.claims.use_cases.adjudications import Adjudications
from domain.claims.use_cases.batches import Batches
from domain.claims.use_cases.claims import Claims
from domain.claims.use_cases.invoices import Invoices
from domain.claims.use_cases.old_statuses import OldStatuses
from server.rpc.batch_rpcs import BatchRpcs
from server.rpc.claim_rpcs import ClaimRpcs
from server.rpc.invoice_rpcs import InvoiceRpcs
from server.rpc.once import Encode
from server.rpc.page_tokens import PageTokens
from server.rpc.translate_claims import batch_to_wire, claim_to_wire
from server.rpc.translate_invoices import invoice_to_wire, settled_to_wire

_Base: Any = ClaimServiceServicer
"""The generated base names a transport's context where our methods take the pipeline's Call."""


@dataclass(frozen=True, slots=True)
class ClaimUseCases:
    """What the rpcs do."""

    claims: Claims
    adjudications: Adjudications
    batches: Batches
    invoices: Invoices
    old: OldStatuses


class Queries(ClaimQueries, InvoiceQueries, Protocol):
    """What the rpcs read."""


class ClaimServicer(ClaimRpcs, BatchRpcs, InvoiceRpcs, _Base):  # type: ignore[misc] # see _Base
    """The rpcs of claims. `answers` says how the answer of each write becomes its response, now and in a replay."""

    def __init__(self, use_cases: ClaimUseCases, queries: Queries, pages: PageTokens) -> None:
        self._claims = use_cases.claims
        self._adjudications = use_cases.adjudications
        self._batches = use_cases.batches
        self._invoices = use_cases.invoices
        self._queries = self._invoice_queries = queries
        self._pages = pages
        self.answers: Mapping[str, Encode] = {
            **dict.fromkeys(
                (
                    *("CreateClaim", "UpdateClaim", "ReadyClaim", "SubmitClaim", "CancelClaim"),
                    *("ReceiveClaim", "ReturnClaim", "StartClaimAnalysis", "AdjudicateClaim"),
                    *("AppealClaim", "AnswerClaimAppeal", "AcceptDenials"),
                ),
                claim_to_wire,
            ),
            **dict.fromkeys(
                (
                    *("CreateClaimBatch", "AddClaimToBatch", "RemoveClaimFromBatch"),
                    *("CloseClaimBatch", "SubmitClaimBatch"),
                ),
                batch_to_wire,
            ),
            **dict.fromkeys(
                ("CreateInvoice", "UpdateInvoice", "ReverseSettlement", "CancelInvoice"),
                invoice_to_wire,
            ),
            "SettleInvoice": settled_to_wire,
        }
