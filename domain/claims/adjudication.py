"""What an insurer says of a claim's items, and what becomes of them: its analysis, its answers, our acceptance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from uuid import UUID

from domain.claims.claim_item import ClaimItem
from domain.claims.denial import Denial
from domain.claims.errors import AdjudicationDiffers, DenialNotFound
from domain.errors import Violation
from domain.money import Money, total

Items = tuple[ClaimItem, ...]

_LESS: Final = "is less than what is asked: say the rest as a denial, so that it can be appealed or accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidDenial:
    """One denial as the insurer says it; `amount` is above zero."""

    code: str
    reason: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidItem:
    """What the insurer says of the item with this `number`; released + the denials = processed, none below zero.

    What it processed is no less than what is asked: all that it does not pay is a denial.
    """

    number: int
    processed: Money
    released: Money
    denials: tuple[SaidDenial, ...] = ()


def adjudicated(
    items: Items, said: Sequence[SaidItem], *, new_id: Callable[[], UUID], appeal_until: date, on: date
) -> Items:
    """The items with what was said of them on the day `on`, none of whose sums is beyond the limit of Money.

    Raises AdjudicationDiffers with every violation, by `items[n]`.
    """
    violations = [*_not_each_once(items, said), *_not_adding_up(items, said)]
    if violations:
        raise AdjudicationDiffers(violations=violations)
    by_number = {one.number: one for one in said}

    def denials(one: SaidItem) -> tuple[Denial, ...]:
        return tuple(
            Denial(id=new_id(), code=d.code, reason=d.reason, amount=d.amount, appeal_until=appeal_until, decided_on=on)
            for d in one.denials
        )

    return tuple(
        replace(item, processed=one.processed, released=one.released, denials=denials(one))
        for item in items
        for one in (by_number[item.number],)
    )


def changed(items: Items, changes: Mapping[UUID, Callable[[Denial], Denial]]) -> Items:
    """The items with some denials changed. Raises DenialNotFound, and as the changes do."""
    known = {denial.id for item in items for denial in item.denials}
    if missing := changes.keys() - known:
        raise DenialNotFound(metadata={"denial_id": str(min(missing))})
    return tuple(
        replace(item, denials=tuple(changes[d.id](d) if d.id in changes else d for d in item.denials)) for item in items
    )


def _not_each_once(items: Items, said: Sequence[SaidItem]) -> Iterator[Violation]:
    wanted, given = {item.number for item in items}, Counter(one.number for one in said)
    for at, one in enumerate(said):
        if one.number not in wanted:
            yield Violation(f"items[{at}].number", "the claim has no item with this number", "adjudication.item")
        elif given[one.number] > 1:
            yield Violation(f"items[{at}].number", "must be said of each item once", "adjudication.item")
    for number in sorted(wanted - given.keys()):
        yield Violation("items", f"nothing is said of item {number}", "adjudication.item")


def _not_adding_up(items: Items, said: Sequence[SaidItem]) -> Iterator[Violation]:
    asked = {item.number: item.total for item in items}
    for at, one in enumerate(said):
        if one.released + total(denial.amount for denial in one.denials) != one.processed:
            yield Violation(
                f"items[{at}].processed", "must be what is released plus the denials", "adjudication.processed"
            )
        elif one.number in asked and one.processed.cents < asked[one.number].cents:
            yield Violation(f"items[{at}].processed", _LESS, "adjudication.processed")
