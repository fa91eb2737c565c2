"""`notices ls|dismiss`: what providers said that was not believed, or that is about nobody's payment."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC
from uuid import UUID

from domain.billing.provider_notice import NoticeStatus, ProviderNotice
from persistence.notice_tools import NoticeTools
from server.commands.operator import add_reason, show, who
from server.settings import Settings
from server.wiring import built

_TROUBLE = (NoticeStatus.QUARANTINED, NoticeStatus.PARKED)


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    acts = verbs.add_parser("notices", help="what payment providers told").add_subparsers(required=True)
    ls = acts.add_parser("ls", help="list what was not believed or is nobody's, newest first")
    ls.add_argument("--status", choices=[status.value for status in NoticeStatus], help="list those of one status")
    ls.add_argument("--limit", type=_count, default=100)
    ls.set_defaults(run=run_ls)
    dismiss = acts.add_parser("dismiss", help="say that one was looked into; it is kept, and listed no more")
    dismiss.add_argument("notice_id", type=UUID)
    add_reason(dismiss)
    dismiss.set_defaults(run=run_dismiss)


async def run_ls(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the notices, newest first."""
    wanted = [NoticeStatus(arguments.status)] if arguments.status else _TROUBLE
    found: list[ProviderNotice] = []
    async with built(settings) as house:
        for status in wanted:
            found += await house.views.notices(status, after=None, limit=arguments.limit)
    found.sort(key=lambda notice: (notice.received_at, notice.id), reverse=True)
    heading = ("ID", "PROVIDER", "TOPIC", "CHARGE", "STATUS", "REASON", "PAYMENT", "RECEIVED")
    show([heading, *map(_row, found[: arguments.limit])], none="no notices")
    return 0


async def run_dismiss(arguments: argparse.Namespace, settings: Settings) -> int:
    """Dismiss one notice; answers 1 when it was not on the list."""
    async with built(settings) as house:
        tools = NoticeTools(house.database)
        found = await tools.dismiss(arguments.notice_id, who=who(), reason=arguments.reason)
    sys.stdout.write(f"dismiss {arguments.notice_id}: {'done' if found else 'not on the list'}\n")
    return 0 if found else 1


def _count(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 100_000):
        raise argparse.ArgumentTypeError("must be a number from 1 to 100000")
    return int(text)


def _row(notice: ProviderNotice) -> Sequence[object]:
    return (
        notice.id,
        notice.provider,
        notice.topic,
        notice.charge_id,
        notice.status.value,
        notice.reason or "-",
        notice.payment_id or "-",
        notice.received_at.astimezone(UTC).isoformat(timespec="milliseconds"),
    )
