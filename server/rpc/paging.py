"""One page of a list: one row more is asked for than is given, and the last one given is where the next begins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from server.rpc.page_tokens import PageTokens, page_size

Row = TypeVar("Row")
Place = TypeVar("Place")


@dataclass(frozen=True, slots=True)
class Places(Generic[Place]):
    """The places of rows in an order, and how a page token, which has `parts` texts, writes one."""

    parts: int
    write: Callable[[Place], tuple[str, ...]]
    read: Callable[[tuple[str, ...]], Place]


BY_TIME: Final[Places[tuple[datetime, UUID]]] = Places(
    2,
    lambda place: (place[0].isoformat(), str(place[1])),
    lambda texts: (datetime.fromisoformat(texts[0]), UUID(texts[1])),
)
"""By an instant, and by id where two share one."""
BY_NUMBER: Final[Places[int]] = Places(1, lambda place: (str(place),), lambda texts: int(texts[0]))
BY_WORDS: Final[Places[tuple[str, str]]] = Places(2, lambda place: place, lambda texts: (texts[0], texts[1]))


def by_texts(parts: int) -> Places[tuple[str, ...]]:
    """By so many texts."""
    return Places(parts, lambda place: place, lambda texts: texts)


async def page_of(
    tokens: PageTokens,
    request: Any,
    places: Places[Place],
    ask: Callable[[Place | None, int], Awaitable[Sequence[Row]]],
    place_of: Callable[[Row], Place],
) -> tuple[Sequence[Row], str]:
    """The rows of the page that a request asks for, and the token of the next one: empty when this is the last.

    `ask` gives up to so many rows that come after a place, in order. Raises InvalidPageToken, and as `ask` does.
    """
    size = page_size(request.page_size)
    place = tokens.read(request, request.page_token, parts=places.parts)
    found = await ask(None if place is None else places.read(place), size + 1)
    if len(found) <= size:
        return found, ""
    return found[:size], tokens.make(request, places.write(place_of(found[size - 1])))
