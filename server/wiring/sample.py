"""The sample of reference data, for whoever tries Acerto out: it is loaded where there is no insurer yet."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Final

from persistence.loading.kinds import KINDS
from persistence.loading.loader import Job, load
from persistence.loading.table_file import BadLine, TableFile
from persistence.reference_views import ReferenceViews
from server.wiring.house import House

FOLDER: Final = Path(__file__).parents[1] / "sample"


async def load_sample(house: House) -> bool:
    """Load it, unless there is an insurer; answers whether it was loaded now. Raises Unavailable."""
    if await ReferenceViews(house.database).insurers(after=None, limit=1):
        return False
    with ExitStack() as stack:
        jobs = []
        for name, kind in KINDS.items():
            file = stack.enter_context((FOLDER / f"{name}.csv").open("rb"))
            table = TableFile(file, kind.name_of, lambda *_: None)
            what, why = f"load {name} {name}.csv", "the sample, where there was no insurer"
            jobs.append(
                Job(kind=kind, file=table, given={}, at=house.clock.now(), who="system:sample", what=what, reason=why)
            )
        await load(house.database, jobs, _must_not_be)
    return True


def _must_not_be(bad: BadLine) -> None:
    raise RuntimeError(f"the sample is wrong in line {bad.number}: {bad.column} {bad.reason}")
