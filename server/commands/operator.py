"""What the operator's verbs share: who acts, why, and tables on the terminal."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Sequence


def add_reason(verb: argparse.ArgumentParser) -> None:
    """A deed needs a reason, which is kept."""
    verb.add_argument("--reason", required=True, help="why; kept in operator_log")


def who() -> str:
    """The account that runs the verb."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # A container's user id often has no account.
        return "unknown"


def show(rows: Sequence[Sequence[object]], *, none: str) -> None:
    """Print rows in columns, the first being the heading; `none` when there is only that."""
    if len(rows) < 2:
        sys.stdout.write(f"{none}\n")
        return
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(line.rstrip() + "\n")
