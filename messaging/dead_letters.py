"""Where messages go that will never be usable: kept, with the reason, and sent again when an operator says."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from domain.events import Received
from domain.identity import derived_id
from domain.meter import Meter
from messaging.broker import BrokerLost, Message, Publisher
from messaging.envelope import dead_letter, without_its_envelope
from messaging.reader import EVENT_TYPES
from messaging.topology import PARTNER_EXCHANGE

_log = logging.getLogger(__name__)

_KEYS = {event_type: key for key, event_type in EVENT_TYPES.items()}


class DeadLetters:
    """Sends dead letters, and answers only when the broker has them."""

    def __init__(self, publisher: Publisher, meter: Meter) -> None:
        self._publisher = publisher
        self._meter = meter
        self._turn = asyncio.Lock()

    async def send(self, message: Message, reason: str, detail: str) -> None:
        """Put a message into the dead-letter queue. Raises BrokerLost when it is not certain to be there."""
        letter = dead_letter(message, reason, detail)
        if not letter.message_id:
            letter = replace(letter, message_id=str(derived_id("dead letter", message.body.hex())))
        async with self._turn:
            (refusal,) = await self._publisher.publish([letter])
            if refusal is not None and refusal.final:
                # Its own envelope is what no broker takes; the body and the reason are what must be kept.
                (refusal,) = await self._publisher.publish([without_its_envelope(letter)])
        if refusal is not None:
            raise BrokerLost(f"a dead letter was refused: {refusal.reason} {refusal.detail}")
        self._meter.count("acerto_dead_letters_total", reason=reason)
        _log.warning(
            "dead letter",
            extra={
                "message_id": letter.message_id,
                "routing_key": message.routing_key,
                "reason": reason,
                "detail": detail,
            },
        )

    async def send_received(self, message: Received, reason: str, detail: str) -> None:
        """The same for a message that was readable. Its envelope is made anew: the body is what counts."""
        await self.send(
            Message(
                exchange=PARTNER_EXCHANGE,
                routing_key=_KEYS[message.event_type],
                message_id=message.message_id,
                body=message.body,
                type=message.event_type,
                correlation_id=message.correlation_id,
                headers={
                    "EventType": message.event_type,
                    "EventId": message.message_id,
                    "CorrelationId": message.correlation_id,
                    **({"CausationId": message.causation_id} if message.causation_id else {}),
                    **message.trace,
                },
            ),
            reason,
            detail,
        )
