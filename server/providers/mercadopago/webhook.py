"""Mercado Pago's webhooks: whether one is really theirs, and what it is about (billing.md D.3). No I/O."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from pydantic import SecretStr

from domain.billing.notice import Notice
from domain.identity import derived_id
from server.providers.mercadopago import wire
from server.providers.mercadopago.wire import Json

PROVIDER: Final = "mercadopago"
_MILLISECONDS_FROM: Final = 10**12
"""A time stamp from here on counts milliseconds: their documents say both, their examples have both."""
_TIMESTAMP: Final = re.compile(r"[0-9]{1,16}", re.ASCII)
_ORDER_ID: Final = re.compile(r"ord(tst)?[0-9a-z]{26}", re.ASCII | re.IGNORECASE)
_LONGEST_ID: Final = 100


class Failure(Enum):
    """Why a notification is not taken for theirs; the words are those of their own libraries."""

    UNCONFIGURED = "unconfigured"
    MISSING_HEADER = "missing_header"
    MALFORMED_HEADER = "malformed_header"
    MISSING_TIMESTAMP = "missing_timestamp"
    MISSING_HASH = "missing_hash"
    MISMATCH = "mismatch"
    OUT_OF_TOLERANCE = "out_of_tolerance"


def verify(
    secret: SecretStr | None,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    *,
    now: datetime,
    tolerance: timedelta,
) -> Failure | None:
    """None when the signature in `x-signature` is theirs and its time is within `tolerance` of now, either way.

    The id in the query string is signed as it came or in lower case, by which library sent it; either is taken.
    """
    if secret is None or not secret.get_secret_value():
        return Failure.UNCONFIGURED
    known = {name.lower(): value.strip() for name, value in headers.items()}
    header = known.get("x-signature", "")
    if not header:
        return Failure.MISSING_HEADER
    parts = dict(_pair(part) for part in header.split(","))
    failure = _form(header, parts)
    if failure:
        return failure
    key, received = secret.get_secret_value().encode(), query.get("data.id", "").strip()
    expected = [_hash(key, one, known.get("x-request-id", ""), parts["ts"]) for one in (received, received.lower())]
    given = parts["v1"].lower().encode()
    # Both are compared whatever the first says: how long it takes tells nothing.
    if not sum(hmac.compare_digest(one.encode(), given) for one in expected):
        return Failure.MISMATCH
    return None if abs(_milliseconds(parts["ts"], now)) <= tolerance else Failure.OUT_OF_TOLERANCE


def parse(query: Mapping[str, str], body: bytes) -> Notice:
    """What a notification is about: the signed id of the query string, and for the rest the body's word.

    Raises ValueError when it names nothing. A body that is no JSON is not held against it: it is never believed.
    """
    said = _read(body)
    topic = wire.text(said, "type") or wire.text(said, "topic") or query.get("type", "") or query.get("topic", "")
    resource_id = _resource_id(query.get("data.id", "").strip() or wire.text(wire.part(said, "data"), "id"))
    if not resource_id or len(resource_id) > _LONGEST_ID or not topic:
        raise ValueError("a notification that names no resource")
    event_id = wire.text(said, "id")
    if not event_id or len(event_id) > _LONGEST_ID:
        event_id = str(
            derived_id(PROVIDER, topic, resource_id, wire.text(said, "action"), wire.text(said, "date_created"))
        )
    return Notice(
        provider=PROVIDER,
        event_id=event_id,
        topic=topic[:_LONGEST_ID],
        resource_id=resource_id,
        live=said.get("live_mode") is not False,
        body=body,
    )


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return name.strip(), value.strip()


def _form(header: str, parts: Mapping[str, str]) -> Failure | None:
    if not all("=" in part for part in header.split(",")):
        return Failure.MALFORMED_HEADER
    if not parts.get("ts"):
        return Failure.MISSING_TIMESTAMP
    if not parts.get("v1"):
        return Failure.MISSING_HASH
    return None if _TIMESTAMP.fullmatch(parts["ts"]) else Failure.MALFORMED_HEADER


def _hash(key: bytes, data_id: str, request_id: str, ts: str) -> str:
    """Over the manifest; a pair that is absent is left out, and the time stamp stands as it came."""
    pairs = (("id", data_id), ("request-id", request_id), ("ts", ts))
    manifest = "".join(f"{name}:{value};" for name, value in pairs if value)
    return hmac.new(key, manifest.encode(), hashlib.sha256).hexdigest()


def _milliseconds(ts: str, now: datetime) -> timedelta:
    count = int(ts)
    sent = count if count >= _MILLISECONDS_FROM else count * 1000
    return timedelta(milliseconds=round(now.timestamp() * 1000) - sent)


def _resource_id(found: str) -> str:
    """As the API spells it: an order's id comes in lower case from some of their senders."""
    return found.upper() if _ORDER_ID.fullmatch(found) else found


def _read(body: bytes) -> Json:
    try:
        return wire.read(body)
    except ValueError:
        return {}
