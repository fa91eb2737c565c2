"""The use cases of claims and invoices on a real database, put together as the wiring does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.claims.claim import Claim
from domain.claims.invoice import Invoice
from domain.claims.invoice_order import InvoiceOrder
from domain.claims.use_cases.invoices import Receipt
from domain.errors import DomainError
from tests.support.builders import CALL
from tests.support.house import House
from tests.support.invoice_scene import a_submitted, said_of


@dataclass
class InvoiceOffice:
    """What a clinic and an insurer do, each in units of its own."""

    home: House

    def __post_init__(self) -> None:
        home = self.home
        self.views, self.invoices = home.claim_views, home.invoices
        self.adjudications, self.claims = home.adjudications, home.claims

    async def submitted(self, number: int = 1, *cents: int, **form: Any) -> Claim:
        """A claim that an insurer has."""
        claim = a_submitted(number, *cents, **form)
        async with self.home.units.begin(CALL) as work:
            work.claims.save(claim)
            await work.commit()
        return claim

    async def analyzed(self, number: int = 1, *cents: int) -> Claim:
        """One that it looks at."""
        claim = await self.submitted(number, *cents)
        await self.adjudications.receive_claim(CALL, claim.id, "P-1")
        return await self.adjudications.start_claim_analysis(CALL, claim.id)

    async def adjudicated(self, claim: Claim, *parts: tuple[int, tuple[int, ...]]) -> Claim:
        """What it makes of one that it looks at."""
        return await self.adjudications.adjudicate_claim(CALL, claim.id, said_of(claim, *parts))

    async def billed(self, *claims: Claim, **order: Any) -> Invoice:
        """Those claims' invoice."""
        ids = tuple(claim.id for claim in claims)
        return await self.invoices.create_invoice(CALL, InvoiceOrder(claim_ids=ids, **order))

    async def settled(self, invoice: Invoice, **receipt: Any) -> Invoice:
        """Money came."""
        return await self.invoices.settle_invoice(CALL, invoice.id, Receipt(**receipt))

    async def canceled(self, invoice: Invoice) -> Invoice:
        """It is withdrawn."""
        return await self.invoices.cancel_invoice(CALL, invoice.id, "by mistake")

    async def invoice(self, invoice_id: UUID) -> Invoice:
        """The invoice as it is stored."""
        found = await self.views.invoice(CALL.actor, invoice_id)
        assert found is not None
        return found

    async def claim(self, claim: Claim) -> Claim:
        """The claim as it is stored."""
        found = await self.views.claim(CALL.actor, claim.id)
        assert found is not None
        return found

    async def told(self, event_type: str) -> int:
        """How often others were told of it."""
        return int(await self.home.value("SELECT count(*) FROM outbox WHERE event_type = %s", event_type))

    async def deadlocks(self) -> int:
        """How often two sessions waited for each other, in this database."""
        await self.home.rows("SELECT pg_stat_force_next_flush()")
        counted = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        return int(await self.home.value(counted))


async def outcome(work: Any) -> str:
    """The name of the refusal, or nothing when it was served."""
    try:
        await work
    except DomainError as error:
        return type(error).__name__
    return ""
