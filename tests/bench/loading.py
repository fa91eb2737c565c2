"""How long a whole TUSS release takes to load: as the operator's command, from its start to its end."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from statistics import median
from typing import Final

from tests.bench.report import Section, at_most, fact
from tests.bench.services import Services
from tests.support.environment import ROOT, clean_env
from tests.support.fleet import variables

ROWS: Final = 68_000
HOW: Final = (
    f"`python -m server load tuss`, the whole process, on {ROWS:,} synthetic lines of a real release's length (9 MB): "
    "read, every line checked, COPY into a temporary table, one INSERT .. ON CONFLICT, committed. New: into an empty "
    "table. Again: the same file once more, which changes nothing."
)


async def measure(services: Services, rounds: int) -> Section:
    """Loads the file into a new database and once more, in each round."""
    file = services.folder / "tuss.csv"
    file.write_text("".join(_lines()), encoding="utf-8")
    new, again = [], []
    for _ in range(rounds):
        with services.database() as url:
            new.append(await _seconds(file, url))
            again.append(await _seconds(file, url))
    return Section(
        "Loading",
        HOW,
        [
            at_most("68,000 TUSS terms, new", median(new), 10, f"{min(new):.1f} to {max(new):.1f} s", unit="s"),
            fact("68,000 TUSS terms, again", median(again), f"{min(again):.1f} to {max(again):.1f} s", unit="s"),
        ],
    )


def _lines() -> list[str]:
    what = "com uma descrição do tamanho que materiais e procedimentos costumam ter (inventado)"
    tables = ("18", "19", "20", "22")
    header = "table;code;description;valid_from;valid_to;release\n"
    terms = [f"{tables[n % 4]};{90_000_000 + n};Termo {n} {what};01/01/2025;;202501\n" for n in range(ROWS)]
    return [header, *terms]


async def _seconds(file: Path, url: str) -> float:
    began = time.perf_counter()
    command = [sys.executable, "-m", "server", "load", "tuss", str(file)]
    env = clean_env() | variables({"database_url": url, "data_dir": file.parent / "data"})
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=env, stdout=asyncio.subprocess.DEVNULL)
    if await process.wait():
        raise RuntimeError("the load failed")
    return time.perf_counter() - began
