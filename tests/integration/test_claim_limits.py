"""Amounts at the limit of Money, through the pipeline: whatever is sent, no rpc of claims fails by it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Final

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from acerto.claims.v1 import claim_pb2
from acerto.claims.v1 import claim_service_pb2 as pb
from acerto.claims.v1 import compatibility_service_pb2 as old
from acerto.claims.v1 import invoice_requests_pb2 as invoices_pb
from domain.money import LIMIT
from server.rpc.errors import Refusal
from server.rpc.methods import Method
from tests.support.claims_journey import ClaimsJourney, a_claim, an_item, analysis
from tests.support.journey import brl, cents
from tests.support.served import CLAIMS, OLD_CLAIMS, Scene, refusal

CENTS: Final = st.sampled_from([0, 1, LIMIT // 2, LIMIT // 2 + 1, LIMIT - 1, LIMIT, LIMIT + 1])
REAIS: Final = st.sampled_from([0.0, 0.01, LIMIT / 200, LIMIT / 100 - 0.01, LIMIT / 100])
QUANTITIES: Final = st.sampled_from(["1", "0.0001", "9999999.9999"])
SENT: Final = {
    *("CreateClaim", "UpdateClaim", "AdjudicateClaim", "AnswerClaimAppeal", "CreateInvoice", "SettleInvoice"),
    *("CreateLegacyClaim", "UpdateLegacyClaim", "CreateLegacyInvoice"),
}
"""The writes that amounts are sent with: what `a_life` and `an_old_life` draw amounts for."""


class Counter:
    """Hands requests in below any transport, and sees that none of them ends in INTERNAL."""

    def __init__(self, draw: st.DataObject) -> None:
        self.draw = draw.draw
        self.pipeline = Scene().pipeline
        self.methods = {method.name: method for method in self.pipeline.methods.values()}

    async def ask(self, rpc: str, request: Message) -> Any:
        """The answer; None for a refusal."""
        method: Method = self.methods[rpc]
        outcome = await self.pipeline.handle(method, request, {}, time_left=10, peer=lambda: "test")
        if isinstance(outcome, Refusal):
            assert outcome.status.grpc is not grpc.StatusCode.INTERNAL, (rpc, request)
            return None
        return outcome.message

    async def sent(self, claim: claim_pb2.Claim) -> None:
        await self.ask("ReadyClaim", pb.ReadyClaimRequest(claim_id=claim.claim_id))
        await self.ask("SubmitClaim", pb.SubmitClaimRequest(claim_id=claim.claim_id))

    def money(self) -> Any:
        return brl(self.draw(CENTS))

    def items(self) -> list[claim_pb2.ClaimItem]:
        drawn = self.draw(st.lists(st.tuples(CENTS, QUANTITIES, QUANTITIES), min_size=1, max_size=3))
        return [
            an_item(price, quantity=quantity, factor=factor[-7:], code=f"1010101{at}")
            for at, (price, quantity, factor) in enumerate(drawn)
        ]

    def said(self, item: claim_pb2.ClaimItem) -> pb.ItemAdjudication:
        """What an insurer says: sums that are right as far as an amount can say them."""
        released, denied = self.draw(CENTS), self.draw(st.lists(CENTS, max_size=2))
        return pb.ItemAdjudication(
            number=item.number,
            processed=brl(min(released + sum(denied), LIMIT)),
            released=brl(released),
            denials=[pb.DenialLine(code="1801", amount=brl(amount)) for amount in denied],
        )


async def a_life(counter: Counter) -> None:
    """A claim, and its invoice, from draft to settled: where an amount is refused, one goes on that is not."""
    items = counter.items()
    wanted = a_claim(items=items, amount=counter.money() if counter.draw(st.booleans()) else None)
    claim = await counter.ask("CreateClaim", wanted)
    claim = claim or await counter.ask("CreateClaim", a_claim(items=[an_item(1), an_item(2, code="10101020")]))
    named = {"claim_id": claim.claim_id}
    await counter.ask("UpdateClaim", pb.UpdateClaimRequest(**named, items=counter.items(), amount=counter.money()))
    claim = await counter.ask("UpdateClaim", pb.UpdateClaimRequest(**named, items=counter.items())) or claim
    await counter.sent(claim)
    billed = [claim.claim_id]
    if counter.draw(st.booleans()) and (beside := await counter.ask("CreateClaim", a_claim(items=counter.items()))):
        await counter.sent(beside)
        billed.append(beside.claim_id)
    order = invoices_pb.CreateInvoiceRequest(claim_ids=billed, amount=counter.money())
    await counter.ask("CreateInvoice", order)
    order.ClearField("amount")
    invoice = await counter.ask("CreateInvoice", order)
    await counter.ask("ReceiveClaim", pb.ReceiveClaimRequest(**named, protocol="P-1"))
    await counter.ask("StartClaimAnalysis", pb.StartClaimAnalysisRequest(**named))
    said = pb.AdjudicateClaimRequest(**named, items=[counter.said(item) for item in claim.items])
    judged = await counter.ask("AdjudicateClaim", said)
    denials = [denial.denial_id for item in judged.items for denial in item.denials] if judged else []
    if denials:
        await counter.ask("AppealClaim", pb.AppealClaimRequest(**named, denial_ids=denials, justification="needed"))
        answers = [pb.AppealAnswer(denial_id=denial, recovered=counter.money()) for denial in denials]
        await counter.ask("AnswerClaimAppeal", pb.AnswerClaimAppealRequest(**named, answers=answers))
    if invoice:
        paid = {"invoice_id": invoice.invoice_id, "withheld": counter.money()}
        await counter.ask("SettleInvoice", invoices_pb.SettleInvoiceRequest(**paid, amount=counter.money()))
        await counter.ask("SettleInvoice", invoices_pb.SettleInvoiceRequest(**paid))
    await counter.ask("AcceptDenials", pb.AcceptDenialsRequest(**named))


async def an_old_life(counter: Counter) -> None:
    """An old client's claim and invoice."""

    def lines() -> list[old.LegacyClaimItem]:
        drawn = counter.draw(st.lists(st.tuples(REAIS, st.sampled_from([1.0, 0.0001, 1e6])), min_size=1, max_size=3))
        return [old.LegacyClaimItem(description="Exame", value=value, quantity=count) for value, count in drawn]

    def amount() -> float | None:
        return counter.draw(st.none() | REAIS)

    wanted = old.CreateLegacyClaimRequest(patient_id="patient-1", items=lines(), amount=amount())
    claim = await counter.ask("CreateLegacyClaim", wanted)
    if claim:
        corrected = old.UpdateLegacyClaimRequest(id=claim.id, items=lines(), amount=amount())
        await counter.ask("UpdateLegacyClaim", corrected)
        order = old.CreateLegacyInvoiceRequest(claim_id=claim.id, amount=amount())
        invoice = await counter.ask("CreateLegacyInvoice", order)
        for status in ("processing", "approved"):
            await counter.ask("UpdateLegacyClaim", old.UpdateLegacyClaimRequest(id=claim.id, status=status))
        if invoice:
            await counter.ask("SettleLegacyInvoice", old.SettleLegacyInvoiceRequest(id=invoice.id))
    alone = old.CreateLegacyInvoiceRequest(patient_id="patient-1", amount=amount())
    await counter.ask("CreateLegacyInvoice", alone)


