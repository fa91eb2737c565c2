"""`dlq ls|requeue`: the messages that could not be used, and why."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from messaging.broker import BrokerLost, Message, Take
from messaging.envelope import ATTEMPTS, DETAIL, FROM_ROUTING_KEY, REASON, requeued
from messaging.topology import DEAD_LETTER_QUEUE
from persistence.operator_log import note
from server.commands.operator import add_reason, show, who
from server.settings import Settings
from server.wiring import House, built


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    acts = verbs.add_parser("dlq", help="messages that could not be used").add_subparsers(required=True)
    ls = acts.add_parser("ls", help="list them with their reasons; nothing is taken")
    ls.add_argument("--limit", type=int, default=100)
    ls.set_defaults(run=run_ls)
    requeue = acts.add_parser("requeue", help="send messages back to where they came from")
    which = requeue.add_mutually_exclusive_group(required=True)
    which.add_argument("message_id", nargs="?", help="one message, as `dlq ls` shows it")
    which.add_argument("--all", action="store_true", help="every message, at most --limit")
    requeue.add_argument("--limit", type=int, default=1000)
    add_reason(requeue)
    requeue.set_defaults(run=run_requeue)


async def run_ls(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the dead letters, oldest first. Raises BrokerLost."""
    async with built(settings) as house:
        letters = await house.broker.inspect(DEAD_LETTER_QUEUE, limit=arguments.limit)
    heading = ("MESSAGE ID", "FROM", "TRIES", "REASON", "DETAIL")
    show([heading, *(_row(letter) for letter in letters)], none="no dead letters")
    return 0


async def run_requeue(arguments: argparse.Namespace, settings: Settings) -> int:
    """Send some back; answers 1 when there was none. Raises BrokerLost, having lost nothing."""
    async with built(settings) as house:
        async with house.broker.taking(DEAD_LETTER_QUEUE, limit=arguments.limit) as held:
            wanted = [
                (letter, take) for letter, take in held if arguments.all or letter.message_id == arguments.message_id
            ]
            await _send_back(house, wanted)
        for letter, _ in wanted:
            await _note(house, letter, arguments.reason)
    sys.stdout.write(f"requeued {len(wanted)}\n")
    return 0 if wanted else 1


async def _send_back(house: House, wanted: Sequence[tuple[Message, Take]]) -> None:
    # First the copy, confirmed, then the removal: a crash in between leaves two, and the inbox applies one.
    async with house.broker.publisher() as publisher:
        for letter, take in wanted:
            (refusal,) = await publisher.publish([requeued(letter)])
            if refusal is not None:
                raise BrokerLost(f"{letter.message_id} was refused ({refusal.reason}) and stays a dead letter")
            await take()


async def _note(house: House, letter: Message, reason: str) -> None:
    async with house.database.writes.connection() as connection:
        await note(connection, who=who(), what=f"dlq requeue {letter.message_id}", reason=reason)


def _row(letter: Message) -> Sequence[object]:
    headers = letter.headers
    return (
        letter.message_id,
        headers.get(FROM_ROUTING_KEY, letter.routing_key),
        headers.get(ATTEMPTS, 0),
        headers.get(REASON, "by the broker"),
        headers.get(DETAIL, ""),
    )
