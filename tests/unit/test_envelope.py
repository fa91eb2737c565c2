"""A dead letter goes back as it came, whoever put it aside."""

from __future__ import annotations

from messaging.broker import Message
from messaging.envelope import ATTEMPTS, DIED_IN, dead_letter, requeued
from messaging.topology import INBOUND_QUEUE, PARTNER_EXCHANGE


def sent(message_id: str = "", **headers: str) -> Message:
    return Message(
        exchange=PARTNER_EXCHANGE, routing_key="os-created", message_id=message_id, body=b"{}", headers=headers
    )


def test_a_dead_letter_goes_back_as_it_came_with_its_attempts_counted() -> None:
    came = sent("7", EventType="OsCreated")
    back = requeued(dead_letter(came, "json", "not JSON"))
    assert (back.exchange, back.routing_key, back.message_id) == (PARTNER_EXCHANGE, "os-created", "7")
    assert back.headers == {"EventType": "OsCreated", ATTEMPTS: 1}
    assert dead_letter(back, "json", "again").headers[ATTEMPTS] == 2


def test_a_message_without_an_id_goes_back_without_one() -> None:
    assert requeued(dead_letter(sent(), "json", "")).message_id == ""


def test_what_the_broker_put_aside_goes_back_to_the_queue_it_died_in() -> None:
    aside = Message(
        exchange="acerto.dlx", routing_key="dead", message_id="7", body=b"{}", headers={DIED_IN: "billing-events.v2"}
    )
    assert (requeued(aside).exchange, requeued(aside).routing_key) == ("", "billing-events.v2")
    unknown = Message(exchange="acerto.dlx", routing_key="dead", message_id="7", body=b"{}")
    assert requeued(unknown).routing_key == INBOUND_QUEUE