@given(st.data())
@settings(max_examples=200, deadline=None, derandomize=True, database=None)
def test_no_amount_is_our_failure(draw: st.DataObject) -> None:
    asyncio.run(a_life(Counter(draw)))


@given(st.data())
@settings(max_examples=100, deadline=None, derandomize=True, database=None)
def test_no_amount_of_an_old_client_is_our_failure(draw: st.DataObject) -> None:
    asyncio.run(an_old_life(Counter(draw)))


def amounts_in(message: Descriptor, path: str = "") -> Iterator[str]:
    """Where a request has amounts."""
    for field in message.fields:
        inner = field.message_type
        if (inner and inner.full_name == "google.type.Money") or field.type == FieldDescriptor.TYPE_DOUBLE:
            yield path + field.name
        elif inner and inner.full_name.startswith("acerto."):
            yield from amounts_in(inner, f"{path}{field.name}.")


def test_every_rpc_that_amounts_are_sent_with_is_tried() -> None:
    rpcs = [rpc for service in (CLAIMS, OLD_CLAIMS) for rpc in service.methods]
    assert {rpc.name for rpc in rpcs if any(amounts_in(rpc.input_type))} == SENT


def items(number: int, price: int = 1) -> list[claim_pb2.ClaimItem]:
    return [an_item(price, code=f"1010101{at}") for at in range(number)]


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ([(LIMIT, (1,))], ["items[0].denials"]),
        ([(0, (LIMIT, LIMIT))], ["items[0].denials"]),
        ([(LIMIT, ()), (1, ())], ["items"]),
        ([(0, (LIMIT,)), (0, (1,))], ["items"]),
        ([(LIMIT, (1,)), (LIMIT, ())], ["items[0].denials", "items"]),
    ],
)
async def test_an_analysis_that_comes_to_more_than_an_amount_can_be_is_refused_by_its_field(
    said: list[tuple[int, tuple[int, ...]]], fields: list[str]
) -> None:
    async with Scene().served() as served:
        claim = await ClaimsJourney(served.claims).analyzed(items=items(len(said)))
        request = pb.AdjudicateClaimRequest(claim_id=claim.claim_id)
        for number, (released, denied) in enumerate(said, start=1):
            (one,) = analysis(claim, *denied, released=released).items
            one.number = number
            one.processed.CopyFrom(brl(min(released + sum(denied), LIMIT)))
            request.items.append(one)
        refused = await refusal(served.claims.AdjudicateClaim(request))
    assert (refused.reason, refused.fields) == ("INVALID_REQUEST", fields)
    violations = refused.detail(details_pb2.BadRequest()).field_violations
    assert all(f"beyond the limit of {LIMIT}" in violation.description for violation in violations)


async def test_an_analysis_of_as_much_as_an_amount_can_be_is_taken() -> None:
    async with Scene().served() as served:
        claim = await ClaimsJourney(served.claims).analyzed(items=items(1, LIMIT))
        judged = await served.claims.AdjudicateClaim(analysis(claim, 1, LIMIT - 2, released=1))
        assert [cents(amount) for amount in (judged.gross, judged.released, judged.denied)] == [LIMIT, 1, LIMIT - 1]
