"""The client of every side of the HTTP benchmark, a process of its own: raw HTTP/1.1 on connections kept alive.

`.. http_client PORT SECONDS CONNECTIONS`, with whole requests in hex, one a line, on stdin; each is sent once per turn
of the list, and a list is not begun again when it creates something. Prints JSON. Anything but a 200 ends it.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from itertools import cycle
from time import perf_counter
from typing import Final, cast

import uvloop

from tests.bench.pairs import percentile

PATIENCE: Final = 20.0
"""Seconds that the last answers may take beyond the time."""

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_END: Final = b"\r\n\r\n"
_OK: Final = (b"HTTP/1.1 200 ", b"HTTP/1.1 201 ")


class Caller(asyncio.Protocol):
    """One connection that always has one request under way, until the time is over."""

    def __init__(self, requests: Iterator[bytes], until: float, took: list[float]) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._until = until
        self._took = took
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._whole = 0
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass
        self._next()

    def data_received(self, part: bytes) -> None:
        """A part of an answer; when it is whole, the next request."""
        self._buffer += part
        if not self._whole and not self._measure():
            return
        if len(self._buffer) < self._whole:
            return
        self._took.append((perf_counter() - self._sent) * 1000)
        self._buffer, self._whole = b"", 0
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        """The end, wanted or not."""
        if not self.done.done():
            self.done.set_exception(error or ConnectionResetError("the server closed the connection"))

    def _measure(self) -> bool:
        """Whether the head is there; then the length of the whole answer is known."""
        head = self._buffer.find(_END)
        if head < 0:
            return False
        length = _LENGTH.search(self._buffer, 0, head + 2)
        if not self._buffer.startswith(_OK) or length is None:
            self.done.set_exception(RuntimeError(f"not what was asked for: {self._buffer[:2000]!r}"))
            return False
        self._whole = head + len(_END) + int(length[1])
        return True

    def _next(self) -> None:
        assert self._transport is not None
        self._sent = perf_counter()
        request = next(self._requests, None) if self._sent < self._until else None
        if request is not None:
            self._transport.write(request)
        elif not self.done.done():
            self.done.set_result(None)
            self._transport.close()


async def main(port: int, seconds: float, connections: int) -> None:
    """Call, and print how many calls a second were answered and how long one took (milliseconds)."""
    given = [bytes.fromhex(line) for line in sys.stdin.read().split()]
    requests = cycle(given) if given[0].startswith(b"GET ") else iter(given)
    loop = asyncio.get_running_loop()
    took: list[float] = []
    began = perf_counter()
    callers = [
        await loop.create_connection(lambda: Caller(requests, began + seconds, took), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.wait_for(asyncio.gather(*(caller.done for _, caller in callers)), seconds + PATIENCE)
    elapsed = perf_counter() - began
    print(json.dumps({"calls": len(took), "rate": len(took) / elapsed, "p50": percentile(took, 50)}))


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
