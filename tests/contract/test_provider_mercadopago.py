"""What the use cases rely on, of both of Mercado Pago's APIs: charges are made, read, found, canceled, understood."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from domain.billing.charge import ChargeStatus, ProviderAmbiguous, ProviderRefused
from domain.billing.customer import Customer
from domain.money import Money
from server.providers.mercadopago.webhook import parse, verify
from tests.contract.mercadopago_scene import CUSTOMER, KINDS, ProviderScene, provider_scene
from tests.support.mercadopago_faults import Fault, FaultKind

OF_NOTHING = "ORD01ZZZ", "99999999999"
"""Well-formed ids of nothing."""

ROWS = [
    (("pending", "pending_waiting_transfer"), ("action_required", "waiting_transfer"), ChargeStatus.PENDING),
    (("pending", "pending_challenge"), ("action_required", "waiting_payment"), ChargeStatus.PENDING),
    (("in_process", "pending_contingency"), ("processing", "in_process"), ChargeStatus.PENDING),
    (("authorized", "pending_capture"), ("action_required", "waiting_capture"), ChargeStatus.PENDING),
    (("in_process", "offline_process"), ("created", "created"), ChargeStatus.PENDING),
    (("approved", "accredited"), ("processed", "accredited"), ChargeStatus.APPROVED),
    (("approved", "partially_refunded"), ("processed", "partially_refunded"), ChargeStatus.APPROVED),
    (("rejected", "bank_error"), ("failed", "bank_error"), ChargeStatus.REJECTED),
    (("cancelled", "expired"), ("expired", "expired"), ChargeStatus.EXPIRED),
    (("cancelled", "by_collector"), ("canceled", "canceled"), ChargeStatus.CANCELED),
    (("cancelled", "by_payer"), ("cancelled", "cancelled"), ChargeStatus.CANCELED),
    (("refunded", "refunded"), ("refunded", "refunded"), ChargeStatus.REFUNDED),
    (("refunded", "by_admin"), ("refunded", "by_admin"), ChargeStatus.REFUNDED),
    (("in_mediation", "pending"), ("in_mediation", "pending"), ChargeStatus.DISPUTED),
    (("charged_back", "in_process"), ("charged_back", "in_process"), ChargeStatus.DISPUTED),
    (("charged_back", "settled"), ("charged_back", "settled"), ChargeStatus.CHARGED_BACK),
    (("charged_back", "reimbursed"), ("charged_back", "reimbursed"), ChargeStatus.DISPUTE_WON),
    (("accredited", "approved"), ("approved", "accredited"), ChargeStatus.UNKNOWN),
    (("approved", "on_a_whim"), ("processed", "on_a_whim"), ChargeStatus.UNKNOWN),
    (("charged_back", "lost_somewhere"), ("charged_back", "lost_somewhere"), ChargeStatus.UNKNOWN),
    (("", ""), ("", ""), ChargeStatus.UNKNOWN),
]


@pytest.fixture(params=KINDS)
async def here(request: pytest.FixtureRequest) -> AsyncIterator[ProviderScene]:
    async with provider_scene(str(request.param)) as made:
        yield made


async def test_a_charge_waits_with_its_code_its_amount_and_our_reference(here: ProviderScene) -> None:
    asked = here.a_charge()
    made = await here.provider.create(asked)
    assert (made.status, made.amount, made.refunded) == (ChargeStatus.PENDING, Money(12345), Money(0))
    assert (made.reference, made.live, made.givebacks) == (str(asked.reference), True, ())
    assert made.pix is not None
    assert made.pix.code == f"00020126-of-{made.id}"
    assert made.pix.ticket_url
    assert made.pix.expires_at is not None
    assert abs(made.pix.expires_at - asked.expires_at) < timedelta(minutes=1)
    assert abs(made.updated_at - here.fake.time.now()) < timedelta(seconds=5)


async def test_the_same_key_again_gives_the_charge_that_exists(here: ProviderScene) -> None:
    asked = here.a_charge()
    first, again = [await here.provider.create(asked) for _ in range(2)]
    assert first.id == again.id
    assert len(here.fake.books.charges) == 1


async def test_a_repeat_hours_later_says_the_same_to_the_byte(here: ProviderScene) -> None:
    asked = here.a_charge()
    made = await here.provider.create(asked)
    here.fake.time.advance(hours=7)
    assert (await here.provider.create(asked)).id == made.id
    creations = [heard.body for heard in here.fake.heard if heard.method == "POST"]
    assert creations[0] == creations[1]


async def test_a_key_that_was_used_for_another_amount_is_refused(here: ProviderScene) -> None:
    asked = here.a_charge()
    await here.provider.create(asked)
    with pytest.raises(ProviderRefused) as refused:
        await here.provider.create(replace(asked, amount=Money(1)))
    assert refused.value.reason == "idempotency_key_already_used"
    assert len(here.fake.books.charges) == 1


async def test_a_key_whose_body_differs_in_words_only_leads_to_the_charge_that_it_made(here: ProviderScene) -> None:
    asked = here.a_charge()
    made = await here.provider.create(asked)
    again = await here.provider.create(replace(asked, description="OS 42, as it is called now"))
    assert again.id == made.id
    assert len(here.fake.books.charges) == 1


async def test_while_a_search_lags_behind_a_used_key_says_nothing(here: ProviderScene) -> None:
    asked = here.a_charge()
    made = await here.provider.create(asked)
    here.fake.books.indexed = False
    with pytest.raises(ProviderAmbiguous):
        await here.provider.create(replace(asked, description="another"))
    here.fake.books.indexed = True
    assert (await here.provider.create(replace(asked, description="another"))).id == made.id


async def test_what_nobody_made_is_none_and_what_is_no_id_is_not_even_asked_for(here: ProviderScene) -> None:
    for stranger in (*OF_NOTHING, "../v1/payments", "1/refunds", "ord01 ", "1?x=1", ""):
        assert await here.provider.get(stranger) is None
    assert len(here.fake.heard) == 1


async def test_a_charge_is_found_by_our_reference_and_only_by_its_own(here: ProviderScene) -> None:
    asked, other = here.a_charge(), here.a_charge()
    assert await here.provider.find(asked.reference) is None
    made = await here.provider.create(asked)
    await here.provider.create(other)
    found = await here.provider.find(asked.reference)
    assert found is not None
    assert (found.id, found.status) == (made.id, ChargeStatus.PENDING)
    assert found.pix == made.pix


async def test_a_charge_of_last_year_is_found_and_so_is_one_whose_reference_tells_no_time(here: ProviderScene) -> None:
    old, untold = here.a_charge(), here.a_charge(reference=UUID(int=7))
    made = await here.provider.create(old)
    here.fake.time.advance(days=400)
    later = await here.provider.create(replace(untold, expires_at=here.fake.time.now() + timedelta(hours=24)))
    for asked, expected in ((old, made), (untold, later)):
        found = await here.provider.find(asked.reference)
        assert found is not None
        assert found.id == expected.id


async def test_of_several_charges_of_one_reference_the_one_with_money_is_meant(here: ProviderScene) -> None:
    asked = here.a_charge()
    paid, canceled, waiting = [await here.provider.create(replace(asked, key=uuid4())) for _ in range(3)]
    await here.provider.cancel(canceled.id)
    found = await here.provider.find(asked.reference)
    assert found is not None
    assert found.id == waiting.id
    here.fake.books.pay(paid.id)
    found = await here.provider.find(asked.reference)
    assert found is not None
    assert found.id == paid.id
    await here.provider.cancel(waiting.id)
    last = await here.provider.create(replace(asked, key=uuid4()))
    await here.provider.cancel(last.id)
    found = await here.provider.find(asked.reference)
    assert found is not None
    assert found.id == paid.id


@pytest.mark.parametrize("newest_first", [True, False])
async def test_of_several_charges_that_wait_the_newest_is_meant(here: ProviderScene, newest_first: bool) -> None:
    here.fake.books.newest_first = newest_first
    asked = here.a_charge()
    made = []
    for _ in range(2):
        made.append(await here.provider.create(replace(asked, key=uuid4())))
        here.fake.time.advance(minutes=1)
    found = await here.provider.find(asked.reference)
    assert found is not None
    assert found.id == made[-1].id


async def test_a_charge_that_waits_is_canceled_and_a_repeat_says_so_too(here: ProviderScene) -> None:
    made = await here.provider.create(here.a_charge())
    first, again = [await here.provider.cancel(made.id) for _ in range(2)]
    assert (first.status, again.status) == (ChargeStatus.CANCELED, ChargeStatus.CANCELED)
    assert here.fake.books.pay(made.id).captured == 0


async def test_canceling_what_was_paid_meanwhile_answers_that_it_is_paid(here: ProviderScene) -> None:
    made = await here.a_paid_charge()
    answered = await here.provider.cancel(made.id)
    assert (answered.status, answered.amount) == (ChargeStatus.APPROVED, made.amount)
    assert here.fake.books.charged == made.amount.cents


async def test_canceling_what_expired_answers_that_it_expired(here: ProviderScene) -> None:
    made = await here.provider.create(here.a_charge())
    here.fake.time.advance(hours=25)
    assert (await here.provider.cancel(made.id)).status is ChargeStatus.EXPIRED


async def test_canceling_what_is_not_there_says_nothing(here: ProviderScene) -> None:
    for stranger in (*OF_NOTHING, "no id"):
        with pytest.raises(ProviderAmbiguous):
            await here.provider.cancel(stranger)


async def test_a_cancel_that_timed_out_after_it_was_done_is_known_at_the_next_try(here: ProviderScene) -> None:
    made = await here.provider.create(here.a_charge())
    here.cancels_fail(Fault(FaultKind.SILENCE, acted=True))
    with pytest.raises(ProviderAmbiguous):
        await here.provider.cancel(made.id)
    assert (await here.provider.cancel(made.id)).status is ChargeStatus.CANCELED


async def test_a_charge_expires_when_its_time_is_over_and_not_before(here: ProviderScene) -> None:
    made = await here.provider.create(here.a_charge())
    here.fake.time.advance(hours=23)
    assert (await here.seen(made)).status is ChargeStatus.PENDING
    here.fake.time.advance(hours=1, minutes=1)
    expired = await here.seen(made)
    assert expired.status is ChargeStatus.EXPIRED
    assert expired.updated_at > made.updated_at
    assert here.fake.books.pay(made.id).captured == 0
    here.fake.books.pay(made.id, late=True)
    assert (await here.seen(made)).status is ChargeStatus.APPROVED


async def test_an_approval_tells_what_was_paid_even_if_it_is_not_what_was_asked(here: ProviderScene) -> None:
    made = await here.provider.create(here.a_charge())
    here.fake.books.pay(made.id, cents=12344)
    seen = await here.seen(made)
    assert (seen.status, seen.amount) == (ChargeStatus.APPROVED, Money(12344))


async def test_another_currency_and_a_test_charge_are_seen_as_such(here: ProviderScene) -> None:
    here.fake.books.live = False
    made = await here.provider.create(here.a_charge())
    here.fake.books.charges[made.id].currency = "ARS"
    seen = await here.seen(made)
    assert (seen.live, seen.amount) == (False, Money(12345, "ARS"))


async def test_a_signed_webhook_leads_to_the_charge_as_it_is_now(here: ProviderScene) -> None:
    made = await here.a_paid_charge()
    sent = here.fake.notice(made.id, lower=True, milliseconds=True)
    now, secret = here.fake.time.now(), SecretStr(here.fake.secret)
    assert verify(secret, sent.headers, sent.query, now=now, tolerance=timedelta(seconds=5)) is None
    told = parse({**sent.query, "data.id": made.id.lower()}, sent.body)
    assert told.topic == ("payment" if here.kind == "payments" else "order")
    seen = await here.provider.get(told.resource_id)
    assert seen is not None
    assert (seen.id, seen.status) == (made.id, ChargeStatus.APPROVED)


async def test_each_row_of_the_mapping_table_means_what_it_says(here: ProviderScene) -> None:
    made = await here.a_paid_charge()
    seen = []
    for payments, orders, _ in ROWS:
        here.fake.books.say(made.id, *(payments if here.kind == "payments" else orders))
        charge = await here.seen(made)
        seen.append((payments, orders, charge.status))
        assert charge.detail == (payments if here.kind == "payments" else orders)[1]
    assert seen == ROWS


async def test_the_payer_is_known_by_as_much_as_we_know(here: ProviderScene) -> None:
    made = await here.provider.create(here.a_charge())
    company = Customer(name="Oficina", email="oficina@example.com", document="11.222.333/0001-81")
    bare = Customer(email=" bare@example.com ", document="123")
    others = [await here.provider.create(here.a_charge(customer=one)) for one in (company, bare)]
    assert [here.fake.books.charges[one.id].payer for one in (made, *others)] == [
        {
            "email": "ana@example.com",
            "first_name": "Ana",
            "last_name": "Maria de Souza",
            "identification": {"type": "CPF", "number": "19119119100"},
        },
        {
            "email": "oficina@example.com",
            "first_name": "Oficina",
            "identification": {"type": "CNPJ", "number": "11222333000181"},
        },
        {"email": "bare@example.com"},
    ]


async def test_a_customer_without_an_email_is_refused_before_anything_is_sent(here: ProviderScene) -> None:
    with pytest.raises(ProviderRefused) as refused:
        await here.provider.create(here.a_charge(customer=replace(CUSTOMER, email="  ")))
    assert refused.value.reason == "payer_email_required"
    assert here.fake.heard == []


@pytest.mark.parametrize("kind", KINDS)
async def test_an_installation_may_name_an_email_for_customers_without_one(kind: str) -> None:
    async with provider_scene(kind, payer_email="cobranca@example.com") as here:
        made = await here.provider.create(here.a_charge(customer=Customer(name="Bia")))
        assert here.fake.books.charges[made.id].payer == {"email": "cobranca@example.com", "first_name": "Bia"}


async def test_a_charge_that_the_api_finds_wrong_is_refused_by_its_reason(here: ProviderScene) -> None:
    with pytest.raises(ProviderRefused) as refused:
        await here.provider.create(here.a_charge(customer=replace(CUSTOMER, email="nonsense")))
    assert refused.value.reason == ("error_4050" if here.kind == "payments" else "required_properties")
    assert "nonsense" not in str(refused.value)


async def test_payments_ask_with_an_exact_number_a_date_and_where_to_notify() -> None:
    url = "https://acerto.example.com/webhooks?source_news=webhooks"
    async with provider_scene("payments", notification_url=url) as here:
        await here.provider.create(here.a_charge(expires_at=datetime.fromisoformat("2126-11-23T02:59:59.0004+00:00")))
        body = here.fake.heard[0].body
    assert b'"transaction_amount":123.45,' in body
    assert json.loads(body)["date_of_expiration"] == "2126-11-22T23:59:59.000-03:00"
    assert json.loads(body)["notification_url"] == url


async def test_orders_ask_with_text_a_duration_and_the_name_of_no_url() -> None:
    async with provider_scene("orders") as here:
        for hours, minutes in ((24, 0), (0, 90), (0, 5)):
            expires_at = here.fake.time.now() + timedelta(hours=hours, minutes=minutes)
            await here.provider.create(here.a_charge(expires_at=expires_at, amount=Money(5000)))
        bodies = [json.loads(heard.body) for heard in here.fake.heard if heard.method == "POST"]
    assert {body["total_amount"] for body in bodies} == {"50.00"}
    lifetimes = [body["transactions"]["payments"][0]["expiration_time"] for body in bodies]
    assert lifetimes == ["PT24H", "PT90M", "PT30M"]
    assert all("notification_url" not in body for body in bodies)


async def test_an_order_whose_payment_failed_at_once_is_a_rejected_charge() -> None:
    async with provider_scene("orders") as here:
        made = await here.provider.create(here.a_charge(customer=replace(CUSTOMER, name="OTHE")))
        assert made.status is ChargeStatus.REJECTED


async def test_the_fee_is_what_the_seller_paid_when_payments_say_so() -> None:
    async with provider_scene("payments") as here:
        made = await here.a_paid_charge()
        assert (await here.seen(made)).fee == Money(0)
        here.fake.books.charges[made.id].fee_cents = 122
        assert (await here.seen(made)).fee == Money(122)
