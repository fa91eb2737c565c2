"""What a plan pays for a term, as it was agreed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from domain import identifiers
from domain.eligibility.dates import within
from domain.eligibility.findings import Findings
from domain.eligibility.tuss_term import must_be_coded
from domain.errors import Violation
from domain.money import BRL, Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceAgreement:
    """Preço contratado of one term for one plan, zero or more in BRL, from `valid_from` to `valid_to` (None: open).

    Where two hold on a day, the one that began last does: a price for a month stands before the one it interrupts.
    """

    insurer_id: str
    plan_id: str
    table: str
    code: str
    price: Money
    valid_from: date
    valid_to: date | None = None
    updated_at: datetime

    def valid_on(self, day: date) -> bool:
        """Whether it is the price of a service of this day, unless a later one is too."""
        return within(day, self.valid_from, self.valid_to)

    @property
    def scopes(self) -> frozenset[str]:
        """Nothing: prices are read when they are asked for."""
        return frozenset()

    def violations(self) -> list[Violation]:
        """What is wrong with it."""
        findings = Findings()
        findings.must_read("insurer_id", identifiers.ans_registration, self.insurer_id, "ans_registration")
        findings.must_be_id("plan_id", self.plan_id, 30)
        must_be_coded(findings, self.table, self.code)
        findings.must(self.price.currency == BRL, "price", f"must be in {BRL}", "currency")
        findings.must(self.price.cents >= 0, "price", "must be zero or more", "price")
        findings.must_be_window(self.valid_from, self.valid_to, "valid_to")
        return findings.found
