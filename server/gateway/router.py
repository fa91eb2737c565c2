"""Which route a method and a path belong to: a tree of segments, so that a look-up costs the path, not the routes.

A literal beats `*`, `*` beats `**`, from the left; a trailing slash changes nothing. A verb that any route has ends a
path strictly; any other `:x` is a part of its segment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar
from urllib.parse import unquote

from server.gateway.templates import MANY, ONE, Template

Target = TypeVar("Target")

ANY_METHOD: Final = "*"
"""A route of this method takes every method."""
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class BadPath(ValueError):
    """A path with an escape that is none, or that is not UTF-8."""


class RouteTaken(Exception):
    """Two routes of one method and one template."""


@dataclass(frozen=True, slots=True)
class Found(Generic[Target]):
    """A route, and the path's segments (still escaped) that its template matched."""

    target: Target
    template: Template
    segments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotFound:
    """No route of this method. `allowed` are the methods that the path has; none: the path is unknown."""

    allowed: frozenset[str]


@dataclass(slots=True)
class _Node(Generic[Target]):
    literals: dict[str, _Node[Target]] = field(default_factory=dict)
    one: _Node[Target] | None = None
    many: dict[tuple[str, ...], _Node[Target]] = field(default_factory=dict)
    """By the literals that follow `**`."""
    ends: dict[str, dict[str, tuple[Target, Template]]] = field(default_factory=dict)
    """By verb, then by method."""


class Router(Generic[Target]):
    """The routes."""

    def __init__(self) -> None:
        self._root: _Node[Target] = _Node()
        self._verbs: set[str] = set()

    def add(self, method: str, template: Template, target: Target) -> None:
        """Have a route. Raises RouteTaken when there is one already."""
        routes = self._node(template).ends.setdefault(template.verb, {})
        if method in routes:
            raise RouteTaken(f"{method} {template.text} is also {method} {routes[method][1].text}")
        routes[method] = (target, template)
        if template.verb:
            self._verbs.add(template.verb)

    def find(self, method: str, raw_path: str) -> Found[Target] | NotFound:
        """The route of a method and an escaped path. Raises BadPath."""
        if not raw_path.isascii():
            raise BadPath("the path has characters that must be escaped")
        if "%" in raw_path and _BAD_ESCAPE.search(raw_path):
            raise BadPath("the path has a % that is not followed by two hexadecimal digits")
        segments, verb = self._taken_apart(raw_path)
        decoded = [decode(segment) for segment in segments] if "%" in raw_path else segments
        allowed: set[str] = set()
        for node in _matching(self._root, decoded, 0):
            routes = node.ends.get(verb)
            if routes:
                found = routes.get(method) or routes.get(ANY_METHOD)
                if found:
                    return Found(found[0], found[1], tuple(segments))
                allowed.update(routes)
        return NotFound(frozenset(allowed))

    def _taken_apart(self, raw_path: str) -> tuple[list[str], str]:
        segments = raw_path.split("/")[1:]
        if segments and not segments[-1]:
            segments.pop()
        if segments and ":" in segments[-1]:
            before, _, verb = segments[-1].rpartition(":")
            if verb in self._verbs:
                segments[-1] = before
                return segments, verb
        return segments, ""

    def _node(self, template: Template) -> _Node[Target]:
        node = self._root
        for at, segment in enumerate(template.segments):
            if segment == MANY:
                return node.many.setdefault(template.segments[at + 1 :], _Node())
            if segment == ONE:
                node.one = node.one or _Node()
                node = node.one
            else:
                node = node.literals.setdefault(segment, _Node())
        return node


def decode(segment: str) -> str:
    """A segment without its escapes. Raises BadPath for what is not UTF-8."""
    try:
        return unquote(segment, errors="strict")
    except UnicodeDecodeError as error:
        raise BadPath("the path's escapes are not UTF-8") from error


def _matching(node: _Node[Target], path: list[str], at: int) -> Iterator[_Node[Target]]:
    """The nodes where a path can end, the best first."""
    if at == len(path):
        yield node
    elif path[at]:
        literal = node.literals.get(path[at])
        if literal:
            yield from _matching(literal, path, at + 1)
        if node.one:
            yield from _matching(node.one, path, at + 1)
    if node.many:
        yield from _after_many(node, path, at)


def _after_many(node: _Node[Target], path: list[str], at: int) -> Iterator[_Node[Target]]:
    """Those that more literals follow first."""
    for literals in sorted(node.many, key=len, reverse=True):
        if len(literals) <= len(path) - at and path[len(path) - len(literals) :] == list(literals):
            yield node.many[literals]
