"""What finding a route costs as their number grows: nothing, if the tree of segments holds."""

from __future__ import annotations

from random import Random
from statistics import median
from time import perf_counter_ns
from typing import Final

from server.gateway.router import Found, Router
from server.gateway.templates import parse_template
from tests.bench.pairs import in_turn
from tests.bench.report import Line, Section, at_most, fact
from tests.bench.services import Services

FEWEST: Final = 10
NUMBERS: Final = (FEWEST, 100, 1_000, 10_000)
LOOK_UPS: Final = 20_000
_ALL: Final = "all"
HOW: Final = (
    f"{LOOK_UPS:,} look-ups in a router with so many routes: each collection has a list, one by its id, one of a "
    f"nested collection, and a verb. The paths are of {FEWEST} routes in the same proportions, drawn at random among "
    "all, so that every router has as much in the processor's caches; the last line asks for all routes alike, and so "
    "adds what memory costs. Cost is the median time of one look-up."
)
_SHAPES: Final = (
    ("/v1/things{}", "/v1/things{}"),
    ("/v1/things{}/{{thing_id}}", "/v1/things{}/0190a5b2"),
    ("/v1/things{}/{{thing_id}}/parts/{{part_id}}", "/v1/things{}/0190a5b2/parts/17"),
    ("/v1/things{}/{{thing_id}}:approve", "/v1/things{}/0190a5b2:approve"),
)


class Side:
    """A router with so many routes, and the paths of so many of them to look up."""

    def __init__(self, count: int, asked: int) -> None:
        self._router: Router[int] = Router()
        paths = []
        for at in range(count):
            template, path = _SHAPES[at % len(_SHAPES)]
            self._router.add("GET", parse_template(template.format(at)), at)
            paths.append(path.format(at))
        random, shapes = Random(count), len(_SHAPES)
        some = [random.choice(paths[at % shapes :: shapes]) for at in range(asked)] if asked < count else paths
        self._paths = random.choices(some, k=LOOK_UPS)

    async def measure(self) -> float:
        """Nanoseconds of one look-up."""
        find, took = self._router.find, []
        for path in self._paths:
            began = perf_counter_ns()
            found = find("GET", path)
            took.append(perf_counter_ns() - began)
            assert isinstance(found, Found), path
        return float(median(took))


async def measure(_: Services, rounds: int) -> Section:
    """Each number of routes against the fewest."""
    sides = {str(count): Side(count, FEWEST).measure for count in NUMBERS}
    sides[_ALL] = Side(NUMBERS[-1], NUMBERS[-1]).measure
    taken = await in_turn(sides, rounds=rounds)

    def measured(side: str) -> tuple[float, str]:
        behind = f"{taken.median(side) / 1000:.2f} us against {taken.median(str(FEWEST)) / 1000:.2f} us"
        return taken.ratio(side, str(FEWEST)), behind

    def line(count: int) -> Line:
        ratio, behind = measured(str(count))
        return at_most(f"Route look-up, {count:,} routes / {FEWEST}", ratio, 1.2, behind)

    lines = [line(count) for count in NUMBERS[1:]]
    return Section("Routes", HOW, [*lines, fact(f"The same, all {NUMBERS[-1]:,} asked for alike", *measured(_ALL))])
