"""Reads what partners really send: many envelopes, many spellings, one meaning (billing.md A, the tolerant reader).

What cannot be read is refused with a reason, and never guessed: it must not become a budget for the nil UUID.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, DecimalException
from typing import Any, NoReturn
from uuid import UUID

from domain.events import Received
from domain.identity import derived_id, work_order_id
from messaging.broker import Message

LARGEST = 1_048_576
"""Bytes of a body that is read; more is refused unread."""

ALIASES: Mapping[str, tuple[str, ...]] = {
    "OsId": ("OsId", "osId"),
    "Description": ("Description", "description", "descricao", "Descricao"),
    "CreatedAt": ("CreatedAt", "createdAt", "timestamp"),
    "Valor": ("Valor", "valor"),
    "Customer": ("Customer", "customer"),
    "Items": ("Items", "items"),
    "ServiceCode": ("ServiceCode", "serviceCode"),
    "WorkshopId": ("WorkshopId", "workshopId"),
    "Reason": ("Reason", "reason"),
    "CanceledAt": ("CanceledAt", "canceledAt"),
    "RequestedAt": ("RequestedAt", "requestedAt"),
}
"""Each field by its name here, and the names it is read under, the first present one first."""

EVENT_TYPES = {
    "os-created": "OsCreated",
    "os-canceled": "OsCanceled",
    "os-compensation-requested": "OsCompensationRequested",
}
"""The events that are read, by routing key."""

_KNOWN = frozenset(EVENT_TYPES.values())
_NOT_JSON = ("image/", "audio/", "video/", "multipart/", "application/protobuf", "application/x-protobuf")
_DEEPEST = 6
_NOBODY = str(UUID(int=0))
"""What a partner's system writes when it has no id: taken for one, all its messages would be one."""
_NESTING = 40
_LONGEST_ID = 200
"""Bytes. An id is a message property, which AMQP gives 255 bytes."""
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
_TRACESTATE = re.compile(r"[ -~]{1,512}", re.ASCII)


class Unusable(Exception):  # a message, not an error of ours: hence no Error in its name
    """A message that will never be usable; `reason` is a short stable name, `detail` a sentence without its content."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}")


def read(message: Message, consumer: str) -> Received:
    """The event in a message. Raises Unusable."""
    layers = list(_layers(_json(message)))
    event = layers[-1]
    headers = {name.lower(): str(value) for name, value in message.headers.items()}
    event_type = _event_type(message, headers, layers)
    content = {name: event[found] for name, names in ALIASES.items() if (found := _first(event, names)) is not None}
    key = _key(content.pop("OsId", None))
    _must_be_shallow(content)
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    correlation_id = headers.get("correlationid") or message.correlation_id or _named(layers, "CorrelationId")
    told = (headers.get("eventid"), _named(layers, "EventId"), message.message_id)
    message_id = next((one for one in told if one and one != _NOBODY), "") or str(
        derived_id("message", event_type, key, _clean(correlation_id), canonical)
    )
    return Received(
        consumer=consumer,
        message_id=_id(message_id),
        event_type=event_type,
        key=key,
        correlation_id=_id(correlation_id or message_id),
        causation_id=_id(headers.get("causationid") or _named(layers, "CausationId")),
        content=json.loads(canonical),
        body=message.body,
        digest=hashlib.sha256(f"{event_type}\x1f{key}\x1f{canonical}".encode()).digest(),
        trace=_trace(headers),
    )


def _json(message: Message) -> dict[str, Any]:
    if len(message.body) > LARGEST:
        raise Unusable("oversize", f"{len(message.body)} bytes are more than {LARGEST}")
    if message.content_type.lower().startswith(_NOT_JSON):
        raise Unusable("content_type", f"{message.content_type[:60]} is not JSON")
    if not message.body.strip():
        raise Unusable("empty", "the body is empty")
    return _object(message.body)


def _object(text: str | bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(text, parse_float=Decimal, parse_constant=_not_a_number)
    except UnicodeDecodeError as error:
        raise Unusable("encoding", "the body is not UTF-8") from error
    except RecursionError as error:
        raise Unusable("nesting", "the JSON is nested too deep") from error
    except (ValueError, DecimalException) as error:
        raise Unusable("json", f"the body is not JSON: {type(error).__name__}") from error
    if not isinstance(parsed, dict):
        raise Unusable("json", "the JSON is not an object")
    return parsed


def _not_a_number(token: str) -> NoReturn:
    raise Unusable("json", f"{token} is not JSON")


def _layers(outer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The envelopes from the outside in; the last is the event itself."""
    layer: dict[str, Any] | None = outer
    for _ in range(_DEEPEST):
        if layer is None:
            return
        yield layer
        layer = _inner(layer)
    raise Unusable("nesting", "there are too many envelopes around the event")


