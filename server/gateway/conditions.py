"""Conditions that come as headers, put where the rpc looks for them: of a change, and of where a stream goes on."""

from __future__ import annotations

from typing import Any

from domain.errors import Invalid, Violation
from server.gateway.headers import Asked
from server.gateway.streams import RESUME


def apply_conditions(message: Any, asked: Asked) -> None:
    """`If-Match` as the request's etag, `Last-Event-ID` as the place after which a stream goes on. Raises Invalid."""
    if asked.if_match is not None:
        _make_conditional(message, asked.if_match)
    if asked.last_event_id and RESUME in message.DESCRIPTOR.fields_by_name:
        _go_on_after(message, asked.last_event_id)


def _make_conditional(message: Any, etag: str) -> None:
    """Have the rpc check the etag. Raises Invalid where it does not, and where the request names another."""
    if "etag" not in message.DESCRIPTOR.fields_by_name:
        raise _wrong_condition("this route checks no etag")
    if message.etag not in {"", etag}:
        raise _wrong_condition("differs from the etag in the request")
    message.etag = etag


def _go_on_after(message: Any, place: str) -> None:
    """Have a stream go on where a browser lost it. Raises Invalid."""
    if not (place.isascii() and place.isdecimal() and len(place) < 19):
        problem = "must be an id that this stream gave"
        raise Invalid(f"last-event-id: {problem}", violations=[Violation("last-event-id", problem, "http.header")])
    setattr(message, RESUME, int(place))


def _wrong_condition(problem: str) -> Invalid:
    return Invalid(f"if-match: {problem}", violations=[Violation("if-match", problem, "http.header")])
