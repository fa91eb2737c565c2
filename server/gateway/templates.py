"""Path templates as `google/api/http.proto` has them: `/v1/{name=shelves/*}/books/{book.id}:read`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

ONE: Final = "*"
"""A segment of a template that stands for any one segment of a path."""
MANY: Final = "**"
"""One that stands for any number of segments, none too."""

_LITERAL = re.compile(r"(?:[A-Za-z0-9._~!$&'()+,;=@-]|%[0-9A-Fa-f]{2})+", re.ASCII)
_FIELD_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*", re.ASCII)
_VERB = re.compile(r":(?P<verb>[^:/{}]*)$")
_PIECE = re.compile(r"\{[^{}]*\}|[^/{}]+")


class TemplateError(ValueError):
    """A path template that http.proto does not allow; the text is the template and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A field that takes a part of the path: the template's segments from `start` up to, not including, `end`."""

    field_path: str
    start: int
    end: int
    several: bool
    """Whether it can take more than one segment; an escaped slash in it then stays escaped."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template taken apart. `segments` are literals (decoded), ONE or MANY; `verb` is empty when there is none."""

    text: str
    segments: tuple[str, ...]
    verb: str
    variables: tuple[Variable, ...]

    def variable_parts(self, path: Sequence[str]) -> list[tuple[Variable, Sequence[str]]]:
        """What each variable takes of a path that matches: the path's segments, still escaped."""
        longer = len(path) - len(self.segments)
        many = self.segments.index(MANY) if MANY in self.segments else len(self.segments)

        def place(at: int) -> int:
            return at if at <= many else at + longer

        return [(variable, path[place(variable.start) : place(variable.end)]) for variable in self.variables]


def parse_template(text: str) -> Template:
    """Take a template apart. Raises TemplateError."""
    if not text.startswith("/"):
        raise TemplateError(f"{text}: must begin with a slash")
    path, verb = _without_verb(text)
    segments: list[str] = []
    variables: list[Variable] = []
    for piece in _pieces(text, path):
        if not piece.startswith("{"):
            segments.append(_segment(text, piece))
            continue
        field_path, _, pattern = piece[1:-1].partition("=")
        inner = [_segment(text, one) for one in (pattern if "=" in piece else ONE).split("/")]
        variables.append(_variable(text, field_path, len(segments), inner))
        segments.extend(inner)
    _check(text, segments, variables)
    return Template(text, tuple(segments), verb, tuple(variables))


def _without_verb(text: str) -> tuple[str, str]:
    found = _VERB.search(text)
    if not found:
        return text, ""
    if not _LITERAL.fullmatch(found["verb"]):
        raise TemplateError(f"{text}: the verb after the colon must be a literal")
    return text[: found.start()], unquote(found["verb"])


def _pieces(text: str, path: str) -> list[str]:
    """The path's segments; a variable is one piece, whatever slashes it has."""
    if path == "/":
        return []
    pieces = _PIECE.findall(path)
    if path != "".join(f"/{piece}" for piece in pieces):
        raise TemplateError(f"{text}: segments are parted by one slash each, and braces close")
    return pieces


def _segment(text: str, segment: str) -> str:
    if segment in {ONE, MANY}:
        return segment
    if not _LITERAL.fullmatch(segment):
        raise TemplateError(f"{text}: {segment!r} is neither a literal nor a wildcard")
    return unquote(segment)


def _variable(text: str, field_path: str, start: int, inner: list[str]) -> Variable:
    if not _FIELD_PATH.fullmatch(field_path):
        raise TemplateError(f"{text}: {field_path!r} is no field path")
    return Variable(field_path, start, start + len(inner), several=inner != [ONE] and (len(inner) > 1 or MANY in inner))


def _check(text: str, segments: list[str], variables: list[Variable]) -> None:
    if MANY in segments and {ONE, MANY} & set(segments[segments.index(MANY) + 1 :]):
        raise TemplateError(f"{text}: no wildcard may follow **")
    paths = [variable.field_path for variable in variables]
    if len(set(paths)) < len(paths):
        raise TemplateError(f"{text}: a field is bound twice")
