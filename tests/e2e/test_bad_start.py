"""A start that cannot succeed says why in one line; one that only has to wait says what for, and waits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.fleet import Fleet, Role
from tests.support.os_service import OSService, RabbitLine
from tests.support.proxy import Proxy
from tests.support.waiting import eventually


@pytest.fixture
def fleet(folder: Path, database_url: str) -> Iterator[Fleet]:
    with Fleet(folder, database_url=database_url) as started:
        yield started


async def _refusal(role: Role) -> str:
    """The one line that it ends with, status 1."""
    assert await role.died() == 1, role.program.text()
    assert "Traceback" not in role.program.text()
    (line,) = [line for line in role.program.text().splitlines() if line.startswith("acerto: ")]
    return line


BAD = {
    "env": "prod",
    "database_url": "mysql://user:hunter2@example.com/billing",
    "broker_url": "http://example.com",
    "grpc_address": "localhost",
    "default_budget_amount": "a lot",
    "database_pool": "0",
    "signing_key": "short",
}


async def test_every_bad_setting_is_named_in_one_line_that_tells_no_secret(fleet: Fleet) -> None:
    role = fleet.start("api", **BAD)
    line = await _refusal(role)
    assert [name for name in BAD if f"ACERTO_{name.upper()}: " not in line] == []
    assert "hunter2" not in role.program.text()


async def test_a_failpoint_that_does_not_exist_is_named(fleet: Fleet) -> None:
    line = await _refusal(fleet.start("api", failpoints="relay.nowhere=kill"))
    assert "ACERTO_FAILPOINTS" in line
    assert "relay.mid_wave" in line


async def test_a_misspelt_variable_is_warned_of(fleet: Fleet) -> None:
    (role,) = await fleet.running("api", databse_url="x")
    (warning,) = role.logged("a variable that means nothing here")
    assert warning["variable"] == "ACERTO_DATABSE_URL"


MERCADO_PAGO = {
    "payment_provider": "mercadopago",
    "mercadopago_access_token": "token",
    "mercadopago_webhook_secret": "secret",
}


async def test_production_refuses_an_identity_that_lets_everybody_in(fleet: Fleet) -> None:
    line = await _refusal(fleet.start("all", env="production", **MERCADO_PAGO))
    assert "ACERTO_ENV=production refuses the development identity" in line


async def test_outside_development_a_missing_migration_is_named(folder: Path, empty_database_url: str) -> None:
    with Fleet(folder, database_url=empty_database_url, env="test") as fleet:
        line = await _refusal(fleet.start("api"))
    assert "0001" in line
    assert "python -m server migrate" in line


async def test_outside_development_a_missing_topology_is_named(folder: Path, database_url: str, amqp_url: str) -> None:
    with Fleet(folder, database_url=database_url, broker_url=amqp_url, env="test") as fleet:
        line = await _refusal(fleet.start("relay"))
    assert "os.events" in line


async def test_a_broker_with_another_topology_is_named(folder: Path, database_url: str, amqp_url: str) -> None:
    with Fleet(folder, database_url=database_url, broker_url=amqp_url) as fleet:
        assert fleet.verb("topology", "apply").code == 0
        line = await _refusal(fleet.start("consumer", single_active_consumer="false"))
    assert "billing-events" in line


@pytest.fixture
async def away_database(database_url: str) -> AsyncIterator[Proxy]:
    """A database that nobody reaches as yet."""
    async with Proxy(database_url).running() as proxy:
        proxy.faults.refuse = True
        yield proxy


@pytest.fixture
async def away_broker(amqp_url: str) -> AsyncIterator[Proxy]:
    """A broker that nobody reaches as yet."""
    async with Proxy(amqp_url).running() as proxy:
        proxy.faults.refuse = True
        yield proxy


async def test_a_database_that_is_away_is_waited_for(folder: Path, away_database: Proxy) -> None:
    with Fleet(folder, database_url=away_database.url) as fleet:
        role = fleet.start("api")
        await _waits(role, f"waiting for the database at 127.0.0.1:{away_database.port}")
        away_database.faults.refuse = False
        await role.ready()
        assert (await _readiness(role)).status_code == 200
        assert role.logged("the database is there")


async def test_a_broker_that_is_away_is_waited_for(
    folder: Path, database_url: str, amqp_url: str, away_broker: Proxy
) -> None:
    with Fleet(folder, database_url=database_url, broker_url=away_broker.url) as fleet:
        roles = [fleet.start("relay"), fleet.start("consumer")]
        for role in roles:
            await _waits(role, f"waiting for the broker at 127.0.0.1:{away_broker.port}")
        away_broker.faults.refuse = False
        for role in roles:
            await role.ready()
        async with OSService(RabbitLine(amqp_url)).working() as partner:
            await partner.order(os_id := uuid4())
            await partner.event(os_id)


async def test_a_database_that_goes_is_told_by_health_and_comes_back_by_itself(
    folder: Path, away_database: Proxy
) -> None:
    away_database.faults.refuse = False
    with Fleet(folder, database_url=away_database.url) as fleet:
        (role,) = await fleet.running("api")
        away_database.faults.refuse = True
        away_database.reset_all()
        answer = await eventually(lambda: _answered(role, 503), within=10)
        assert answer["dependencies"]["database"]["state"] == "down"
        away_database.faults.refuse = False
        await eventually(lambda: _answered(role, 200), within=15)


async def _waits(role: Role, text: str) -> None:
    """It says what it waits for, once, and is alive but not ready."""
    await eventually(lambda: role.logged(text), within=15, what=text)
    assert (await _readiness(role)).status_code == 503
    assert len(role.logged(text)) == 1


async def _readiness(role: Role) -> httpx.Response:
    async with httpx.AsyncClient() as http:
        return await http.get(f"http://127.0.0.1:{role.http_port}/health/ready", timeout=10)


async def _answered(role: Role, status: int) -> dict[str, Any]:
    answer = await _readiness(role)
    assert answer.status_code == status
    found: dict[str, Any] = answer.json()
    return found
