"""`migrate`: bring the database to this version's schema."""

from __future__ import annotations

import argparse
import asyncio
import sys

from persistence import migrations
from persistence.engine import address
from server.settings import Settings
from server.wiring import built


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser("migrate", help="bring the database to this version's schema")
    verb.add_argument("--plan", action="store_true", help="only list the migrations that are missing")
    verb.set_defaults(run=run)


async def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Apply or list what is missing; answers 0."""
    async with built(settings) as house:
        url = house.database.url
        missing = await asyncio.to_thread(migrations.pending, url)
        if missing and not arguments.plan:
            await asyncio.to_thread(migrations.upgrade, url)
    state = f"{'lacks' if arguments.plan else 'got'} {', '.join(missing)}" if missing else "is up to date"
    sys.stdout.write(f"{address(url)} {state}\n")
    return 0
