"""What an insurer sells: which care it covers, after how long, where, and what it wants to be asked first."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Final

from domain import identifiers
from domain.eligibility.findings import Findings
from domain.eligibility.generations import plan_scope
from domain.eligibility.tuss_term import TABLES
from domain.errors import Violation

URGENT_HOURS: Final = 24
BIRTH_DAYS: Final = 300
OTHER_DAYS: Final = 180
PRE_EXISTING_MONTHS: Final = 24
"""The longest waiting periods that a contract may have: Lei 9.656, art. 12, V, and art. 11."""

CONSULTATIONS: Final = ("10101012", "10101020", "10101039")
"""TUSS table 22: in the office, at home, in the emergency room."""
MOST_RULES: Final = 1000
MOST_PROVIDERS: Final = 5000
_PREFIX: Final = re.compile(r"[0-9]{0,10}", re.ASCII)


class Segment(Enum):
    """Segmentação: the parts of care that a plan may be of (Lei 9.656, art. 12)."""

    AMBULATORY = "AMBULATORY"
    HOSPITAL = "HOSPITAL"
    OBSTETRICS = "OBSTETRICS"
    DENTAL = "DENTAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRule:
    """What a plan says of a TUSS code, or of all that begin with `prefix`; an empty one is for the whole table.

    `yearly_limit` is how many are paid for in a calendar year; None: any number.
    """

    table: str
    prefix: str = ""
    covered: bool = True
    needs_authorization: bool = False
    yearly_limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingPeriods:
    """Carências, counted from the enrolment, each in its own unit; zero: none."""

    urgent_hours: int = 0
    birth_days: int = 0
    other_days: int = 0
    pre_existing_months: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthPlan:
    """Plano de saúde. `plan_id` is the plan's code at its insurer.

    `network` has the CNES of those who may give the care; empty: anybody. It is sold, and pays, from `valid_from` to
    `valid_to`; None: open. What no coverage rule speaks of is covered, without authorization and without limit.
    """

    insurer_id: str
    plan_id: str
    name: str
    segments: frozenset[Segment]
    coverage: tuple[CoverageRule, ...] = ()
    waiting: WaitingPeriods = field(default_factory=WaitingPeriods)
    network: frozenset[str] = frozenset()
    active: bool = True
    valid_from: date | None = None
    valid_to: date | None = None
    updated_at: datetime

    def rule_for(self, table: str, code: str) -> CoverageRule | None:
        """What the plan says of a code: the rule with the longest prefix of it, or None."""
        fitting = (rule for rule in self.coverage if rule.table == table and code.startswith(rule.prefix))
        return max(fitting, key=lambda rule: len(rule.prefix), default=None)

    @property
    def scopes(self) -> frozenset[str]:
        """What its change moves."""
        return frozenset({plan_scope(self.insurer_id, self.plan_id)})

    def violations(self) -> list[Violation]:
        """What is wrong with it."""
        findings = Findings()
        findings.must_read("insurer_id", identifiers.ans_registration, self.insurer_id, "ans_registration")
        findings.must_be_id("plan_id", self.plan_id, 30)
        findings.must_be_text("name", self.name, 200)
        findings.must_be_window(self.valid_from, self.valid_to, "valid_to")
        self._must_be_segmented(findings)
        self._must_wait_lawfully(findings)
        self._must_cover_soundly(findings)
        findings.must(len(self.network) <= MOST_PROVIDERS, "network", f"must be at most {MOST_PROVIDERS}", "network")
        for at, provider_id in enumerate(sorted(self.network)[:MOST_PROVIDERS]):
            findings.must_read(f"network[{at}]", identifiers.cnes, provider_id, "cnes")
        return findings.found

    def _must_be_segmented(self, findings: Findings) -> None:
        findings.must(bool(self.segments), "segments", "must be at least one", "segments")
        delivered = Segment.OBSTETRICS not in self.segments or Segment.HOSPITAL in self.segments
        findings.must(delivered, "segments", "must have HOSPITAL with OBSTETRICS (Lei 9.656, art. 12, III)", "segments")

    def _must_wait_lawfully(self, findings: Findings) -> None:
        for name, most, unit in (
            ("urgent_hours", URGENT_HOURS, "hours"),
            ("birth_days", BIRTH_DAYS, "days"),
            ("other_days", OTHER_DAYS, "days"),
            ("pre_existing_months", PRE_EXISTING_MONTHS, "months"),
        ):
            lawful = 0 <= getattr(self.waiting, name) <= most
            sentence = f"must be 0 to {most} {unit}: the law allows no more (Lei 9.656, arts. 11 and 12)"
            findings.must(lawful, f"waiting.{name}", sentence, "waiting_period")

    def _must_cover_soundly(self, findings: Findings) -> None:
        findings.must(len(self.coverage) <= MOST_RULES, "coverage", f"must be at most {MOST_RULES} rules", "coverage")
        said = Counter((rule.table, rule.prefix) for rule in self.coverage)
        for at, rule in enumerate(self.coverage[:MOST_RULES]):
            path = f"coverage[{at}]"
            findings.must(rule.table in TABLES, f"{path}.table", f"must be one of {', '.join(TABLES)}", "tuss_table")
            fits = bool(_PREFIX.fullmatch(rule.prefix))
            findings.must(fits, f"{path}.prefix", "must be a TUSS code or its first digits", "tuss_code")
            once = said[rule.table, rule.prefix] == 1
            findings.must(once, path, "must be the only rule for its table and prefix", "coverage")
            plain = rule.covered or not (rule.needs_authorization or rule.yearly_limit is not None)
            findings.must(plain, path, "must not limit or authorize what is not covered", "coverage")
            counts = rule.yearly_limit is None or rule.yearly_limit >= 1
            findings.must(counts, f"{path}.yearly_limit", "must be at least 1", "yearly_limit")
        self._must_give_consultations(findings)

    def _must_give_consultations(self, findings: Findings) -> None:
        if Segment.AMBULATORY not in self.segments:
            return
        rules = [rule for code in CONSULTATIONS if (rule := self.rule_for("22", code))]
        free = all(rule.covered and rule.yearly_limit is None for rule in rules)
        sentence = "must cover consultations, in any number, where AMBULATORY is (Lei 9.656, art. 12, I, a)"
        findings.must(free, "coverage", sentence, "consultations")
