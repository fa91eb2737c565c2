"""docs/health.md against the code: its tables of states, old statuses and reasons are those that run."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from domain.claims import claim_lifecycle, invoice_lifecycle
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.outcome import Outcome, old_status
from domain.eligibility.reasons import NOT_KNOWN, NOTES, ReasonCode
from domain.lifecycle import Lifecycle
from tests.support.environment import ROOT

PAGE = (ROOT / "docs/health.md").read_text()


@pytest.mark.parametrize(
    ("heading", "lifecycle"), [("## Claims", claim_lifecycle.LIFECYCLE), ("## Invoices", invoice_lifecycle.LIFECYCLE)]
)
def test_the_page_has_every_move_and_no_other(heading: str, lifecycle: Lifecycle[Any, Any]) -> None:
    told = {
        (before, action): after
        for befores, action, after in rows(heading, "from", "action", "to")
        for before in words(befores) or [""]
    }
    assert told == {
        (before.value if before else "", action.value): after.value
        for (before, action), after in lifecycle.table.items()
    }


def test_the_page_has_the_old_status_of_every_status_and_outcome() -> None:
    told = {
        (status, outcome): old
        for old, statuses, outcomes in rows("### The old client's statuses", "old", "status", "outcome")
        for status, outcome in product(
            words(statuses), [o.value for o in Outcome] if outcomes == "any" else words(outcomes)
        )
    }
    assert told == {(s.value, o.value): old_status(s, o).value for s, o in product(ClaimStatus, Outcome)}


def test_the_page_has_every_reason_in_its_order_and_what_it_means() -> None:
    told = [(code, meaning) for codes, meaning in rows("## Eligibility", "reason", "means") for code in words(codes)]
    assert told == [(code.value, meaning_of(code)) for code in ReasonCode]


def test_the_pages_example_keeps_the_identity_of_the_money() -> None:
    parts = ("gross", "paid", "open", "denied_pending", "denied_accepted", "withheld")
    lines = list(rows("## Invoices", "", *parts))
    assert len(lines) == 5
    for _, gross, *rest in lines:
        assert Decimal(gross) == sum(map(Decimal, rest))


def rows(heading: str, *columns: str) -> Iterator[tuple[str, ...]]:
    """The rows of the table with these columns that comes first after a heading."""
    lines = iter(PAGE[PAGE.index(f"\n{heading}\n") :].splitlines())
    assert any(cells(line) == columns for line in lines), f"no table of {columns} after {heading}"
    next(lines)
    for line in lines:
        if not line.startswith("|"):
            return
        yield cells(line)


def cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|"))


def words(cell: str) -> list[str]:
    return [word for word in cell.split(", ") if word]


def meaning_of(code: ReasonCode) -> str:
    if code in NOTES:
        return "good to know"
    return "not known" if code in NOT_KNOWN else "no"
