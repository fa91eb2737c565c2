"""A clinic's day, for a person to read: who is covered, one claim from draft to money, each event as it came."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import grpc

from acerto.claims.v1 import claim_pb2, invoice_pb2, invoice_requests_pb2
from acerto.claims.v1 import claim_service_pb2 as api
from acerto.claims.v1.claim_service_pb2_grpc import ClaimServiceStub
from acerto.eligibility.v1.eligibility_service_pb2_grpc import EligibilityServiceStub
from domain.calendar import day_of
from domain.money import BRL
from server.commands.arrivals import Arrivals, arriving
from server.commands.counter import CARD, CLINIC, INSURER, PATIENT, PLAN, Counter
from server.commands.sample import amount, say
from server.rpc.wire import cents_fields, date_fields
from server.wiring import House, Running

_CONSULTATION: Final = ("99010002", "Consulta", 14_000)
_EXAM: Final = ("99020002", "Exame", 4_950)
"""Code in TUSS table 22, description, and the price in centavos that the sample's plan agreed to."""
_AUTHORIZATION: Final = "AUT-4711"


@asynccontextmanager
async def a_clinic(house: House, running: Running) -> AsyncIterator[Clinic]:
    """The clinic at the server's gRPC door, and a partner at its broker. Raises BrokerLost."""
    async with (
        grpc.aio.insecure_channel(f"127.0.0.1:{running.grpc_port}") as channel,
        arriving(house.broker) as arrivals,
    ):
        today = day_of(house.clock.now())
        counter = Counter(EligibilityServiceStub(channel), today)
        yield Clinic(ClaimServiceStub(channel), counter, arrivals, today)


