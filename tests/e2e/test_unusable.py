"""What cannot be used is kept with its reason, has no other effect, and can be sent again."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.e2e.conftest import House
from tests.support.fleet import Said
from tests.support.ledger import rows
from tests.support.os_service import Letter, OSService
from tests.support.waiting import eventually

_OS = "0b9f3a52-60a1-4d55-8f3e-6f6a3e4d2c11"


def _json(**fields: Any) -> bytes:
    return json.dumps({"OsId": _OS, **fields}).encode()


UNUSABLE: dict[str, tuple[Letter, str]] = {
    "nothing at all": (Letter(body=b""), "empty"),
    "no JSON": (Letter(body=b"{OsId: 1}"), "json"),
    "a JSON list": (Letter(body=b"[]"), "json"),
    "NaN": (Letter(body=b'{"OsId":1,"Valor":NaN}'), "json"),
    "no UTF-8": (Letter(body=b'{"OsId":"\xff\xfe"}'), "encoding"),
    "deep nesting": (Letter(body=b'{"a":' * 100_000 + b"1" + b"}" * 100_000), "nesting"),
    "a picture": (Letter(body=_json(), content_type="image/png"), "content_type"),
    "no OsId": (Letter(body=b'{"Description":"x"}'), "no_work_order"),
    "an OsId that is neither": (Letter(body=b'{"OsId":"OS-7"}'), "no_work_order"),
    "the nil UUID": (Letter(body=b'{"OsId":"00000000-0000-0000-0000-000000000000"}'), "no_work_order"),
    "another's event": (Letter(body=_json(), headers={"EventType": "RepairStarted"}), "unknown_type"),
    "a price in words": (Letter(body=_json(Valor="dez reais")), "bad_field"),
    "a price with three places": (Letter(body=_json(Valor="1.005")), "bad_field"),
    "an item without a kind": (Letter(body=_json(Items=[{"Description": "x", "Quantity": 1}])), "bad_field"),
    "more discount than price": (
        Letter(body=_json(Items=[{"Kind": "DISCOUNT", "Description": "x", "Quantity": 1, "UnitPrice": 1}])),
        "negative_total",
    ),
    "two megabytes": (Letter(body=_json(Description="x" * 2_000_000)), "oversize"),
}


@pytest.mark.parametrize("name", UNUSABLE)
async def test_an_unusable_message_is_kept_with_its_reason_and_does_nothing_else(
    name: str, house: House, partner: OSService
) -> None:
    letter, reason = UNUSABLE[name]
    message_id = str(uuid4())
    unusable = Letter(body=letter.body, headers=letter.headers, content_type=letter.content_type, message_id=message_id)
    async with OSService(house.line, queue="billing-events-dlq").working() as graveyard:
        await partner.send(unusable)
        kept = await eventually(lambda: [one for one in graveyard.heard if one.message_id == message_id])
    assert kept[0].body == letter.body
    assert kept[0].headers["acerto-reason"] == reason
    assert kept[0].headers["acerto-routing-key"] == "os-created"
    await partner.order(behind := uuid4())
    await partner.event(behind)
    assert rows(house.database_url, "SELECT FROM inbox WHERE message_id = %s", message_id) == []
    assert rows(house.database_url, "SELECT FROM work_orders WHERE id = %s", _OS) == []


async def test_an_operator_sees_dead_letters_and_sends_them_back(house: House, partner: OSService) -> None:
    message_id, usable = str(uuid4()), str(uuid4())
    await partner.send(Letter(body=b'{"OsId":"?"}', message_id=message_id))
    await partner.send(_mistaken(os_id := str(uuid4()), usable))
    listed = await _listed(house, message_id, usable)
    assert f"{message_id}  os-created  1      no_work_order" in listed.out
    assert house.fleet.verb("dlq", "requeue", message_id, "--reason", "once more").out == "requeued 1\n"
    again = await _listed(house, message_id, "os-created  2 ")
    assert usable in again.out, "only the one that was named went back"
    assert house.fleet.verb("dlq", "requeue", usable, "--reason", "mended").code == 0
    told = await partner.event(os_id)
    assert told.headers["CausationId"] == usable
    noted = rows(house.database_url, "SELECT what, reason FROM operator_log WHERE what LIKE 'dlq%%' ORDER BY id")
    assert noted[-2:] == [(f"dlq requeue {message_id}", "once more"), (f"dlq requeue {usable}", "mended")]
    emptied = house.fleet.verb("dlq", "requeue", "--all", "--reason", "a last time")
    assert emptied.out == "requeued 1\n"


async def test_no_deed_goes_without_a_reason(rabbit_house: House) -> None:
    said = rabbit_house.fleet.verb("dlq", "requeue", "--all")
    assert said.code == 2
    assert "--reason" in said.err


def _mistaken(os_id: str, message_id: str) -> Letter:
    """A good order that an earlier version could not use."""
    return Letter(
        exchange="acerto.dlx",
        routing_key="billing-events-dlq",
        body=json.dumps({"OsId": os_id}).encode(),
        message_id=message_id,
        headers={
            "EventType": "OsCreated",
            "acerto-exchange": "os.events",
            "acerto-routing-key": "os-created",
            "acerto-message-id": message_id,
            "acerto-reason": "no_type",
            "acerto-attempts": 1,
        },
    )


async def _listed(house: House, *texts: str) -> Said:
    def look() -> Said:
        said = house.fleet.verb("dlq", "ls")
        assert said.code == 0, said.err
        assert all(text in said.out for text in texts), said.out
        return said

    return await eventually(look, within=20)
