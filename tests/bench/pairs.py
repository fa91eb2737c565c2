"""Two ways to do one thing, measured in turn (A B A B ..): what the machine does meanwhile meets both alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Final

Measure = Callable[[], Awaitable[float]]
"""One round of one side; answers its rate, or its time."""

WARM_UPS: Final = 1
"""Rounds of every side that are measured and thrown away."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """What each side gave, round by round."""

    sides: Mapping[str, list[float]]

    def median(self, side: str) -> float:
        """A side's median."""
        return median(self.sides[side])

    def ratio(self, side: str, to: str) -> float:
        """The median of the rounds' own ratios: neighbours in time are compared, so a slow minute harms nobody."""
        return median(mine / theirs for mine, theirs in zip(self.sides[side], self.sides[to], strict=True))

    def spread(self, side: str, to: str) -> tuple[float, float]:
        """The lowest and the highest ratio of any round."""
        ratios = [mine / theirs for mine, theirs in zip(self.sides[side], self.sides[to], strict=True)]
        return min(ratios), max(ratios)


async def in_turn(measures: Mapping[str, Measure], *, rounds: int) -> Rounds:
    """Measure every side once per round, in the order given, after a warm-up."""
    for _ in range(WARM_UPS):
        for measure in measures.values():
            await measure()
    taken: dict[str, list[float]] = {side: [] for side in measures}
    for _ in range(rounds):
        for side, measure in measures.items():
            taken[side].append(await measure())
    return Rounds(taken)


def percentile(values: list[float], percent: float) -> float:
    """The value that so many percent of all do not exceed; nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, round(percent / 100 * len(ordered)) - 1))]
