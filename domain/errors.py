"""Every refusal the service can give, without knowing how any transport will say it.

`server/rpc/errors.py` maps each kind to gRPC and HTTP; a subclass without its own code cannot be defined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar


class Kind(Enum):
    """What sort of refusal this is; the whole of what a transport needs to choose a status."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    ALREADY_EXISTS = "already_exists"
    STALE = "stale"
    RULE = "rule"
    EXHAUSTED = "exhausted"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with one field: its path in the request, a sentence, and a stable rule name."""

    field: str
    description: str
    rule: str = ""


class DomainError(Exception):
    """A refusal with a kind, a stable code and a sentence that holds ids only, never personal data."""

    kind: ClassVar[Kind]
    code: ClassVar[str]

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "kind" not in cls.__dict__ or "code" not in cls.__dict__:
            raise TypeError(f"{cls.__name__} must define its own kind and code")

    def __init__(
        self,
        message: str | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[Violation] = (),
        retry_after: float | None = None,
    ) -> None:
        self.message = message or (type(self).__doc__ or self.code).splitlines()[0]
        self.metadata = dict(metadata or {})
        self.violations = tuple(violations)
        self.retry_after = retry_after
        super().__init__(self.message)


class Invalid(DomainError):
    """The request is not well formed."""

    kind, code = Kind.INVALID, "INVALID_REQUEST"


class Unauthenticated(DomainError):
    """The caller did not say who it is in a way that can be trusted."""

    kind, code = Kind.UNAUTHENTICATED, "UNAUTHENTICATED"


class Forbidden(DomainError):
    """The caller may not do this."""

    kind, code = Kind.FORBIDDEN, "FORBIDDEN"


class Stale(DomainError):
    """The resource was changed by someone else in between; read it again."""

    kind, code = Kind.STALE, "STALE"


class RequestInProgress(DomainError):
    """A request with the same idempotency key is still running; try again shortly."""

    kind, code = Kind.STALE, "REQUEST_IN_PROGRESS"


class IdempotencyKeyReused(DomainError):
    """The idempotency key was already used for a different request."""

    kind, code = Kind.RULE, "IDEMPOTENCY_KEY_REUSED"


class Overloaded(DomainError):
    """The server is at its limit of concurrent requests; try again shortly."""

    kind, code = Kind.EXHAUSTED, "OVERLOADED"


class Unavailable(DomainError):
    """A part that this request needs is away; try again shortly."""

    kind, code = Kind.UNAVAILABLE, "UNAVAILABLE"
