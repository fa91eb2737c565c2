"""What the role `worker` does when it is due: which kind of task calls which step."""

from __future__ import annotations

from collections.abc import Mapping

from domain.billing.budget import EXPIRE
from domain.billing.use_cases.collecting import Collecting, call_of
from domain.tasks import Task
from persistence.tasks import SqlTasks
from persistence.unit_of_work import Units
from server.due_work import DueWork, Step
from server.wiring.cashier import Cashier, Run
from server.wiring.house import House


def due_runs(house: House, units: Units, till: Cashier, own_address: str) -> dict[str, Run]:
    """The worker's due work by name; `own_address` is this process's HTTP host and port, for the sandbox's webhooks."""
    work = DueWork(
        SqlTasks(house.database),
        steps(house, units, till),
        house.clock,
        house.telemetry,
        house.due,
        lease=house.settings.task_lease,
    )
    runs: dict[str, Run] = {"due work": work.run}
    if till.world is not None:
        address = house.settings.sandbox_webhook_url or f"http://{own_address}/api/billing/sandbox/webhook"
        runs["sandbox"] = till.world(lambda: address)
    return runs


def steps(house: House, units: Units, till: Cashier) -> Mapping[str, Step]:
    """Every kind of task and its step."""
    billing = house.billing(units.begin)

    async def expire(task: Task) -> None:
        await billing.expire_budget(call_of(task), task.subject_id)

    collecting = Collecting(
        house.payments(units.begin),
        house.notices(units.begin),
        house.views,
        till.providers,
        house.clock,
    )
    return {**collecting.steps, EXPIRE: expire}
