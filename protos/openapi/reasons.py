"""The reasons for which an operation can be refused, and the status of each: by the server's own tables."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Final

import domain
import server.gateway
import server.rpc
from domain.errors import DomainError
from protos.compiler import ContractError
from protos.openapi.comments import Comments, summary_and_rest
from protos.openapi.contracts import Contracts
from server.gateway.refusals import DOOR
from server.rpc.errors import OUTSIDE, TABLE
from server.rpc.methods import Method

ALWAYS: Final = frozenset(
    {"INVALID_REQUEST", "UNAUTHENTICATED", "FORBIDDEN", "OVERLOADED", "UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL"}
    | {"REQUEST_TIMEOUT", "URI_TOO_LONG", "HEADERS_TOO_LARGE"}
)
"""What every operation can be refused for."""
WRITING: Final = frozenset({"REQUEST_IN_PROGRESS", "IDEMPOTENCY_KEY_REUSED", "STALE", "ORIGIN_NOT_ALLOWED"})
"""Those that change something: two at once with one key, two at once on one thing, and pages of strangers."""
BODY: Final = frozenset({"BODY_TOO_LARGE"})
JSON_BODY: Final = frozenset({"MALFORMED_JSON", "UNSUPPORTED_MEDIA_TYPE"})
NO_OPERATION: Final = frozenset(
    {"ROUTE_NOT_FOUND", "METHOD_NOT_ALLOWED", "MALFORMED_HTTP", "UNKNOWN_METHOD", "MALFORMED_MESSAGE", "CANCELED"}
)
"""No operation's: there is no such route, no HTTP, or nobody who waits for the answer."""
LISTED: Final = frozenset({"INVALID_PAGE_TOKEN", "ILLEGAL_TRANSITION"})
"""Of no context, and still given only by the rpcs that list them."""

_PREFIX: Final = "ERROR_REASON_"
_LIST: Final = re.compile(r"\bRefusals:(.*)", re.DOTALL)
_NAME: Final = re.compile(r"\b[A-Z][A-Z0-9_]{2,}\b")
_AS: Final = re.compile(r"\bas (?:(?P<service>[A-Z]\w+)\.)?(?P<rpc>[A-Z][a-z]\w+)\b")


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason by its name on the wire, the HTTP status that it has, and when it is given."""

    name: str
    status: int
    sentence: str


def reasons_of(contracts: Contracts) -> dict[str, Reason]:
    """Every reason of the contracts by its name. Raises ContractError for one that the server never gives."""
    statuses = _statuses()
    found: dict[str, Reason] = {}
    for value in contracts.reasons:
        name = value.name.removeprefix(_PREFIX)
        if name not in statuses:
            raise ContractError(f"{value.name}: the server has no status for it")
        comment = contracts.comments.of(f"{value.type.full_name}.{value.name}")
        sentence = summary_and_rest(comment)[0].partition(" -> ")[0].rstrip(" .")
        found[name] = Reason(name, statuses[name], f"{sentence}.")
    return found


class Refusals:
    """What the contracts say that each rpc refuses: `Refusals: A, B (when so); as OtherRpc.`"""

    def __init__(self, methods: Iterable[Method], comments: Comments, known: Mapping[str, Reason]) -> None:
        self._by_name = {(method.service.rpartition(".")[2], method.name): method for method in methods}
        self._comments = comments
        self._known = known

    def of(self, method: Method) -> frozenset[str]:
        """The reasons that its comment lists. Raises ContractError for what is neither a reason nor an rpc."""
        return frozenset(self._listed(method, {method.full_name}))

    def _listed(self, method: Method, seen: set[str]) -> Iterator[str]:
        found = _LIST.search(self._comments.of(method.descriptor.full_name))
        text = found[1] if found else ""
        names = {name for name in _NAME.findall(text) if "_" in name or name in self._known}
        if strange := names - self._known.keys():
            raise ContractError(f"{method.full_name}: {', '.join(sorted(strange))} is no known reason")
        yield from names
        for other in self._others(method, text):
            if other.full_name not in seen:
                seen.add(other.full_name)
                yield from self._listed(other, seen)

    def _others(self, method: Method, text: str) -> Iterator[Method]:
        for found in _AS.finditer(text):
            service = found["service"] or method.service.rpartition(".")[2]
            if (service, found["rpc"]) not in self._by_name:
                raise ContractError(f"{method.full_name}: its comment refuses as {found['rpc']} does, which is no rpc")
            yield self._by_name[service, found["rpc"]]


def _statuses() -> dict[str, int]:
    """The HTTP status of each reason, as the server's tables have it."""
    for package in (domain, server.gateway, server.rpc):
        _import_all(package)
    ours = (error for error in _descendants(DomainError) if error.__module__.startswith(("domain.", "server.")))
    outside = {reason: status.http for table in (OUTSIDE, DOOR) for reason, status in table.items()}
    return {error.code: TABLE[error.kind].http for error in ours} | outside


def _import_all(package: ModuleType) -> None:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(found.name)


def _descendants(parent: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in parent.__subclasses__():
        yield child
        yield from _descendants(child)
