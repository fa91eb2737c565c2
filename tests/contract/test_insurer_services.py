"""An insurer's own service over HTTP: what is asked of it, what of its answers is believed, and what away means."""

from __future__ import annotations

import asyncio
import gzip
import time
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from domain.eligibility.eligibility_check import Procedure, Question
from domain.eligibility.ports import InsurerAway, Told
from domain.eligibility.reasons import Reason, ReasonCode, Verdict
from server.providers.insurers.client import InsurerClients
from server.settings import SettingsError, load
from tests.support.fake_insurer import FakeInsurer
from tests.support.ports import free_port
from tests.support.reference import an_insurer
from tests.support.waiting import eventually

QUESTION = Question(
    service_date=date(2026, 3, 1),
    insurer_id="999991",
    plan_id="GOLD",
    card_number="000123",
    patient_id="patient-1",
    provider_id="9999991",
    procedures=(Procedure("22", "99000011", 2),),
)


async def asked(insurer: FakeInsurer, **options: Any) -> Told:
    async with InsurerClients([insurer.origin], **options) as clients:
        return await clients.check(an_insurer(check_url=insurer.url), QUESTION)


async def test_the_question_is_the_contracts_and_names_no_patient() -> None:
    async with FakeInsurer().running() as insurer:
        assert await asked(insurer) == Told(Verdict.ELIGIBLE, ())
    assert insurer.asked == [
        {
            "insurer_id": "999991",
            "plan_id": "GOLD",
            "card_number": "000123",
            "service_date": "2026-03-01",
            "provider_id": "9999991",
            "urgent": False,
            "procedures": [{"table": "22", "code": "99000011", "quantity": 2}],
        }
    ]


async def test_reasons_are_of_our_codes_or_in_the_insurers_own_words() -> None:
    body = {
        "verdict": "INELIGIBLE",
        "reasons": [{"code": "WAITING_PERIOD", "message": "até julho"}, {"code": "X-17", "message": "pergunte"}],
        "valid_until": "2026-03-01T15:00:00-03:00",
        "what_else": 1,
    }
    async with FakeInsurer(body=body).running() as insurer:
        told = await asked(insurer)
    reasons = (Reason(ReasonCode.WAITING_PERIOD, "até julho"), Reason(ReasonCode.INSURER_SAYS, "X-17: pergunte"))
    assert told == Told(Verdict.INELIGIBLE, reasons, datetime(2026, 3, 1, 18, tzinfo=UTC))


async def test_an_insurers_words_are_printable_whatever_it_sends() -> None:
    reasons = [
        {"code": "X\x00", "message": "a\ud800b\r\nc" + "\x1b" * 1000},
        {"code": "CARD_EXPIRED", "message": "é\x7f\u202e"},
    ]
    async with FakeInsurer(body={"verdict": "INELIGIBLE", "reasons": reasons}).running() as insurer:
        own, ours = (await asked(insurer)).reasons
    assert own.message.startswith("X\ufffd: a\ufffdb  c\ufffd")
    assert len(own.message) < 400
    assert own.message.isprintable()
    assert ours.message == "é\ufffd\ufffd"


@pytest.mark.parametrize("far", ["9999-12-31T23:59:59-03:00", "9000-01-01T00:00:00Z"])
async def test_a_day_in_the_far_future_is_no_limit(far: str) -> None:
    async with FakeInsurer(body={"verdict": "ELIGIBLE", "valid_until": far}).running() as insurer:
        assert await asked(insurer) == Told(Verdict.ELIGIBLE, ())


@pytest.mark.parametrize(
    "url", ["https://[abc", "https://checks.example.com:x/a", "https://checks.example.com:99999/a"]
)
async def test_an_address_that_cannot_be_read_is_served_by_nobody(url: str) -> None:
    origin = url.removesuffix("/a")
    async with InsurerClients([origin]) as clients:
        assert not clients.serves(an_insurer(check_url=url))
        with pytest.raises(InsurerAway):
            await clients.check(an_insurer(check_url=url), QUESTION)


