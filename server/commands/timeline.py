"""`timeline OS_ID`: the whole saga of one work order."""

from __future__ import annotations

import argparse
import sys

from domain.actor import Actor
from domain.identity import work_order_id
from server.commands.sample import shown
from server.settings import Settings
from server.wiring import built


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser("timeline", help="show the whole saga of one work order")
    verb.add_argument("os_id", type=work_order_id, help="the work order: a UUID, or its number at OSService")
    verb.set_defaults(run=run)


async def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the timeline; answers 1 when billing never heard of the work order."""
    async with built(settings) as house:
        timeline = await house.views.timeline(Actor(id="system:operator"), arguments.os_id)
    sys.stdout.write(f"{shown(timeline) if timeline else f'no work order {arguments.os_id}'}\n")
    return 0 if timeline else 1
