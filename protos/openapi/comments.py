"""The contracts' comments for readers of HTTP: names as JSON has them, a paragraph a line.

Descriptors in Python have no comments, so they are read from what protoc keeps of the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto

Place = tuple[int, ...]
"""A path through a file's descriptor, as SourceCodeInfo has it: field numbers and indexes in turn."""

_MESSAGES: Final = 4
_ENUMS: Final = 5
_SERVICES: Final = 6
_FIELDS: Final = 2
_NESTED: Final = 3
_ENUMS_INSIDE: Final = 4
_QUOTED: Final = re.compile(r"`((?:[A-Z]\w*\.)?[a-z]\w*(?:\.[a-z]\w*)*)`")
_BORDER: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z`(])")


class Comments:
    """The comments of some files."""

    def __init__(self, files: Iterable[FileDescriptorProto]) -> None:
        self._texts: dict[str, str] = {}
        self._spellings: dict[str, str] = {}
        for file in files:
            named = dict(_named(file))
            kept = ((tuple(place.path), place.leading_comments) for place in file.source_code_info.location)
            self._texts |= {named[place]: _unwrapped(text) for place, text in kept if text and place in named}
            self._spellings |= {name: _camel(name) for name in _names(file.message_type) if "_" in name}

    def of(self, full_name: str) -> str:
        """The comment as Markdown; empty where there is none."""
        return _QUOTED.sub(lambda found: f"`{self._spelled(found[1])}`", self._texts.get(full_name, ""))

    def _spelled(self, path: str) -> str:
        """A path of fields in JSON's spelling; what names no field stays, and an error's metadata does."""
        names = path.split(".")
        if names[0] == "metadata":
            return path
        return ".".join(self._spellings.get(name, name) for name in names)


def summary_and_rest(text: str) -> tuple[str, str]:
    """The first sentence, and what follows it."""
    first, *rest = _BORDER.split(text, maxsplit=1)
    return first.replace("\n", " "), "".join(rest)


def joined(*texts: str) -> str:
    """Paragraphs, without those that are empty."""
    return "\n\n".join(text for text in texts if text)


def described(schema: dict[str, Any], *texts: str) -> dict[str, Any]:
    """A schema with these sentences as its description, if there are any."""
    text = " ".join(text for text in texts if text)
    return schema | {"description": text} if text else schema


def _unwrapped(comment: str) -> str:
    """Lines of one paragraph become one line; points of a list keep theirs."""
    pieces: list[str] = []
    for line in comment.splitlines():
        text = line.strip()
        if text and pieces and pieces[-1] and not text.startswith("- "):
            pieces[-1] += f" {text}"
        else:
            pieces.append(text)
    return "\n".join(pieces).strip()


def _named(file: FileDescriptorProto) -> Iterator[tuple[Place, str]]:
    """The full name of everything that can have a comment, by its place."""
    yield from _of_messages(file.message_type, (_MESSAGES,), file.package)
    yield from _of_parts(file.enum_type, "value", (_ENUMS,), file.package)
    yield from _of_parts(file.service, "method", (_SERVICES,), file.package)


def _of_messages(messages: Sequence[DescriptorProto], place: Place, scope: str) -> Iterator[tuple[Place, str]]:
    yield from _of_parts(messages, "field", place, scope)
    for at, message in enumerate(messages):
        name, here = f"{scope}.{message.name}", (*place, at)
        yield from _of_messages(message.nested_type, (*here, _NESTED), name)
        yield from _of_parts(message.enum_type, "value", (*here, _ENUMS_INSIDE), name)


def _of_parts(wholes: Iterable[Any], parts: str, place: Place, scope: str) -> Iterator[tuple[Place, str]]:
    """Messages with their fields, enums with their values, services with their methods: all of them have number 2."""
    for at, whole in enumerate(wholes):
        yield (*place, at), f"{scope}.{whole.name}"
        for number, part in enumerate(getattr(whole, parts)):
            yield (*place, at, _FIELDS, number), f"{scope}.{whole.name}.{part.name}"


def _names(messages: Iterable[DescriptorProto]) -> Iterator[str]:
    for message in messages:
        yield from (field.name for field in message.field)
        yield from _names(message.nested_type)


def _camel(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name)
