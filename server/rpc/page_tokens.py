"""Page tokens: where a list goes on, signed, so that nobody can make one or use one with other filters."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from google.protobuf.message import Message

from domain.errors import DomainError, Kind, Violation

DEFAULT_SIZE: Final = 50
MOST: Final = 1000
_MAC = sha256().digest_size
_PAGING = ("page_size", "page_token")


class InvalidPageToken(DomainError):
    """The page token was not made here, or for another filter or order."""

    kind, code = Kind.INVALID, "INVALID_PAGE_TOKEN"


def page_size(asked: int) -> int:
    """How many to give: 50 when nothing is asked, at most 1000."""
    return min(asked or DEFAULT_SIZE, MOST)


class PageTokens:
    """Makes and reads page tokens. A token fits the rpc's request type and the filters it was made for."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self, request: Message, place: Sequence[str]) -> str:
        """The token for the page after `place`: the sort key of the last row that was given."""
        content = b"".join(len(part).to_bytes(2) + part for part in (text.encode() for text in place))
        return urlsafe_b64encode(self._sign(request, content) + content).rstrip(b"=").decode()

    def read(self, request: Message, token: str, parts: int) -> tuple[str, ...] | None:
        """The place in the request's token, of so many parts; None for the first page. Raises InvalidPageToken."""
        if not token:
            return None
        try:
            raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        except ValueError as error:
            raise _invalid() from error
        signature, content = raw[:_MAC], raw[_MAC:]
        if not hmac.compare_digest(signature, self._sign(request, content)):
            raise _invalid()
        place = _unpacked(content)
        if len(place) != parts:
            raise _invalid()
        return place

    def _sign(self, request: Message, content: bytes) -> bytes:
        wanted = type(request)()
        wanted.CopyFrom(request)
        for field in _PAGING:
            wanted.ClearField(field)
        bound = sha256(wanted.SerializeToString(deterministic=True)).digest()
        name = wanted.DESCRIPTOR.full_name.encode()
        return hmac.digest(self._key, name + b"\0" + bound + content, "sha256")


def _unpacked(content: bytes) -> tuple[str, ...]:
    place = []
    while content:
        end = 2 + int.from_bytes(content[:2])
        place.append(content[2:end].decode())
        content = content[end:]
    return tuple(place)


def _invalid() -> InvalidPageToken:
    return InvalidPageToken(
        violations=[Violation("page_token", "must be the next_page_token of the page before, with the same filters")]
    )
