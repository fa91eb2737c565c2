"""What old health clients read and write: exact reais and quantities, days and instants that mean one thing."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from acerto.claims.v1 import compatibility_service_pb2 as pb
from domain.claims.claim import ClaimType
from domain.claims.errors import WrongCurrency
from domain.claims.outcome import OldStatus
from domain.errors import Invalid
from domain.money import Money
from server.rpc.read_claims_compatibility import (
    claim_changes_from_old,
    claim_filter_from_old,
    form_from_old,
    limit_of,
    order_from_old,
    status_from_old,
)
from server.rpc.translate_claims_compatibility import claim_to_old, invoice_to_old
from tests.support.claim_scene import TODAY, a_claim, an_item
from tests.support.invoice_scene import Desk, a_submitted, an_invoice_of

ID = "0190a1b2-0000-7000-8000-000000000001"


def a_request(*items: pb.LegacyClaimItem, **changes: object) -> pb.CreateLegacyClaimRequest:
    return pb.CreateLegacyClaimRequest(patient_id="p", items=items, **changes)  # type: ignore[arg-type] # fields of any type


@given(st.integers(0, 10**9), st.integers(1, 10**8))
def test_a_price_and_a_quantity_survive_the_message_and_its_json(cents: int, parts: int) -> None:
    quantity = Decimal(parts).scaleb(-4)
    text = f'{{"description": "x", "value": {Decimal(cents).scaleb(-2)}, "quantity": {quantity}}}'
    (item,) = form_from_old(a_request(json_format.Parse(text, pb.LegacyClaimItem())), TODAY).items
    assert (item.unit_price, item.quantity) == (Money(cents), quantity)
    told = json.loads(json_format.MessageToJson(claim_to_old(a_claim(items=(item,)))))["items"][0]
    assert (Decimal(repr(told.get("value", 0.0))), Decimal(repr(told["quantity"]))) == (
        Decimal(cents).scaleb(-2),
        quantity,
    )


def test_a_claim_of_the_old_form_is_of_type_other_and_of_today() -> None:
    form = form_from_old(a_request(pb.LegacyClaimItem(description="x", value=1), insurance_id="acme"), TODAY)
    assert (form.type, form.service_date, form.insurer_id) == (ClaimType.OTHER, TODAY, "acme")
    assert (form.provider_id, form.card_number, form.number, form.items[0].quantity) == ("", "", "", Decimal(1))


def test_all_that_is_wrong_is_told_at_once() -> None:
    bad = pb.LegacyClaimItem(description="x", value=0.001, quantity=0.00001)
    with pytest.raises(Invalid) as refused:
        form_from_old(a_request(bad, amount=10.005), TODAY)
    fields = [violation.field for violation in refused.value.violations]
    assert fields == ["items[0].value", "items[0].quantity", "amount"]
    huge = [pb.LegacyClaimItem(description="x", value=1e11, quantity=1)] * 2
    with pytest.raises(Invalid, match="items"):
        form_from_old(a_request(*huge), TODAY)


@pytest.mark.parametrize("currency", ["EUR", "USD"])
def test_another_currency_is_refused_wherever_it_is_said(currency: str) -> None:
    for ask in (
        lambda: form_from_old(a_request(currency=currency), TODAY),
        lambda: order_from_old(pb.CreateLegacyInvoiceRequest(currency=currency)),
        lambda: claim_changes_from_old(pb.UpdateLegacyClaimRequest(currency=currency)),
    ):
        with pytest.raises(WrongCurrency):
            ask()


def test_a_status_is_said_alone() -> None:
    assert status_from_old(pb.UpdateLegacyClaimRequest(id=ID)) is None
    for word, means in (("canceled", OldStatus.REJECTED), ("approved", OldStatus.APPROVED)):
        assert status_from_old(pb.UpdateLegacyClaimRequest(id=ID, status=word, request_id=ID)) is means
    for more in ({"patient_id": "q"}, {"amount": 0.0}, {"insurance_id": ""}):
        with pytest.raises(Invalid, match="status"):
            status_from_old(pb.UpdateLegacyClaimRequest(id=ID, status="approved", **more))


def test_only_what_is_said_is_changed() -> None:
    assert claim_changes_from_old(pb.UpdateLegacyClaimRequest(id=ID, currency="BRL")) is None
    changes = claim_changes_from_old(pb.UpdateLegacyClaimRequest(id=ID, insurance_id="", amount=0.5))
    assert changes is not None
    assert (changes.form, changes.amount) == ({"insurer_id": ""}, Money(50))


@pytest.mark.parametrize(
    ("text", "since", "before"),
    [
        ("2026-03-01", "2026-03-01T03:00:00+00:00", "2026-03-02T03:00:00+00:00"),
        ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00+00:00", "2026-03-01T12:00:00.000001+00:00"),
        ("2026-03-01T12:00:00", "2026-03-01T12:00:00+00:00", "2026-03-01T12:00:00.000001+00:00"),
        ("2026-03-01T09:00:00-03:00", "2026-03-01T12:00:00+00:00", "2026-03-01T12:00:00.000001+00:00"),
    ],
)
def test_a_day_is_one_in_brazil_and_counts_whole_and_an_instant_is_in_utc(text: str, since: str, before: str) -> None:
    wanted = claim_filter_from_old(pb.ListLegacyClaimsRequest(start_date=text, end_date=text))
    assert wanted.created_from == datetime.fromisoformat(since)
    assert wanted.created_before == datetime.fromisoformat(before)
    assert wanted.created_from.utcoffset() == UTC.utcoffset(None)


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "9999-12-31", "9999-12-31T23:59:59.999999Z"])
def test_what_is_no_day_and_no_instant_is_refused_by_name(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        claim_filter_from_old(pb.ListLegacyClaimsRequest(end_date=text))
    assert [violation.field for violation in refused.value.violations] == ["end_date"]


def test_a_list_that_says_no_limit_has_a_hundred() -> None:
    assert limit_of(pb.ListLegacyClaimsRequest()) == limit_of(pb.ListLegacyInvoicesRequest()) == 100
    assert limit_of(pb.ListLegacyInvoicesRequest(limit=7)) == 7


def test_a_claim_that_is_named_twice_is_billed_once() -> None:
    other = ID.replace("1", "2")
    order = order_from_old(pb.CreateLegacyInvoiceRequest(claim_id=ID, claim_ids=[other, ID]))
    assert list(map(str, order.claim_ids)) == [ID, other]


def test_an_invoice_shows_the_claims_that_it_has_and_a_canceled_one_those_that_it_had() -> None:
    desk = Desk(an_invoice_of(a_submitted(1), a_submitted(2), patient_id="patient-1"))
    both = list(invoice_to_old(desk.invoice).claim_ids)
    assert len(both) == 2
    assert desk.changes(1, lambda claim: claim.cancel(reason="", at=claim.created_at)) is None
    assert list(invoice_to_old(desk.invoice).claim_ids) == both[1:]
    assert desk.does(lambda invoice: invoice.cancel("", at=invoice.created_at)) is None
    canceled = invoice_to_old(desk.invoice)
    assert (canceled.status, list(canceled.claim_ids)) == ("canceled", both)


def test_what_is_not_known_is_null() -> None:
    told = json_format.MessageToDict(claim_to_old(a_claim(insurer_id="", items=(an_item(code="", table=""),))))
    assert (told["insurance_id"], told["items"][0]["code"]) == (None, None)
    invoice = json_format.MessageToDict(invoice_to_old(Desk(an_invoice_of(a_submitted(1))).invoice))
    assert invoice["settled_at"] is None
    assert invoice["patient_id"] == "patient-1"
    assert date.fromisoformat(invoice["created_at"][:10]) == TODAY
