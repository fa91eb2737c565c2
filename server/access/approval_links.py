"""Approval links: what a customer decides on a budget by, signed, so that nobody can make one or alter one."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from domain.billing.errors import LinkInvalid
from domain.billing.revision import ApprovalLink
from domain.errors import DomainError, Kind

PLACE: Final = "{token}"
"""Where a template has the token."""

_LABEL: Final = b"acerto approval link, version 1\0"
"""Signed with every token: what is signed by the same key for another purpose is never a link."""
_MAC: Final = 16
"""Bytes of HMAC-SHA256 that are kept: half of it, as RFC 2104 allows, so that a link stays short."""
_CONTENT: Final = 16 + 4 + 8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class NoApprovalLink(DomainError):
    """The budget is not offered now, so it has no approval link."""

    kind, code = Kind.RULE, "NO_APPROVAL_LINK"


class ApprovalLinks:
    """Makes and reads the tokens. The same link is always the same token, so that nothing need be stored."""

    def __init__(self, key: bytes, template: str = "") -> None:
        """`template` is the URL of the page that customers decide on, with `{token}` in it; empty: there is none.

        Raises ValueError for a template without that place.
        """
        if template and PLACE not in template:
            raise ValueError(f"an approval link's template has {PLACE} where the token goes")
        self._key = key
        self._template = template

    def make(self, budget_id: UUID, revision: int, expires_at: datetime) -> str:
        """The token for one revision of one budget: 59 characters, each fit for a URL. `expires_at` is an instant."""
        since = (expires_at - _EPOCH) // _MICROSECOND
        content = budget_id.bytes + revision.to_bytes(4) + since.to_bytes(8)
        return _written(content + self._sign(content))

    def read(self, token: str) -> ApprovalLink:
        """What a token says; one that has expired is read too. Raises LinkInvalid for any that was not made here."""
        raw = _raw(token)
        content, mac = raw[:_CONTENT], raw[_CONTENT:]
        if not hmac.compare_digest(mac, self._sign(content)):
            raise LinkInvalid
        return ApprovalLink(
            budget_id=UUID(bytes=content[:16]),
            revision=int.from_bytes(content[16:20]),
            expires_at=_EPOCH + int.from_bytes(content[20:]) * _MICROSECOND,
        )

    def url(self, token: str) -> str:
        """Where the customer goes with the token; empty when there is no such page."""
        return self._template.replace(PLACE, token)

    def _sign(self, content: bytes) -> bytes:
        return hmac.digest(self._key, _LABEL + content, "sha256")[:_MAC]


def _raw(token: str) -> bytes:
    """The bytes that a token writes, in its one spelling: the decoder alone would pass over what it does not know."""
    try:
        raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except ValueError as error:
        raise LinkInvalid from error
    if _written(raw) != token:
        raise LinkInvalid
    return raw


def _written(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
