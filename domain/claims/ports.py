"""What claims need from outside: storage (`persistence/claims.py`), and what eligibility knows (joined in wiring)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date
from typing import Protocol
from uuid import UUID

from domain.actor import Call
from domain.claims.claim import Claim
from domain.claims.claim_batch import ClaimBatch
from domain.claims.invoice import Invoice
from domain.claims.known import Code, Eligibility, Term
from domain.money import Money
from domain.unit_of_work import UnitOfWork


class Claims(Protocol):
    """Claims, each locked for the rest of the unit once it was read. Lock batches first, invoices last."""

    async def get(self, claim_id: UUID) -> Claim | None:
        """The claim, or None."""
        ...

    async def get_all(self, claim_ids: Collection[UUID]) -> list[Claim]:
        """Those of these claims that there are, locked and given in the order of their ids."""
        ...

    def save(self, claim: Claim) -> None:
        """Have it written at commit, which raises ClaimNumberTaken when its provider has its number already."""
        ...


class ClaimBatches(Protocol):
    """Batches, each locked for the rest of the unit once it was read; read them before their claims."""

    async def get(self, claim_batch_id: UUID) -> ClaimBatch | None:
        """The batch, or None."""
        ...

    async def of_claim(self, claim_id: UUID) -> ClaimBatch | None:
        """The batch that a claim is in, as it was the moment before it was locked; None when it is in none."""
        ...

    def save(self, batch: ClaimBatch) -> None:
        """Have it written at commit, which raises ClaimBatchNumberTaken when its provider has its number already."""
        ...


class Invoices(Protocol):
    """Invoices, each locked for the rest of the unit once it was read; lock their claims before them."""

    async def claims_of(self, invoice_id: UUID) -> Sequence[UUID]:
        """The claims that an invoice keeps to itself, as it was the moment before it was locked."""
        ...

    async def claims_beside(self, claim_id: UUID) -> Sequence[UUID]:
        """The claims that are in one live invoice with this one, by the same moment; itself alone if in none."""
        ...

    async def of_claims(self, claim_ids: Sequence[UUID]) -> list[Invoice]:
        """The live invoices that have one of these claims, by their ids."""
        ...

    async def get(self, invoice_id: UUID) -> Invoice | None:
        """The invoice, or None."""
        ...

    def save(self, invoice: Invoice) -> None:
        """Have it written at commit."""
        ...


class ClaimsWork(UnitOfWork, Protocol):
    """A unit of work with the collections of claims."""

    @property
    def claims(self) -> Claims:
        """The claims."""
        ...

    @property
    def claim_batches(self) -> ClaimBatches:
        """The batches."""
        ...

    @property
    def invoices(self) -> Invoices:
        """The invoices."""
        ...


Begin = Callable[[Call], AbstractAsyncContextManager[ClaimsWork]]
"""Begins a unit of work on behalf of a call. Raises Replayed, RequestInProgress or IdempotencyKeyReused."""


class Reference(Protocol):
    """What reference data and eligibility know. Asked before a unit of work, never inside one. Raises Unavailable.

    All codes of a claim are asked about at once, at most 500: each method is one question, however many there are.
    """

    async def terms(self, codes: Collection[Code], on: date) -> Mapping[Code, Term]:
        """Of those codes the TUSS terms that are valid on a day."""
        ...

    async def agreed_prices(
        self, insurer_id: str, plan_id: str, codes: Collection[Code], on: date
    ) -> Mapping[Code, Money]:
        """Of those codes the prices of one that were agreed for a plan and are valid on a day."""
        ...

    async def need_authorization(self, insurer_id: str, plan_id: str, codes: Collection[Code]) -> frozenset[Code]:
        """Those of the codes about which a plan wants to be asked before the care is given; none of an unknown plan."""
        ...

    async def appeal_days(self, insurer_id: str) -> int | None:
        """For how many days after its word an insurer takes appeals; None for one that nobody knows."""
        ...

    async def eligibility(
        self,
        call: Call,
        *,
        insurer_id: str,
        plan_id: str,
        card_number: str,
        patient_id: str,
        on: date,
        provider_id: str,
        procedures: Mapping[Code, int],
        urgent: bool,
    ) -> Eligibility:
        """Whether a patient is covered on a day for so many of some procedures. What is not known is empty.

        The check is recorded as asked by the call's actor.
        """
        ...
