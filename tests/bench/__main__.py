"""`python -m tests.bench [--large] [--only NAME] [--rounds 5]`: every number of docs/benchmarks.md, measured here."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Final

import uvloop

from tests.bench import (
    archive,
    eligibility,
    grpc_pair,
    http_pair,
    latency,
    loading,
    pages,
    relay_pair,
    routes,
    saga,
    startup,
)
from tests.bench.report import Section, page, table
from tests.bench.services import Services, found
from tests.support.environment import ROOT, forget_settings, forks_become_programs

Case = Callable[[Services, int], Coroutine[None, None, Section]]

CASES: Final[dict[str, Case]] = {
    "grpc": grpc_pair.measure,
    "eligibility": eligibility.measure,
    "http": http_pair.measure,
    "routes": routes.measure,
    "relay": relay_pair.measure,
    "latency": latency.measure,
    "saga": saga.measure,
    "archive": archive.measure,
    "startup": startup.measure,
    "loading": loading.measure,
    "pages": pages.measure,
}


def main() -> None:
    """Measure, print the table; a whole run writes the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--large", action="store_true", help="ten million archived events instead of one")
    parser.add_argument("--only", action="append", choices=sorted(CASES), help="these cases; the page is not written")
    parser.add_argument("--rounds", type=int, default=5, help="how often each side of a pair is measured")
    arguments = parser.parse_args()
    forget_settings()
    forks_become_programs()
    cases = CASES | ({"archive": partial(archive.measure, rows=archive.LARGE)} if arguments.large else {})
    with found() as services:
        sections = [_timed(name, cases[name], services, arguments.rounds) for name in arguments.only or CASES]
        # Inside the block: whatever happens at the tidying up, what was measured is told.
        print(f"\n{table(sections)}", flush=True)
        if not arguments.only:
            written = page(sections, services.versions, rounds=arguments.rounds)
            (ROOT / "docs" / "benchmarks.md").write_text(written, encoding="utf-8")


def _timed(name: str, case: Case, services: Services, rounds: int) -> Section:
    began = time.monotonic()
    section = uvloop.run(case(services, rounds))
    print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    return section


if __name__ == "__main__":
    main()
