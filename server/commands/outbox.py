"""`outbox ls|retry|skip`: the facts that the broker does not have yet."""

from __future__ import annotations

import argparse
import sys
from uuid import UUID

from persistence.outbox_tools import OutboxTools
from server.commands.operator import add_reason, show, who
from server.settings import Settings
from server.wiring import built


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    acts = verbs.add_parser("outbox", help="facts that the broker does not have yet").add_subparsers(required=True)
    ls = acts.add_parser("ls", help="list what was refused at least once")
    ls.add_argument("--all", action="store_true", help="list everything that waits")
    ls.add_argument("--limit", type=int, default=100)
    ls.set_defaults(run=run_ls)
    for name, text in (("retry", "send one again at once"), ("skip", "archive one unsent, so that its key goes on")):
        act = acts.add_parser(name, help=text)
        act.add_argument("event_id", type=UUID)
        add_reason(act)
        act.set_defaults(run=run_deed, act=name)


async def run_ls(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the facts, oldest first."""
    async with built(settings) as house:
        waiting = await OutboxTools(house.database).ls(everything=arguments.all, limit=arguments.limit)
    heading = ("EVENT ID", "TYPE", "KEY", "SEQ", "STATE", "TRIES", "LAST ERROR")
    rows = [
        (one.event_id, one.event_type, one.key, one.key_seq, one.state, one.attempts, one.last_error or "")
        for one in waiting
    ]
    show([heading, *rows], none="nothing waits" if arguments.all else "nothing was refused")
    return 0


async def run_deed(arguments: argparse.Namespace, settings: Settings) -> int:
    """Retry or skip one fact; answers 1 when it is not in the outbox."""
    async with built(settings) as house:
        tools = OutboxTools(house.database)
        deed = tools.retry if arguments.act == "retry" else tools.skip
        found = await deed(arguments.event_id, who=who(), reason=arguments.reason)
    sys.stdout.write(f"{arguments.act} {arguments.event_id}: {'done' if found else 'not in the outbox'}\n")
    return 0 if found else 1
