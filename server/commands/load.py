"""`load`: a file of reference data, all of it or nothing, with every line that is wrong named by its number."""

from __future__ import annotations

import argparse
import csv
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Self

from persistence.loading.kinds import KINDS
from persistence.loading.loader import Job, load
from persistence.loading.table_file import BadFile, BadLine, TableFile
from server.commands.operator import who
from server.settings import Settings
from server.wiring import built, migrated

WRONG: Final = 3
"""The exit status when the file is wrong: nothing was loaded, and trying again will not help."""
_SHOWN: Final = 20
"""Bad lines on the screen; the report has all."""
_WIDTH: Final = 30
_ERASED: Final = "\r\033[K"
"""Takes the bar off the terminal's line."""


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = verbs.add_parser("load", help="load a CSV file of reference data, all of it or nothing")
    verb.add_argument("kind", choices=KINDS)
    verb.add_argument("file", type=Path, metavar="FILE.csv", help="its columns are in docs/loading.md")
    verb.add_argument(
        "--set", type=_cell, action="append", default=[], metavar="COLUMN=VALUE", help="for lines without that cell"
    )
    verb.add_argument("--report", type=Path, metavar="FILE", help="write every bad line here, as CSV")
    verb.add_argument("--reason", default="", help="why; kept in operator_log")
    verb.set_defaults(run=run)


async def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Load; answers 0, 1 when a file cannot be read or written, 2 for a senseless report, else WRONG."""
    if arguments.report and arguments.report.resolve() == arguments.file.resolve():
        return _refused("--report would overwrite the file that is to be loaded", 2)
    report = Report(arguments.report)
    try:
        with report:
            told = await _loaded(arguments, settings, report)
    except BadFile as error:
        return _refused("\n".join([f"{arguments.file}: {error}", *report.lines]), WRONG)
    except OSError as error:
        return _refused(f"{error.filename}: {error.strerror}", 1)
    if report.count:
        return _refused("\n".join([f"{arguments.file}: wrong {report.count} times", *report.lines]), WRONG)
    sys.stdout.write(f"{arguments.kind} {arguments.file.name}: {told}\n")
    return 0


class Report:
    """Takes bad lines: the first for the screen, all for a file, if there is one. Entering raises OSError."""

    def __init__(self, path: Path | None) -> None:
        self.count = 0
        self._first: list[str] = []
        self._path = path
        self._writer: Any = None
        self._open = ExitStack()

    def take(self, bad: BadLine) -> None:
        """Note one."""
        self.count += 1
        if len(self._first) < _SHOWN:
            self._first.append(f"line {bad.number}: {bad.column}{': ' if bad.column else ''}{bad.reason}")
        if self._writer is not None:
            self._writer.writerow((bad.number, bad.column, bad.reason))

    @property
    def lines(self) -> list[str]:
        """The first, and how many more there are."""
        more = self.count - len(self._first)
        where = self._path or "--report FILE"
        return [*self._first, *([f"and {more} more, all of them in {where}"] if more else [])]

    def __enter__(self) -> Self:
        if self._path is not None:
            file = self._open.enter_context(self._path.open("w", encoding="utf-8", newline=""))
            self._writer = csv.writer(file)
            self._writer.writerow(("line", "column", "reason"))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()


async def _loaded(arguments: argparse.Namespace, settings: Settings, report: Report) -> str:
    """What became of the file. Raises BadFile, OSError."""
    kind = KINDS[arguments.kind]
    given = {kind.name_of(name): value for name, value in arguments.set}
    with arguments.file.open("rb") as file:
        table = TableFile(file, kind.name_of, _bar)
        async with built(settings) as house:
            await migrated(house)
            job = Job(
                kind=kind,
                file=table,
                given=given,
                at=house.clock.now(),
                who=who(),
                what=f"load {arguments.kind} {arguments.file.name}",
                reason=arguments.reason,
            )
            (loaded,) = await load(house.database, [job], report.take)
            return str(loaded)


def _bar(done: int, size: int, line: int) -> None:
    """How far it is, on the terminal, a few times a second; nothing where nobody watches."""
    if size and sys.stderr.isatty() and (line % 500 == 0 or done == size):
        filled = _WIDTH * done // size
        sys.stderr.write(f"\r[{'#' * filled}{'.' * (_WIDTH - filled)}] {100 * done // size:3} %  line {line}")
        sys.stderr.write(_ERASED if done == size else "")
        sys.stderr.flush()


def _cell(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and value.strip()):
        raise argparse.ArgumentTypeError("must be COLUMN=VALUE")
    return name.strip().lower(), value.strip()


def _refused(text: str, status: int) -> int:
    erased = _ERASED if sys.stderr.isatty() else ""
    sys.stderr.write(f"{erased}acerto: {text}\nnothing was loaded\n")
    return status
