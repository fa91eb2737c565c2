"""Reading from partners whose properties pamqp cannot decode: bytes that are not UTF-8, dates beyond all years.

aiormq gives the connection up over them and the broker sends them again: one such message would stop its queue. So a
link that died of one comes back careful and delivers it marked; not always, since every header is then decoded twice.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from pamqp import commands
from pamqp.constants import FRAME_END_CHAR, FRAME_HEADER
from pamqp.header import ContentHeader

UNREADABLE: Final = "unreadable-properties"
"""The one header of a message whose properties could not be read."""

_FIXED: Final = 12
"""Bytes before the properties: class, weight, body size."""

_MARK: Final = commands.Basic.Properties(headers={UNREADABLE: "true"}).marshal()


@dataclass(slots=True)
class Manners:
    """How links of one broker read from now on."""

    careful: bool = False


class CarefulReader(asyncio.StreamReader):
    """Stands before the socket's own reader. aiormq reads each frame in three pieces: kind, sizes, the rest."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        super().__init__()
        self._socket = reader
        self._piece = 0
        self._kind = 0

    def at_eof(self) -> bool:
        return self._socket.at_eof()

    async def read(self, n: int = -1) -> bytes:
        return await self._socket.read(n)

    async def readexactly(self, n: int) -> bytes:
        piece = await self._socket.readexactly(n)
        self._piece = (self._piece + 1) % 3
        if self._piece == 1:
            self._kind = piece[0]
        return readable(piece) if self._piece == 0 and self._kind == FRAME_HEADER else piece


def readable(header: bytes) -> bytes:
    """A content header frame's payload and end, of the same length, whose properties can be decoded."""
    try:
        ContentHeader().unmarshal(header[:-1])
    except (ValueError, LookupError, ArithmeticError, OSError):
        mark = _MARK if len(_MARK) <= len(header) - _FIXED - 1 else b""
        return (header[:_FIXED] + mark).ljust(len(header) - 1, b"\0") + FRAME_END_CHAR
    return header
