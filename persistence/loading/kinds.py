"""The kinds of files that are loaded: their columns, and the noun that a line of each stands for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from domain.eligibility.beneficiary import Beneficiary, BeneficiaryStatus
from domain.eligibility.health_plan import HealthPlan, WaitingPeriods
from domain.eligibility.insurer import APPEAL_DAYS, Insurer
from domain.eligibility.ports import ReferenceNoun
from domain.eligibility.price_agreement import PriceAgreement
from domain.eligibility.provider import Provider
from domain.eligibility.tuss_term import TussTerm
from persistence.loading import cells
from persistence.loading.table_file import BadFile, BadLine, Line

_NEEDED: Final = object()
_WAITING: Final = ("urgent_hours", "birth_days", "other_days", "pre_existing_months")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: how its cells are read, and what an empty cell, or a missing column, stands for."""

    name: str
    read: Callable[[str], Any] = str
    empty: Any = _NEEDED

    @property
    def needed(self) -> bool:
        """Whether the header must have it, and every line something in it."""
        return self.empty is _NEEDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of file. `aliases` are other headers, in lower case, by which official files call the columns."""

    noun: type[ReferenceNoun]
    columns: tuple[Column, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)
    leans_on: tuple[type[ReferenceNoun], str] | None = None
    """The noun that must be there before, and the sentence when it is not."""
    make: Callable[[dict[str, Any]], ReferenceNoun] | None = None

    def name_of(self, header: str) -> str:
        """The column that a header means. Raises BadFile."""
        name = self.aliases.get(header, header)
        known = [column.name for column in self.columns]
        if name not in known:
            raise BadFile(f"{header[:40]!r} is none of the columns {', '.join(known)}")
        return name

    def must_have_all(self, header: Collection[str]) -> None:
        """Raise BadFile when a needed column is missing."""
        if missing := [column.name for column in self.columns if column.needed and column.name not in header]:
            raise BadFile(f"line 1, the header, does not name {', '.join(missing)}")

    def read(self, line: Line, given: Mapping[str, str], at: datetime) -> ReferenceNoun | list[BadLine]:
        """The noun of a line, or everything that is wrong with it; `given` has the cells of columns it has not."""
        wrong: list[BadLine] = []
        values: dict[str, Any] = {"updated_at": at}
        for column in self.columns:
            text = line.cells.get(column.name) or given.get(column.name, "")
            try:
                values[column.name] = _value(column, text)
            except ValueError as error:
                wrong.append(BadLine(line.number, column.name, str(error)))
        if wrong:
            return wrong
        noun = self.make(values) if self.make else self.noun(**values)
        found = noun.violations()
        return [BadLine(line.number, one.field.removeprefix("waiting."), one.description) for one in found] or noun


def _value(column: Column, text: str) -> Any:
    if text:
        return column.read(text)
    if column.needed:
        raise ValueError("must be given")
    return column.empty


def _health_plan(values: dict[str, Any]) -> HealthPlan:
    waiting = WaitingPeriods(**{name: values.pop(name) for name in _WAITING})
    return HealthPlan(waiting=waiting, **values)


_PLAN_MUST_BE_THERE: Final = (HealthPlan, "the insurer has no such plan: load the plans first")
_WINDOW: Final = (Column("valid_from", cells.day), Column("valid_to", cells.day, None))
_OPEN_WINDOW: Final = (Column("valid_from", cells.day, None), Column("valid_to", cells.day, None))
_TABLE_AND_CODE: Final = (Column("table"), Column("code"))

KINDS: Final[Mapping[str, Kind]] = {
    "insurers": Kind(
        noun=Insurer,
        columns=(
            Column("insurer_id"),
            Column("name", cells.line_of_text),
            Column("cnpj", cells.cnpj),
            Column("active", cells.yes_or_no, True),
            Column("appeal_days", cells.number, APPEAL_DAYS),
            Column("check_url", str, ""),
        ),
    ),
    "plans": Kind(
        noun=HealthPlan,
        columns=(
            Column("insurer_id"),
            Column("plan_id"),
            Column("name", cells.line_of_text),
            Column("segments", cells.segments),
            Column("coverage", cells.coverage, ()),
            *(Column(name, cells.number, 0) for name in _WAITING),
            Column("network", cells.network, frozenset()),
            Column("active", cells.yes_or_no, True),
            *_OPEN_WINDOW,
        ),
        leans_on=(Insurer, "there is no such insurer: load the insurers first"),
        make=_health_plan,
    ),
    "beneficiaries": Kind(
        noun=Beneficiary,
        columns=(
            Column("insurer_id"),
            Column("card_number"),
            Column("plan_id"),
            Column("patient_id"),
            Column("enrolled_from", cells.day),
            Column("enrolled_to", cells.day, None),
            *_OPEN_WINDOW,
            Column("status", cells.one_of(BeneficiaryStatus), BeneficiaryStatus.ACTIVE),
            Column("pre_existing_until", cells.day, None),
        ),
        leans_on=_PLAN_MUST_BE_THERE,
    ),
    "providers": Kind(
        noun=Provider,
        columns=(Column("provider_id"), Column("name", cells.line_of_text), Column("cnpj", cells.cnpj, "")),
    ),
    "tuss": Kind(
        noun=TussTerm,
        columns=(
            *_TABLE_AND_CODE,
            Column("description", cells.line_of_text),
            *_WINDOW,
            Column("release", str, ""),
        ),
        aliases={
            "código do termo": "code",
            "termo": "description",
            "data de início de vigência": "valid_from",
            "data de fim de vigência": "valid_to",
        },
    ),
    "prices": Kind(
        noun=PriceAgreement,
        columns=(
            Column("insurer_id"),
            Column("plan_id"),
            *_TABLE_AND_CODE,
            Column("price", cells.amount),
            *_WINDOW,
        ),
        leans_on=_PLAN_MUST_BE_THERE,
    ),
}
"""By what the verb `load` calls them; those that others lean on first."""
