"""The saga machine for as long as one likes: `python -m tests.faults.sagas --minutes 30` (`make sagas`).

In memory; tests/integration plays it on PostgreSQL. Prints how many steps it played, and fails with the shortest story
that breaks an invariant.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
import traceback

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.saga_machine import SagaMachine
from tests.support.saga_world import FakeWorld, World


class InMemory(SagaMachine):
    """The machine over fakes."""

    async def new_world(self) -> World:
        return FakeWorld()


def play(machine: type[SagaMachine], *, examples: int, steps: int, begin: int, shortest: bool) -> None:
    """So many stories of so many steps at most. Raises what an invariant raises, for the first or the shortest one."""
    many = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink] if shortest else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(begin)(machine), settings=many)


def main() -> int:
    """Play until the time is over; answers 1 at the first story that breaks something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=0.0, help="for how long; 0: once")
    parser.add_argument("--examples", type=int, default=200, help="stories for each seed")
    parser.add_argument("--steps", type=int, default=60, help="moves of a story at most")
    parser.add_argument("--first", action="store_true", help="tell the first story that breaks something, however long")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    asked = parser.parse_args()
    until, number = time.monotonic() + asked.minutes * 60, asked.seed
    while True:
        try:
            play(InMemory, examples=asked.examples, steps=asked.steps, begin=number, shortest=not asked.first)
        except Exception:  # noqa: BLE001 -- whatever it is, it is the finding
            sys.stdout.write(
                f"seed {number} breaks something after {InMemory.steps} steps:\n{traceback.format_exc()}\n"
            )
            return 1
        number += 1
        if time.monotonic() >= until:
            break
    sys.stdout.write(f"{InMemory.steps} steps from seed {asked.seed} to {number - 1}: every invariant held\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