def _inner(layer: Mapping[str, Any]) -> dict[str, Any] | None:
    for name in ("Payload", "payload", "Message"):
        value = layer.get(name)
        if isinstance(value, dict):
            return value
        if isinstance(value, str) and _first(layer, ALIASES["OsId"]) is None:
            return _object(value)
    return None


def _event_type(message: Message, headers: Mapping[str, str], layers: list[dict[str, Any]]) -> str:
    candidates = [headers.get("eventtype"), message.type]
    candidates += [_attribute(layer, "EventType") for layer in layers]
    candidates += [layer.get(name) for layer in reversed(layers) for name in ("EventType", "eventType", "Type")]
    told = [text for text in candidates if isinstance(text, str) and text and text != "Notification"]
    event_type = told[0] if told else EVENT_TYPES.get(message.routing_key, "")
    if not event_type:
        raise Unusable("no_type", "neither headers, body nor routing key say what event this is")
    if event_type not in _KNOWN:
        raise Unusable("unknown_type", f"{_clean(event_type)[:80]} is not an event that is read here")
    return event_type


def _attribute(layer: Mapping[str, Any], name: str) -> str:
    attributes = layer.get("MessageAttributes")
    attribute = attributes.get(name) if isinstance(attributes, dict) else None
    value = attribute.get("Value") if isinstance(attribute, dict) else None
    return value if isinstance(value, str) else ""


def _named(layers: list[dict[str, Any]], name: str) -> str:
    """A metadatum from the body: an attribute of a notification, or a field of any layer, the outermost first."""
    for layer in layers:
        value = _attribute(layer, name) or layer.get(name) or layer.get(name[0].lower() + name[1:])
        if isinstance(value, str) and value:
            return value
    return ""


def _first(layer: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if layer.get(name) is not None), None)


def _key(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Unusable("no_work_order", "there is no OsId that is a UUID or a number")
    try:
        return str(work_order_id(str(value)))
    except ValueError as error:
        raise Unusable(
            "no_work_order", "OsId is neither a UUID nor a number of at most 12 digits above zero"
        ) from error


def _must_be_shallow(content: Mapping[str, Any]) -> None:
    # What is nested deeper than this would be written by one part of the program and be too deep for another.
    level: list[Any] = [content]
    for _ in range(_NESTING):
        members = [member for node in level for member in (node.values() if isinstance(node, dict) else node)]
        level = [member for member in members if isinstance(member, dict | list)]
    if level:
        raise Unusable("nesting", "the JSON is nested too deep")


def _trace(headers: Mapping[str, str]) -> dict[str, str]:
    """W3C trace headers, if they are: they are handed on with every fact that the message causes."""
    parent, state = headers.get("traceparent", ""), headers.get("tracestate", "")
    if not _TRACEPARENT.fullmatch(parent):
        return {}
    return {"traceparent": parent} | ({"tracestate": state} if _TRACESTATE.fullmatch(state) else {})


def _id(text: str) -> str:
    """An id that a database and a broker take; one that is too long is replaced by what it alone gives."""
    cleaned = _clean(text)
    return cleaned if len(cleaned.encode()) <= _LONGEST_ID else str(derived_id("long id", cleaned))


def _clean(text: str) -> str:
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
