"""The saga machine in memory: thousands of steps, each of them judged by every invariant."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.saga_machine import SagaMachine
from tests.support.saga_world import FakeWorld, World


class InMemory(SagaMachine):
    """The machine over fakes."""

    async def new_world(self) -> World:
        return FakeWorld()


def test_whatever_happens_to_two_work_orders_every_invariant_holds() -> None:
    many = settings(
        max_examples=60,
        stateful_step_count=50,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(InMemory, settings=many)
    assert InMemory.steps > 2000
