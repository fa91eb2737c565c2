"""An independent AMQP client in a process of its own: notes the moment at which each event of a queue arrived.

`.. listener URL QUEUE SECONDS`, until SECONDS passed or stdin closed; then prints JSON {work order: instant}.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import aio_pika
import uvloop
from aio_pika.abc import AbstractIncomingMessage


async def main(url: str, queue: str, seconds: float) -> None:
    """Listen; a partner's own fields are read only after the last event came."""
    arrived: list[tuple[bytes, float]] = []

    async def on_message(message: AbstractIncomingMessage) -> None:
        arrived.append((message.body, time.time()))

    async with await aio_pika.connect(url, timeout=10) as connection:
        channel = await connection.channel()
        await (await channel.get_queue(queue)).consume(on_message, no_ack=True)
        print("listening", flush=True)
        await asyncio.wait({asyncio.ensure_future(asyncio.to_thread(sys.stdin.read))}, timeout=seconds)
    print(json.dumps({json.loads(body)["OsId"]: at for body, at in arrived}))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