@dataclass
class Clinic:
    """Does what the clinic and the insurer do, and says it. `claim` is the day's claim as it is now."""

    claims: Any
    counter: Counter
    arrivals: Arrivals
    today: date
    claim: claim_pb2.Claim = field(default_factory=claim_pb2.Claim)

    async def a_day(self) -> None:
        """Everything, in the order in which it happens. Raises SagaStuck."""
        say("A clinic's day")
        await self.counter.opened()
        await self.counter.checked()
        await self._sent()
        await self._adjudicated()
        await self._appealed()
        await self._paid()
        await self._kept()

    async def _sent(self) -> None:
        say("\n  The claim")
        request = api.CreateClaimRequest(
            type=claim_pb2.CLAIM_TYPE_SP_SADT,
            patient_id=PATIENT,
            card_number=CARD,
            insurer_id=INSURER,
            plan_id=PLAN,
            provider_id=CLINIC,
            service_date=date_fields(self.today),
            items=[_item(*_CONSULTATION, dearer=500), _item(*_EXAM)],
        )
        self._now("drafted", await self.claims.CreateClaim(request))
        await self._validated()
        items = [_item(*_CONSULTATION), _item(*_EXAM)]
        corrected = api.UpdateClaimRequest(claim_id=self._id, items=items, authorization_code=_AUTHORIZATION)
        self._now("corrected", await self.claims.UpdateClaim(corrected))
        await self._validated()
        self._now("made READY", await self.claims.ReadyClaim(api.ReadyClaimRequest(claim_id=self._id)))
        self._now("submitted", await self.claims.SubmitClaim(api.SubmitClaimRequest(claim_id=self._id)))
        await self.arrivals.show("claim-submitted")

    async def _validated(self) -> None:
        found = await self.claims.ValidateClaim(api.ValidateClaimRequest(claim_id=self._id))
        say(f"    validated: {'it may be sent' if found.ready else 'it is not to be sent yet'}; what was found:")
        for finding in found.findings:
            severity = claim_pb2.FindingSeverity.Name(finding.severity).removeprefix("FINDING_SEVERITY_")
            say(f"      {severity:<8}{finding.code}: {finding.field} {finding.message}")

    async def _adjudicated(self) -> None:
        say("\n  At the insurer")
        received = api.ReceiveClaimRequest(claim_id=self._id, protocol="PROTOCOL-1")
        self._now("received", await self.claims.ReceiveClaim(received))
        analyzed = api.StartClaimAnalysisRequest(claim_id=self._id)
        self._now("analysed", await self.claims.StartClaimAnalysis(analyzed))
        said = api.AdjudicateClaimRequest(
            claim_id=self._id,
            items=[
                _said(1, released=12_000, denied=2_000, code="1705", reason="Valor apresentado a maior"),
                _said(2, released=0, denied=4_950, code="1402", reason="Procedimento não autorizado"),
            ],
        )
        self._now("adjudicated", await self.claims.AdjudicateClaim(said))
        self._say_denials()
        await self.arrivals.show("claim-adjudicated")

    async def _appealed(self) -> None:
        say("\n  The denials")
        exam = self.claim.items[1].denials[0].denial_id
        appeal = api.AppealClaimRequest(
            claim_id=self._id, denial_ids=[exam], justification=f"It was authorized: {_AUTHORIZATION}"
        )
        self._now("appealed", await self.claims.AppealClaim(appeal))
        answer = api.AnswerClaimAppealRequest(
            claim_id=self._id, answers=[api.AppealAnswer(denial_id=exam, recovered=_brl(3_000))]
        )
        self._now("answered", await self.claims.AnswerClaimAppeal(answer))
        self._say_denials()
        await self.arrivals.show("claim-adjudicated")
        rest = api.AcceptDenialsRequest(claim_id=self._id, reason="Nothing more to gain")
        self._now("the rest accepted", await self.claims.AcceptDenials(rest))
        self._say_denials()

    async def _paid(self) -> None:
        say("\n  The invoice")
        request = invoice_requests_pb2.CreateInvoiceRequest(claim_ids=[self._id])
        invoice = await self.claims.CreateInvoice(request)
        _say_invoice("invoiced", invoice)
        await self.arrivals.show("invoice-created")
        settle = invoice_requests_pb2.SettleInvoiceRequest(
            invoice_id=invoice.invoice_id, withheld=_brl(500), reference="TED 0815"
        )
        settled = await self.claims.SettleInvoice(settle)
        _say_invoice("settled", settled.invoice)
        await self.arrivals.show("invoice-settled")

    async def _kept(self) -> None:
        self._now("and so", await self.claims.GetClaim(api.GetClaimRequest(claim_id=self._id)))
        say("\n  What is kept of the claim, for good")
        history = await self.claims.ListClaimHistory(api.ListClaimHistoryRequest(claim_id=self._id))
        for entry in history.entries:
            moved = f"{entry.from_status or 'nothing'} -> {entry.to_status}"
            say(f"    {entry.action:<16}{moved:<28}{entry.actor}{entry.event_type and f', told {entry.event_type}'}")
        say("")

    @property
    def _id(self) -> str:
        return self.claim.claim_id

    def _now(self, what: str, claim: claim_pb2.Claim) -> None:
        self.claim = claim
        status = claim_pb2.ClaimStatus.Name(claim.status).removeprefix("CLAIM_STATUS_")
        outcome = claim_pb2.ClaimOutcome.Name(claim.outcome).removeprefix("CLAIM_OUTCOME_")
        came_to = "" if outcome == "NONE" else f", {outcome}"
        say(f"    {what}: claim {claim.number} of {amount(claim.amount)} is {status}{came_to}")

    def _say_denials(self) -> None:
        claim = self.claim
        say(
            f"      released {amount(claim.released)}, denied {amount(claim.denied)}: recovered"
            f" {amount(claim.recovered)}, undecided {amount(claim.denied_pending)},"
            f" written off {amount(claim.denied_accepted)}"
        )


def _say_invoice(what: str, invoice: invoice_pb2.Invoice) -> None:
    status = invoice_pb2.InvoiceStatus.Name(invoice.status).removeprefix("INVOICE_STATUS_")
    say(f"    {what}: invoice {invoice.invoice_id} is {status}")
    say(
        f"      {amount(invoice.gross)} = paid {amount(invoice.paid)} + due {amount(invoice.open)} + denied and"
        f" undecided {amount(invoice.denied_pending)} + written off {amount(invoice.denied_accepted)} + withheld"
        f" {amount(invoice.withheld)}"
    )


def _item(code: str, description: str, price: int, *, dearer: int = 0) -> claim_pb2.ClaimItem:
    return claim_pb2.ClaimItem(
        table="22", code=code, description=description, quantity="1", unit_price=_brl(price + dearer)
    )


def _said(number: int, *, released: int, denied: int, code: str, reason: str) -> api.ItemAdjudication:
    """What the insurer makes of an item, in centavos; the codes are of TISS table 38."""
    return api.ItemAdjudication(
        number=number,
        processed=_brl(released + denied),
        released=_brl(released),
        denials=[api.DenialLine(code=code, reason=reason, amount=_brl(denied))],
    )


def _brl(cents: int) -> Any:
    return cents_fields(cents, BRL)
