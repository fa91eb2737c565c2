"""Topology on RabbitMQ, by AMQP alone: what is there, what differs, what is missing.

AMQP 0-9-1 looks for an exchange or a queue without making it (a passive declare), but compares arguments only in a
declare that would make it, and cannot list bindings at all. `plan`, `apply` and `verify` each say what follows.
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, Final

from aiormq.channel import Channel
from aiormq.exceptions import ChannelAccessRefused, ChannelClosed, ChannelNotFoundEntity

from messaging.broker import TopologyConflict
from messaging.rabbitmq.link import Link, told
from messaging.topology import Binding, Finding, Queue, Topology

UNLIMITED: Final = 2**31 - 1
"""The delivery limit of a queue that has none. RabbitMQ 4.x gives a queue without this argument a limit of 20. Its own
word for unlimited, -1, is accepted by 3.10 as well but understood as a number: there the first requeue already exceeds
it and drops the message (tried on 3.10.8). A limit that is never reached means the same on all of them."""

Thing = str | Queue | Binding
"""An exchange by its name, a queue, a binding."""

BINDING_UNSEEN: Final = "RabbitMQ does not tell; apply states it again"


def arguments(queue: Queue) -> dict[str, Any]:
    """The arguments of a queue, the same on RabbitMQ 3.10 to 4.x."""
    limit = UNLIMITED if queue.delivery_limit is None else queue.delivery_limit
    table: dict[str, Any] = {"x-queue-type": "quorum", "x-delivery-limit": limit}
    if queue.single_active_consumer:
        table["x-single-active-consumer"] = True
    if queue.dead_letter_to is not None:
        table["x-dead-letter-exchange"] = queue.dead_letter_exchange
        table["x-dead-letter-routing-key"] = queue.dead_letter_to
        # At-least-once dead letters need reject-publish: the source keeps a message until its target has it.
        table["x-dead-letter-strategy"] = "at-least-once"
        table["x-overflow"] = "reject-publish"
    return table


async def plan(link: Link, topology: Topology) -> Sequence[Finding]:
    """One finding per exchange, queue and binding, in that order; compares only what it has just seen to exist."""
    standing: Sequence[str | Queue] = (*topology.exchanges, *topology.queues)
    found = [await _compare(link, thing) for thing in standing]
    gone = {finding.what for finding in found if finding.state == "missing"}
    return [*found, *(_unseen(binding, gone) for binding in topology.bindings)]


async def apply(link: Link, topology: Topology) -> Sequence[Finding]:
    """Make what is missing, after nothing was found to conflict; bindings are stated anew, which changes none."""
    planned = await plan(link, topology)
    if conflicts := [finding for finding in planned if finding.state == "conflict"]:
        raise TopologyConflict("; ".join(f"{finding.what}: {finding.detail}" for finding in conflicts))
    things: Sequence[Thing] = (*topology.exchanges, *topology.queues, *topology.bindings)
    return [await _ensure(link, thing, finding) for thing, finding in zip(things, planned, strict=True)]


async def verify(link: Link, topology: Topology) -> None:
    """Look for every exchange and queue, never making one; arguments and bindings are `apply`'s to see to."""
    things: Sequence[str | Queue] = (*topology.exchanges, *topology.queues)
    missing = [_name(thing) for thing in things if await _look(link, thing) is not None]
    if missing:
        raise TopologyConflict(f"missing on the broker: {', '.join(missing)}")


async def _compare(link: Link, thing: str | Queue) -> Finding:
    if await _look(link, thing) is not None:
        return Finding("missing", _name(thing))
    refusal = await _ask(link, thing, passive=False)
    if refusal is None:
        return Finding("present", _name(thing))
    if isinstance(refusal, ChannelAccessRefused):
        return Finding("present", _name(thing), f"not compared: {told(refusal)}")
    return Finding("conflict", _name(thing), told(refusal))


async def _look(link: Link, thing: str | Queue) -> ChannelClosed | None:
    refusal = await _ask(link, thing, passive=True)
    if refusal is not None and not isinstance(refusal, ChannelNotFoundEntity):
        raise TopologyConflict(f"{_name(thing)}: {told(refusal)}")
    return refusal


async def _ensure(link: Link, thing: Thing, planned: Finding) -> Finding:
    if planned.state == "present":
        return planned
    if refusal := await _ask(link, thing, passive=False):
        raise TopologyConflict(f"{planned.what}: {told(refusal)}")
    return Finding("made" if planned.state == "missing" else "present", planned.what)


async def _ask(link: Link, thing: Thing, *, passive: bool) -> ChannelClosed | None:
    """One declaration on a channel of its own, since a refusal closes the channel."""
    channel = await link.channel()
    try:
        await link.call(f"declaring {_name(thing)}", _declaration(channel, thing, passive=passive))
    except ChannelClosed as refusal:
        return refusal
    await link.call("closing a channel", channel.close())
    return None


def _declaration(channel: Channel, thing: Thing, *, passive: bool) -> Coroutine[Any, Any, Any]:
    match thing:
        case Queue():
            return channel.queue_declare(thing.name, passive=passive, durable=True, arguments=arguments(thing))
        case Binding():
            return channel.queue_bind(thing.queue, thing.exchange, thing.routing_key)
        case exchange:
            return channel.exchange_declare(exchange, exchange_type="topic", passive=passive, durable=True)


def _unseen(binding: Binding, gone: set[str]) -> Finding:
    if {_name(binding.exchange), f"queue {binding.queue}"} & gone:
        return Finding("missing", _name(binding))
    return Finding("unseen", _name(binding), BINDING_UNSEEN)


def _name(thing: Thing) -> str:
    match thing:
        case Queue():
            return f"queue {thing.name}"
        case Binding():
            return f"binding {thing.exchange} -> {thing.routing_key} -> {thing.queue}"
        case exchange:
            return f"exchange {exchange}"
