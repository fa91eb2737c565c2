"""The client of both sides, a process of its own: a closed loop of so many calls at once for so many seconds.

`.. grpc_client PORT SECONDS CONCURRENCY METHOD`, with one request per line of hex on stdin; prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from itertools import cycle
from time import perf_counter

import grpc
import uvloop

from tests.bench.pairs import percentile

MOST_CALLS = 200_000


async def main(port: int, seconds: float, concurrency: int, method: str) -> None:
    """Call, and print how many calls a second were answered and how long one took (milliseconds)."""
    requests = cycle([bytes.fromhex(line) for line in sys.stdin.read().split()])
    took: list[float] = []
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
        await call(next(requests))
        began = perf_counter()

        async def loop() -> None:
            while (now := perf_counter()) - began < seconds and len(took) < MOST_CALLS:
                await call(next(requests))
                took.append((perf_counter() - now) * 1000)

        await asyncio.gather(*(loop() for _ in range(concurrency)))
        elapsed = perf_counter() - began
    print(json.dumps({"calls": len(took), "rate": len(took) / elapsed, "p50": percentile(took, 50)}))


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
