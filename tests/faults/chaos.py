"""A soak: seeded random trouble for as long as you like, over real processes; then everything must balance.

Run by hand: `python -m tests.faults.chaos --minutes 10 --seed 7`. The same seed makes the same plan of troubles.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from persistence.migrations import upgrade
from tests.support import postgres, rabbitmq
from tests.support.fleet import Fleet, Role
from tests.support.ledger import Ledger
from tests.support.load import end_sessions, fed, ordered
from tests.support.os_service import OSService, RabbitLine
from tests.support.outbox_feed import Feed
from tests.support.proxy import Proxy
from tests.support.virtual_hosts import VirtualHosts

ROLES = ("relay", "relay", "relay", "consumer", "consumer")


@dataclass
class World:
    """All that can be troubled."""

    fleet: Fleet
    roles: list[Role]
    database: Proxy
    broker: Proxy
    luck: random.Random

    def somebody(self) -> int:
        return self.luck.randrange(len(self.roles))

    def line(self) -> Proxy:
        return self.luck.choice((self.database, self.broker))


async def kill(world: World) -> None:
    place = world.somebody()
    world.roles[place].program.kill()
    world.roles[place] = world.fleet.start(world.roles[place].name)


async def freeze(world: World) -> None:
    role = world.roles[world.somebody()]
    role.program.pause()
    await asyncio.sleep(world.luck.uniform(0.2, 20.0))
    role.program.resume()


async def restart(world: World) -> None:
    place = world.somebody()
    world.roles[place].program.ask_to_stop()
    await world.roles[place].died(within=60)
    world.roles[place] = world.fleet.start(world.roles[place].name)


async def end(world: World) -> None:
    end_sessions(world.fleet.database_url, "acerto-%")


async def reset(world: World) -> None:
    world.line().reset_all()


async def cut(world: World) -> None:
    faults = world.line().faults
    faults.cut_after = int(world.luck.expovariate(1 / 20_000))
    await asyncio.sleep(world.luck.uniform(0.5, 3.0))
    faults.cut_after = None


async def silence(world: World) -> None:
    faults = world.line().faults
    faults.blackhole = True
    await asyncio.sleep(world.luck.uniform(0.5, 20.0))
    faults.blackhole = False


async def refuse(world: World) -> None:
    line = world.line()
    line.faults.refuse = True
    line.reset_all()
    await asyncio.sleep(world.luck.uniform(0.5, 5.0))
    line.faults.refuse = False


async def slow(world: World) -> None:
    faults = world.line().faults
    faults.latency, faults.rate = world.luck.uniform(0.0, 0.2), world.luck.uniform(20_000, 500_000)
    await asyncio.sleep(world.luck.uniform(1.0, 8.0))
    faults.latency, faults.rate = 0.0, None


TROUBLES: tuple[Callable[[World], Awaitable[None]], ...] = (
    kill, kill, freeze, restart, end, reset, cut, silence, refuse, slow,
)  # fmt: skip


@asynccontextmanager
async def world_of(folder: Path, database_url: str, broker_url: str, seed: int) -> AsyncIterator[World]:
    """A fleet behind two bad lines; several consumers at once, so that correctness leans on nothing but itself."""
    async with Proxy(database_url).running() as database, Proxy(broker_url).running() as broker:
        fleet = Fleet(folder, database_url=database_url, broker_url=broker_url, single_active_consumer="false")
        with fleet:
            assert fleet.verb("topology", "apply").code == 0
            fleet.settings |= {"database_url": database.url, "broker_url": broker.url}
            roles = await fleet.running(*ROLES)
            yield World(fleet, roles, database, broker, random.Random(seed))


async def trouble(world: World, seconds: float) -> Counter[str]:
    """Trouble after trouble, sometimes two at once, until the time is over; then the lines are well again."""
    told: Counter[str] = Counter()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        chosen = world.luck.sample(TROUBLES, k=world.luck.choice((1, 1, 2)))
        told.update(one.__name__ for one in chosen)
        # One after the other where both would choose the same process.
        for one in chosen:
            await one(world)
        await asyncio.sleep(world.luck.uniform(0.1, 1.5))
    for line in (world.database, world.broker):
        line.faults = type(line.faults)()
    return told


async def soak(database_url: str, broker_url: str, minutes: float, seed: int) -> str:
    """Raises AssertionError, RuntimeError when the books do not balance."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="acerto-chaos-")))
        world = await stack.enter_async_context(world_of(folder, database_url, broker_url, seed))
        partner = await stack.enter_async_context(OSService(RabbitLine(broker_url)).working())
        async with fed(Feed(database_url)), ordered(partner):
            told = await trouble(world, minutes * 60)
        await Ledger(database_url, partner).balances(within=180)
        heard = Counter(event.event_id for event in partner.heard)
    repeats = sum(heard.values()) - len(heard)
    troubles = ", ".join(f"{name} {count}" for name, count in sorted(told.items()))
    return f"seed {seed}: {len(heard)} events, {len(partner.sent)} messages, {repeats} repeats; {troubles}: it balances"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(10**6)
    sys.stdout.write(f"seed {seed}, {arguments.minutes:g} minutes\n")
    with postgres.server_url() as server, rabbitmq.broker() as broker:
        databases, hosts = postgres.Databases(server, upgrade), VirtualHosts(broker)
        try:
            with databases.migrated() as database_url:
                broker_url = hosts.fresh() or broker.url
                sys.stdout.write(asyncio.run(soak(database_url, broker_url, arguments.minutes, seed)) + "\n")
        finally:
            databases.close()
            hosts.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
