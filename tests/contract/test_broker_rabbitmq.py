"""What only RabbitMQ can do to us: close a channel, cancel a consumer, nack, deliver what nobody should have sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

import aiormq
import pytest
from aiormq.channel import Channel
from pamqp.commands import Basic
from pamqp.common import FieldTable, FieldValue
from pamqp.constants import FRAME_END_CHAR
from pamqp.header import ContentHeader

from messaging.broker import BrokerLost
from messaging.rabbitmq import RabbitBroker
from messaging.rabbitmq.careful import UNREADABLE, readable
from messaging.rabbitmq.declare import arguments
from messaging.rabbitmq.publisher import _INTERNALS
from messaging.rabbitmq.wire import plain
from messaging.topology import Binding, Queue, Topology
from tests.contract.scenes import Scene, scene, some


@pytest.fixture
def here(amqp_url: str) -> Scene:
    return scene("rabbitmq", amqp_url)


@pytest.fixture
async def raw(amqp_url: str) -> AsyncIterator[Channel]:
    """A channel of another client's."""
    async with aiormq.connect(amqp_url) as connection:
        channel = await connection.channel()
        assert isinstance(channel, Channel)
        yield channel


async def test_aiormq_still_has_what_the_grouped_write_reaches_for(raw: Channel) -> None:
    assert [name for name in _INTERNALS if not hasattr(raw, name)] == []


async def test_without_the_grouped_write_a_wave_has_the_same_fate(here: Scene) -> None:
    await here.broker.apply(here.topology())
    slow = Scene(RabbitBroker(here.url, grouped_writes=False), here.url, here.token)
    wave = [slow.message(n, routing_key="nobody" if n == 3 else "made") for n in range(20)]
    verdicts = await slow.publish(*wave)
    assert [n for n, verdict in enumerate(verdicts) if verdict] == [3]
    assert await here.bodies(here.queue, count=19) == [message.body for message in wave if message.message_id != "id-3"]


async def test_an_exchange_that_disappears_between_waves_costs_only_its_own_messages(here: Scene, raw: Channel) -> None:
    await here.broker.apply(here.topology())
    await raw.exchange_declare("leaving", exchange_type="topic", durable=True)
    wave = [here.message(n, exchange="leaving" if n == 2 else here.exchange, mandatory=False) for n in range(5)]
    async with here.broker.publisher() as publisher:
        assert set(await publisher.publish(wave)) == {None}
        await raw.exchange_delete("leaving")
        verdicts = await publisher.publish(wave)
        assert [verdict and verdict.reason for verdict in verdicts] == [None, None, "no such exchange", None, None]
        assert await publisher.publish([here.message(9)]) == [None]
    async with here.broker.subscription(here.queue, prefetch=50) as subscription:
        seen: dict[str, None] = {}
        while "id-9" not in seen:
            (delivery,) = await some(subscription, 1)
            seen.setdefault(delivery.message.message_id)
    assert list(seen) == ["id-0", "id-1", "id-3", "id-4", "id-9"]


async def test_a_message_that_a_full_queue_refuses_is_nacked(here: Scene, raw: Channel) -> None:
    full: FieldTable = {"x-max-length": 1, "x-overflow": "reject-publish"}
    await raw.queue_declare(here.queue, durable=True, arguments=full)
    direct = [here.message(n, exchange="", routing_key=here.queue) for n in range(3)]
    for n, message in enumerate(direct):
        (verdict,) = await here.publish(message)
        assert (verdict and (verdict.reason, verdict.final)) == (None if n == 0 else ("nacked", False))


async def test_a_queue_that_is_deleted_ends_its_deliveries(here: Scene, raw: Channel) -> None:
    await here.broker.apply(here.topology())
    async with here.broker.subscription(here.queue, prefetch=1) as subscription:
        await raw.queue_delete(here.queue)
        with pytest.raises(BrokerLost, match="queue is gone"):
            await some(subscription, 1)


async def test_a_binding_with_a_star_gets_what_it_matches(here: Scene) -> None:
    plain_topology = here.topology()
    wild = (*plain_topology.bindings, Binding(here.exchange, "budget.*", here.queue))
    await here.broker.apply(Topology(plain_topology.exchanges, plain_topology.queues, wild))
    assert await here.publish(here.message(routing_key="budget.approved")) == [None]


async def test_odd_headers_come_in_as_text(here: Scene, raw: Channel) -> None:
    await here.broker.apply(here.topology())
    odd: FieldTable = {
        "bytes": bytearray(b"\xff\x00"),
        "table": {"when": datetime(2026, 1, 2, tzinfo=UTC), "deep": {"n": [1, None, True]}},
        "when": datetime(2026, 1, 2, tzinfo=UTC),
        "nothing": None,
        "yes": True,
        "amount": Decimal("1.50"),
        "half": 0.5,
    }
    await raw.basic_publish(b"{}", routing_key=here.queue, properties=Basic.Properties(headers=odd, message_id="m"))
    (message,) = await here.broker.inspect(here.queue, limit=1)
    assert message.headers == {
        "bytes": "\\xff\x00",
        "table": '{"deep": {"n": [1, null, true]}, "when": "2026-01-02T00:00:00+00:00"}',
        "when": "2026-01-02T00:00:00+00:00",
        "nothing": "",
        "yes": "true",
        "amount": "1.50",
        "half": "0.5",
    }


def test_bytes_that_are_not_text_come_in_escaped() -> None:
    assert plain(b"\xe7\xe3o") == "\\xe7\\xe3o"


class InNanoseconds(Basic.Properties):
    """A timestamp as some partner's clock gives it: far beyond the year 9999 when read as seconds."""

    def encode_property(self, name: str, value: FieldValue) -> bytes:
        return (
            (1_750_000_000 * 10**9).to_bytes(8, "big") if name == "timestamp" else super().encode_property(name, value)
        )


async def test_properties_that_cannot_be_decoded_stop_the_queue_once_at_most(here: Scene, raw: Channel) -> None:
    await here.broker.apply(here.topology())
    sent = InNanoseconds(timestamp=datetime.fromtimestamp(0, UTC), message_id="x" * 60)
    await raw.basic_publish(b"poison", routing_key=here.queue, properties=sent)
    with pytest.raises(BrokerLost):
        await read_one(here)
    assert await read_one(here) == (b"poison", {UNREADABLE: "true"})


async def read_one(here: Scene) -> tuple[bytes, object]:
    async with here.broker.subscription(here.queue, prefetch=1) as subscription:
        (delivery,) = await some(subscription, 1)
        return delivery.message.body, delivery.message.headers


def test_readable_properties_are_left_as_they_are() -> None:
    header = ContentHeader(body_size=3, properties=Basic.Properties(message_id="m")).marshal() + FRAME_END_CHAR
    assert readable(header) == header


@pytest.mark.parametrize("size", [2, 20, 200])
def test_unreadable_properties_are_replaced_without_changing_the_length(size: int) -> None:
    header = (3).to_bytes(12, "big") + b"\x80\x00\xff" + b"\xff" * size + FRAME_END_CHAR
    mended = readable(header)
    assert len(mended) == len(header)
    understood = ContentHeader()
    understood.unmarshal(mended[:-1])
    assert understood.body_size == 3


def test_a_queue_without_a_limit_names_one_that_is_never_reached() -> None:
    assert arguments(Queue("graveyard")) == {"x-queue-type": "quorum", "x-delivery-limit": 2**31 - 1}
