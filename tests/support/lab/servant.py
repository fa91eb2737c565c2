"""Who serves the lab: he writes down what reached him and answers by a simple rule, behind gRPC or in process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

_BOOKS: Final = [{"name": "shelves/1/books/1", "title": "Dom Casmurro"}, {"name": "shelves/1/books/2"}]
_REPLIES: Final[dict[str, list[dict[str, Any]]]] = {
    "ListShelves": [{}],
    "ListBooks": [{"id": "1", "title": "War & Peace"}, {"id": "2", "quotes": ["é"]}],
    "ListCheckouts": [{"checkouts": [{"id": "1", "books": _BOOKS}, {"id": "2"}]}],
    "GetCheckout": [{"id": "1", "books": _BOOKS}],
    "Download": [{"file": {"contentType": "text/plain", "data": "aGVsbG8="}}],
    "Index": [{"contentType": "text/html", "data": "PGgxPkhlbGxvITwvaDE+"}],
    "IndexStream": [
        {"contentType": "text/html", "data": "PGgxPkhlbGxvITwvaDE+"},
        {"contentType": "text/plain", "data": "SGVsbG8h"},
    ],
}


class Refused(Exception):
    """The servant was told to refuse: a gRPC code by its number, and a sentence."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


@dataclass
class Servant:
    """Serves every rpc of the lab. `refusal`: what he answers instead; `cut`: what he ends a stream with."""

    received: list[tuple[str, Message]] = field(default_factory=list)
    refusal: Refused | None = None
    cut: Refused | None = None

    def stream(self, rpc: MethodDescriptor, request: Message) -> Iterator[Message]:
        """The replies, then the cut. Raises Refused when told to."""
        yield from self.answer(rpc, request)
        if self.cut is not None:
            raise self.cut

    def answer(self, rpc: MethodDescriptor, request: Message) -> list[Message]:
        """One reply, or those of a stream.

        The request's own type is echoed; else the one field of the request that has the reply's type; else it is
        what stands in the table above, or an empty message. Raises Refused when told to.
        """
        self.received.append((rpc.name, request))
        if self.refusal is not None:
            raise self.refusal
        if rpc.input_type is rpc.output_type:
            return [request]
        reply = message_factory.GetMessageClass(rpc.output_type)
        if rpc.name in _REPLIES:
            return [json_format.ParseDict(one, reply()) for one in _REPLIES[rpc.name]]
        return [_part(request, rpc) or reply()]


def _part(request: Message, rpc: MethodDescriptor) -> Message | None:
    """What the request holds of the reply's type, if anything; looked for below messages too."""
    for one, value in request.ListFields():
        if one.type != FieldDescriptor.TYPE_MESSAGE or one.is_repeated:
            continue
        found: Message | None = value if one.message_type is rpc.output_type else _part(value, rpc)
        if found is not None:
            return found
    return None