async def test_a_service_that_is_not_listed_is_never_called() -> None:
    async with FakeInsurer().running() as insurer, InsurerClients(["https://checks.example.com"]) as clients:
        with pytest.raises(InsurerAway, match="may not be called"):
            await clients.check(an_insurer(check_url=insurer.url), QUESTION)
    assert insurer.asked == []


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"no", b"\xff", b'{"verdict": "MAYBE"}', b'{"verdict": null}', b"{}", b"[" * 20_000),
        {"verdict": "ELIGIBLE", "reasons": [1]},
        {"verdict": "ELIGIBLE", "reasons": 7},
        {"verdict": "ELIGIBLE", "valid_until": "soon"},
        {"verdict": "ELIGIBLE", "valid_until": "2026-03-01T15:00:00"},
        {"verdict": "ELIGIBLE", "valid_until": "0001-01-01T00:00:00+03:00"},
        b'{"verdict": "ELIGIBLE", "x": "' + b"x" * 70_000 + b'"}',
    ],
)
async def test_what_is_no_answer_means_away(body: Any) -> None:
    async with FakeInsurer(body=body).running() as insurer:
        with pytest.raises(InsurerAway):
            await asked(insurer)


@pytest.mark.parametrize("status", [201, 302, 400, 401, 404, 429, 500, 503])
async def test_another_status_means_away(status: int) -> None:
    async with FakeInsurer(status=status).running() as insurer:
        with pytest.raises(InsurerAway, match=str(status)):
            await asked(insurer)


async def test_a_silent_service_costs_its_time_limit() -> None:
    async with FakeInsurer(silent=True).running() as insurer:
        began = time.monotonic()
        with pytest.raises(InsurerAway, match=r"within 0\.1 s"):
            await asked(insurer, time_limit=0.1)
        assert time.monotonic() - began < 2


async def test_a_service_that_is_not_there_is_left_alone_after_five_failures_without_harm_to_others() -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    async with FakeInsurer().running() as insurer, InsurerClients([gone, insurer.origin]) as clients:
        said = []
        for _ in range(6):
            with pytest.raises(InsurerAway) as away:
                await clients.check(an_insurer(check_url=f"{gone}/x"), QUESTION)
            said.append(str(away.value))
        assert "circuit is open" in said[-1]
        assert not any("circuit" in each for each in said[:-1])
        assert (await clients.check(an_insurer(check_url=insurer.url), QUESTION)).verdict is Verdict.ELIGIBLE


async def test_a_service_that_does_not_answer_takes_no_place_from_another() -> None:
    async with (
        FakeInsurer(silent=True).running() as slow,
        FakeInsurer().running() as good,
        InsurerClients([slow.origin, good.origin], time_limit=1.0) as clients,
    ):
        waiting = [asyncio.create_task(clients.check(an_insurer(check_url=slow.url), QUESTION)) for _ in range(150)]
        await eventually(lambda: bool(slow.asked), within=5)
        for _ in range(6):
            told = await asyncio.wait_for(clients.check(an_insurer(check_url=good.url), QUESTION), 0.8)
            assert told.verdict is Verdict.ELIGIBLE
        said = {type(each) for each in await asyncio.gather(*waiting, return_exceptions=True)}
        assert said == {InsurerAway}


async def test_too_many_checks_of_our_own_are_refused_soon_and_are_no_failure_of_the_service() -> None:
    async with (
        FakeInsurer(silent=True).running() as insurer,
        InsurerClients([insurer.origin], time_limit=30.0, places=2, patience=0.1) as clients,
    ):
        checks = [asyncio.create_task(clients.check(an_insurer(check_url=insurer.url), QUESTION)) for _ in range(12)]
        refused, waiting = [], set(checks)
        while len(waiting) > 2:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=5)
            refused += [str(each.exception()) for each in done]
        assert set(refused) == {"2 checks of it are under way already"}
        assert len(insurer.asked) == 2
        # Given up, which says nothing of the service: only what was refused could have opened its circuit.
        for each in waiting:
            each.cancel()
        await asyncio.wait(waiting)
        insurer.silent = False
        assert (await clients.check(an_insurer(check_url=insurer.url), QUESTION)).verdict is Verdict.ELIGIBLE


