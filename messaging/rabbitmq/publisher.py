"""Waves of messages over one channel: written together, confirmed together, refused one by one.

A missing exchange makes RabbitMQ close the channel and drop what was in flight: so exchanges are looked up first.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiormq.abc import ChannelFrame
from aiormq.channel import Channel
from aiormq.exceptions import (
    ChannelAccessRefused,
    ChannelClosed,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    DeliveryError,
    PublishError,
)

from domain.events import Refusal
from messaging.broker import BrokerLost, Message
from messaging.limits import MAX_BODY, impossible, in_chunks
from messaging.patience import in_time
from messaging.rabbitmq.link import LOST, Link, told
from messaging.rabbitmq.wire import frames, properties

_WRITE: Final = 1024 * 1024
"""Bytes handed to the socket at once: few enough to bound memory, many enough to cost one wake-up per wave."""

_INTERNALS: Final = ("lock", "confirmations", "message_id_delivery_tag", "delivery_tag", "write_queue", "number")
"""What the grouped write needs of aiormq's channel; the contract suite holds it."""

_BODY_LIMIT: Final = re.compile(r"configured max size (\d+)")

Verdicts = dict[int, Refusal | None]
Numbered = Sequence[tuple[int, Message]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """`timeout` in seconds for a whole wave; `max_body` in bytes; `grouped` False writes message by message."""

    timeout: float = 5.0
    max_body: int = MAX_BODY
    grouped: bool = True


class RabbitPublisher:
    """Publishes over one link, and cuts it as soon as the fate of a wave is unknown: no frame leaves late.

    When an exchange disappears in mid-wave, the broker closes the channel: the culprits are refused and the rest is
    sent again, in the same order, on a new one. Some of it may arrive twice, under the same id; none is lost or
    overtaken.
    """

    def __init__(self, link: Link, pace: Pace) -> None:
        self._link = link
        self._pace = pace
        self._channel: Channel | None = None
        self._known = {""}

    async def publish(self, wave: Sequence[Message]) -> Sequence[Refusal | None]:
        try:
            verdicts = await in_time(self._pace.timeout, "publishing", self._settle(wave))
        except BaseException:
            self._link.cut()
            raise
        return [verdicts[place] for place in range(len(wave))]

    async def _settle(self, wave: Sequence[Message]) -> Verdicts:
        verdicts: Verdicts = {}
        for place, message in enumerate(wave):
            if refusal := impossible(message, max_body=self._pace.max_body):
                verdicts[place] = refusal
        while left := [(place, message) for place, message in enumerate(wave) if place not in verdicts]:
            refused = await self._without_exchange(left)
            verdicts |= refused or await self._send(left)
        return verdicts

    async def _without_exchange(self, left: Numbered) -> Verdicts:
        unknown = {message.exchange for _, message in left} - self._known
        missing = {name: text for name in sorted(unknown) if (text := await self._lacks(name))}
        self._known |= unknown - missing.keys()
        return {
            place: Refusal("no such exchange", missing[message.exchange])
            for place, message in left
            if message.exchange in missing
        }

    async def _lacks(self, exchange: str) -> str:
        channel = await self._link.channel()
        try:
            await self._link.call("looking for an exchange", channel.exchange_declare(exchange, passive=True))
        except ChannelNotFoundEntity as refusal:
            return told(refusal)
        except ChannelClosed as refusal:
            raise BrokerLost(f"exchange {exchange}: {told(refusal)}") from refusal
        await self._link.call("closing a channel", channel.close())
        return ""

    async def _send(self, left: Numbered) -> Verdicts:
        verdicts: Verdicts = {}
        for run in _runs(left):
            channel = await self._open_channel()
            outcomes = await self._write(channel, [message for _, message in run])
            answers = dict(zip((place for place, _ in run), outcomes, strict=True))
            verdicts |= {place: _verdict(error) for place, error in answers.items() if _is_verdict(error)}
            closed = next((error for error in answers.values() if not _is_verdict(error)), None)
            if closed is not None:
                return verdicts | self._culprits(closed, run)
        return verdicts

    async def _open_channel(self) -> Channel:
        if self._channel is None:
            self._channel = await self._link.channel()
        return self._channel

    def _culprits(self, closed: BaseException | None, run: Numbered) -> Verdicts:
        """Whom the broker closed the channel over; none of them for an exchange, which is looked up again."""
        self._channel = None
        if isinstance(closed, ChannelNotFoundEntity):
            self._known = {""}
            return {}
        culprits: Verdicts = {}
        if isinstance(closed, ChannelClosed):
            culprits |= _named_by(closed, run)
        if not culprits:
            raise BrokerLost(f"publishing: {told(closed) if closed else 'no answer'}") from closed
        return culprits

    async def _write(self, channel: Channel, run: Sequence[Message]) -> Sequence[BaseException | None]:
        try:
            if self._pace.grouped and all(hasattr(channel, name) for name in _INTERNALS):
                return await _write_grouped(channel, run)
            return await _write_singly(channel, run)
        except LOST as error:
            raise BrokerLost(f"publishing: {told(error)}") from error


async def _write_grouped(channel: Channel, run: Sequence[Message]) -> Sequence[BaseException | None]:
    """All frames in few writes, as aiormq's own publish would make them one message at a time."""
    confirmations: list[asyncio.Future[Any]] = []
    async with channel.lock:
        for message in run:
            channel.delivery_tag += 1
            confirmation = channel.create_future()
            channel.confirmations[channel.delivery_tag] = confirmation
            channel.message_id_delivery_tag[message.message_id] = channel.delivery_tag
            confirmations.append(confirmation)
        written = frames(run, channel=channel.number, body_size=channel.max_content_size)
        for chunk in in_chunks(written, most=_WRITE):
            drained = asyncio.get_running_loop().create_future()
            await channel.write_queue.put(ChannelFrame(b"".join(chunk), should_close=False, drain_future=drained))
    await asyncio.wait(confirmations)
    for message in run:
        channel.message_id_delivery_tag.pop(message.message_id, None)
    return [_error_of(confirmation) for confirmation in confirmations]


def _error_of(confirmation: asyncio.Future[Any]) -> BaseException | None:
    return asyncio.CancelledError() if confirmation.cancelled() else confirmation.exception()


async def _write_singly(channel: Channel, run: Sequence[Message]) -> Sequence[BaseException | None]:
    """The public way, two to three times slower; it gives a message without an id a random one."""
    answers = await asyncio.gather(
        *(
            channel.basic_publish(
                message.body,
                exchange=message.exchange,
                routing_key=message.routing_key,
                properties=properties(message),
                mandatory=message.mandatory,
                wait=False,
            )
            for message in run
        ),
        return_exceptions=True,
    )
    return [answer if isinstance(answer, BaseException) else None for answer in answers]


def _runs(numbered: Numbered) -> Iterator[Numbered]:
    """Split where an id repeats: a return is matched by its message id, so each is in flight once."""
    run: dict[str, tuple[int, Message]] = {}
    for place, message in numbered:
        if message.message_id in run:
            yield list(run.values())
            run = {}
        run[message.message_id] = (place, message)
    if run:
        yield list(run.values())


def _is_verdict(error: BaseException | None) -> bool:
    return error is None or isinstance(error, DeliveryError)


def _verdict(error: BaseException | None) -> Refusal | None:
    if error is None:
        return None
    return Refusal("unroutable" if isinstance(error, PublishError) else "nacked", told(error))


def _named_by(closed: ChannelClosed, run: Iterable[tuple[int, Message]]) -> Mapping[int, Refusal]:
    """The messages that the broker's words are about: an exchange it guards, or bodies over its own limit."""
    text = told(closed)
    limit = _BODY_LIMIT.search(text) if isinstance(closed, ChannelPreconditionFailed) else None
    if limit:
        most = int(limit[1])
        return {n: Refusal("impossible", text, final=True) for n, message in run if len(message.body) > most}
    if isinstance(closed, ChannelAccessRefused):
        return {n: Refusal("access refused", text) for n, message in run if f"'{message.exchange}'" in text}
    return {}
