"""One table on the terminal, and the same with how it was measured in docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

import psutil

_PACKAGES: Final = ("grpcio", "psycopg", "aiormq", "protobuf", "protovalidate", "SQLAlchemy", "uvloop")
_HEADING: Final = ("What", "Measured", "Target", "Met", "The numbers behind it")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table. `met` None: a fact without a target."""

    what: str
    measured: str
    target: str
    met: bool | None
    behind: str

    @property
    def cells(self) -> tuple[str, ...]:
        """As text, in the heading's order."""
        met = "" if self.met is None else ("yes" if self.met else "NO")
        return self.what, self.measured, self.target, met, self.behind


@dataclass(frozen=True, slots=True)
class Section:
    """One benchmark: its lines and, in a sentence or two, what was measured and how."""

    name: str
    how: str
    lines: Sequence[Line]


def at_least(what: str, value: float, target: float, behind: str, *, unit: str = "") -> Line:
    """A line whose value must not be below the target."""
    return Line(what, _shown(value, unit), f">= {_shown(target, unit)}", value >= target, behind)


def at_most(what: str, value: float, target: float, behind: str, *, unit: str = "") -> Line:
    """A line whose value must not be above the target."""
    return Line(what, _shown(value, unit), f"<= {_shown(target, unit)}", value <= target, behind)


def fact(what: str, value: float, behind: str, *, unit: str = "") -> Line:
    """A line that nobody set a target for."""
    return Line(what, _shown(value, unit), "", None, behind)


def table(sections: Iterable[Section]) -> str:
    """All lines in columns."""
    rows = [_HEADING, *(line.cells for section in sections for line in section.lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def page(sections: Sequence[Section], services: Mapping[str, str], *, rounds: int) -> str:
    """The whole of docs/benchmarks.md."""
    rows = [_HEADING, ("---",) * len(_HEADING), *(line.cells for section in sections for line in section.lines)]
    return "\n".join(
        [
            "# Benchmarks",
            "",
            "Written by `make bench` (`python -m tests.bench`); do not edit. Every comparison is measured side by side",
            f"in one run: A B A B .., {rounds} rounds after a warm-up. A ratio is the median of the rounds' own:",
            "neighbours in time met the same machine. Every other number is a median too.",
            "",
            *(f"| {' | '.join(row)} |" for row in rows),
            "",
            "## How",
            "",
            *(f"- **{section.name}**: {section.how}" for section in sections),
            "",
            "## Where",
            "",
            *(f"- {name}: {value}" for name, value in {**_machine(), **services}.items()),
            "",
        ]
    )


def _machine() -> dict[str, str]:
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return {
        "Machine": f"{os.cpu_count()} cores ({platform.machine()}), {psutil.virtual_memory().total / 2**30:.0f} GiB; "
        "clients, servers, PostgreSQL and RabbitMQ all on it",
        "System": f"{platform.system()}, Python {platform.python_version()}",
        "Packages": packages,
    }


def _shown(value: float, unit: str) -> str:
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) >= 10 else f"{value:.2f}"
    return f"{text}{' ' if unit else ''}{unit}"