async def test_a_check_that_was_given_up_gives_its_place_back() -> None:
    async with (
        FakeInsurer(silent=True).running() as insurer,
        InsurerClients([insurer.origin], time_limit=0.1, places=1, patience=5.0) as clients,
    ):
        given_up = asyncio.create_task(clients.check(an_insurer(check_url=insurer.url), QUESTION))
        await eventually(lambda: bool(insurer.asked), within=5)
        given_up.cancel()
        for _ in range(3):
            with pytest.raises(InsurerAway, match=r"within 0\.1 s"):
                await clients.check(an_insurer(check_url=insurer.url), QUESTION)


async def test_an_answer_is_asked_for_as_it_is_and_one_that_was_packed_is_none() -> None:
    async with FakeInsurer().running() as insurer:
        await asked(insurer)
        assert insurer.headers[0]["accept-encoding"] == "identity"
        insurer.body = gzip.compress(b'{"verdict": "ELIGIBLE"}')
        insurer.sends = {"Content-Encoding": "gzip"}
        with pytest.raises(InsurerAway, match="none of the contract's"):
            await asked(insurer)
        insurer.body = gzip.compress(b"x" * 30_000_000)
        with pytest.raises(InsurerAway):
            await asked(insurer)


async def test_only_listed_origins_are_called_and_each_gets_its_own_token() -> None:
    async with FakeInsurer().running() as insurer:
        tokens = {insurer.origin: SecretStr("secret"), "https://other.example.com": SecretStr("other")}
        await asked(insurer, tokens=tokens)
        assert insurer.tokens == ["Bearer secret"]
        async with InsurerClients(["https://checks.example.com"]) as clients:
            urls = ("https://checks.example.com/a", "https://checks.example.com.evil.example.com/a", insurer.url, "")
            assert [clients.serves(an_insurer(check_url=url)) for url in urls] == [True, False, False, False]


async def test_by_default_no_service_is_asked_and_the_rules_decide() -> None:
    async with InsurerClients(load({}).insurer_services) as clients:
        assert not clients.serves(an_insurer(check_url="https://checks.example.com/a"))


async def test_many_at_once_each_get_their_answer() -> None:
    async with FakeInsurer().running() as insurer, InsurerClients([insurer.origin]) as clients:
        told = await asyncio.gather(*(clients.check(an_insurer(check_url=insurer.url), QUESTION) for _ in range(20)))
    assert {each.verdict for each in told} == {Verdict.ELIGIBLE}


def test_the_settings_name_origins_and_their_tokens() -> None:
    settings = load(
        {
            "ACERTO_INSURER_SERVICES": "https://Checks.example.com, http://127.0.0.1:8081",
            "ACERTO_INSURER_TOKENS": "https://checks.example.com=a=b,",
        }
    )
    assert settings.insurer_services == ("https://checks.example.com", "http://127.0.0.1:8081")
    assert {origin: token.get_secret_value() for origin, token in settings.tokens_of_insurers.items()} == {
        "https://checks.example.com": "a=b"
    }
    with pytest.raises(SettingsError, match="ACERTO_INSURER_SERVICES"):
        load({"ACERTO_INSURER_SERVICES": "https://checks.example.com/path"})


@pytest.mark.parametrize("tokens", ["just-a-secret", "https://other.example.com=secret", "https://checks.example.com="])
def test_a_token_that_is_for_no_listed_service_stops_the_start_and_is_not_quoted(tokens: str) -> None:
    with pytest.raises(SettingsError, match="ACERTO_INSURER_TOKENS") as refused:
        load({"ACERTO_INSURER_SERVICES": "https://checks.example.com", "ACERTO_INSURER_TOKENS": tokens})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["ACERTO_INSURER_SERVICES", "ACERTO_CORS_ORIGINS"])
def test_what_is_no_origin_is_named_and_not_quoted(name: str) -> None:
    with pytest.raises(SettingsError, match=name) as refused:
        load({name: "https://one.example.com,https://user:hunter2@two.example.com"})
    assert "number 2" in str(refused.value)
    assert "hunter2" not in str(refused.value)
