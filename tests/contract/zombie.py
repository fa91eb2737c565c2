"""A consumer that holds one message, is frozen past its lease, and then tries to settle it: run by the tests."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from messaging.broker import BrokerLost
from messaging.postgres import PostgresBroker
from tests.contract.scenes import some
from tests.support.waiting import eventually


async def main(url: str, queue: str, signal: Path) -> None:
    async with PostgresBroker(url, lease=1.0).subscription(queue, prefetch=1) as subscription:
        (delivery,) = await some(subscription, 1)
        print(f"holds {delivery.message.message_id}", flush=True)  # noqa: T201 -- the test reads it
        await eventually(signal.exists, within=60)
        try:
            await subscription.ack(delivery)
        except BrokerLost as refused:
            print(f"refused: {refused}", flush=True)  # noqa: T201 -- as above
        else:
            print("settled", flush=True)  # noqa: T201 -- as above


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
