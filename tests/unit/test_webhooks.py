"""The provider's door: what is kept, what is refused, and that nothing but the signature is asked (R37)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from domain.billing.notice import Notice
from domain.errors import Unavailable
from server.gateway.webhooks import LARGEST, Webhook, routes
from server.providers.mercadopago.webhook import parse, verify
from server.telemetry import Telemetry
from tests.support.mercadopago_webhooks import SignedNotice, signed_notice

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "a webhook secret of this test"


def a_notice(**changes: object) -> SignedNotice:
    given = {"topic": "payment", "at": NOW, **changes}
    return signed_notice(SECRET, "999999999", **given)  # type: ignore[arg-type] # the test's own changes


@dataclass
class Door:
    """The route over a memory of what was kept."""

    secret: str = SECRET
    away: bool = False
    kept: list[Notice] = field(default_factory=list)
    telemetry: Telemetry = field(default_factory=Telemetry)

    async def take(self, notice: SignedNotice) -> tuple[int, str]:
        webhook = Webhook(provider="mercadopago", verify=self._verify, parse=parse, topics=("payment", "order"))
        transport = httpx.ASGITransport(app=Starlette(routes=routes(webhook, self._receive, self.telemetry)))
        async with httpx.AsyncClient(transport=transport, base_url="http://acerto.example.com") as client:
            answer = await client.post(
                "/api/billing/mercadopago/webhook",
                params=notice.query,
                content=notice.body,
                headers=notice.headers,
            )
        outcome = str(answer.json()["outcome"])
        assert f'outcome="{outcome}"' in self.telemetry.exposition().decode()
        return answer.status_code, outcome

    async def _receive(self, notice: Notice) -> bool:
        if self.away:
            raise Unavailable
        known = any(one.event_id == notice.event_id for one in self.kept)
        self.kept += [] if known else [notice]
        return not known

    def _verify(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
        failure = verify(SecretStr(self.secret), headers, query, now=NOW, tolerance=timedelta(minutes=5))
        return failure.value if failure else None


async def test_a_signed_notice_is_kept_with_its_bytes_and_known_when_it_comes_again() -> None:
    door, notice = Door(), a_notice()
    assert await door.take(notice) == (200, "kept")
    assert await door.take(notice) == (200, "known")
    (kept,) = door.kept
    assert (kept.provider, kept.event_id, kept.topic) == ("mercadopago", "12345", "payment")
    assert (kept.resource_id, kept.body) == ("999999999", notice.body)


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("milliseconds", [False, True])
async def test_every_way_of_signing_that_they_have_is_taken(lower: bool, milliseconds: bool) -> None:
    assert await Door().take(a_notice(lower=lower, milliseconds=milliseconds)) == (200, "kept")


@pytest.mark.parametrize("at", [NOW - timedelta(minutes=6), NOW + timedelta(minutes=6)])
async def test_r37_a_signature_of_another_time_is_refused_and_nothing_kept(at: datetime) -> None:
    door = Door()
    assert await door.take(a_notice(at=at)) == (401, "bad_signature")
    assert door.kept == []


async def test_r37_a_notice_signed_with_another_secret_is_refused_and_nothing_kept() -> None:
    door = Door(secret="another secret")
    assert await door.take(a_notice()) == (401, "bad_signature")
    assert door.kept == []


async def test_r37_without_a_secret_of_ours_nothing_is_believed() -> None:
    door = Door(secret="")
    assert await door.take(a_notice()) == (401, "bad_signature")
    assert door.kept == []


async def test_a_signature_for_another_charge_is_refused() -> None:
    door, notice = Door(), a_notice()
    assert await door.take(replace(notice, query={**notice.query, "data.id": "1"})) == (401, "bad_signature")
    assert door.kept == []


async def test_what_is_about_no_charge_is_answered_and_not_kept() -> None:
    door = Door()
    assert await door.take(a_notice(topic="topic_chargebacks_wh")) == (200, "ignored")
    assert door.kept == []


async def test_a_body_larger_than_any_notice_is_refused_without_being_read_whole() -> None:
    door, notice = Door(), a_notice()
    assert await door.take(replace(notice, body=b" " * (LARGEST + 1))) == (413, "too_large")
    assert door.kept == []


async def test_while_it_cannot_be_kept_it_is_not_taken_so_that_they_send_it_again() -> None:
    door = Door(away=True)
    assert await door.take(a_notice()) == (503, "not_kept")
