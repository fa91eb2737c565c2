"""Whom a plan insures, by the card; nothing about the person but the clinic's own id for the patient."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from domain import identifiers
from domain.eligibility.dates import months_after
from domain.eligibility.findings import Findings
from domain.eligibility.generations import card_scope, patient_scope
from domain.eligibility.health_plan import PRE_EXISTING_MONTHS
from domain.errors import Violation


class BeneficiaryStatus(Enum):
    """Whether the insurer pays for the beneficiary at all."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    CANCELED = "CANCELED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beneficiary:
    """Beneficiário. Its key is the insurer and the card, an opaque text whose leading zeros count.

    `valid_from` and `valid_to` are printed on the card; `enrolled_from` and `enrolled_to` are the days of the
    enrolment, and waiting periods count from the first. `status` is that of `updated_at` and since; a canceled
    enrolment covered until `enrolled_to`, that day too, where it is told. Until `pre_existing_until`, that day too, a
    condition declared at the enrolment is not covered in full; 24 months after the enrolment it is (Lei 9.656, art.
    11). None: open, or nothing of the kind.
    """

    insurer_id: str
    card_number: str
    plan_id: str
    patient_id: str
    enrolled_from: date
    enrolled_to: date | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    status: BeneficiaryStatus = BeneficiaryStatus.ACTIVE
    pre_existing_until: date | None = None
    updated_at: datetime

    @property
    def scopes(self) -> frozenset[str]:
        """What its change moves."""
        return frozenset({card_scope(self.insurer_id, self.card_number), patient_scope(self.patient_id)})

    def violations(self) -> list[Violation]:
        """What is wrong with it."""
        findings = Findings()
        findings.must_read("insurer_id", identifiers.ans_registration, self.insurer_id, "ans_registration")
        findings.must_be_id("card_number", self.card_number, 30)
        findings.must_be_id("plan_id", self.plan_id, 30)
        findings.must_be_id("patient_id", self.patient_id, 64)
        findings.must_be_window(self.enrolled_from, self.enrolled_to, "enrolled_to")
        findings.must_be_window(self.valid_from, self.valid_to, "valid_to")
        findings.must_be_window(self.enrolled_from, self.pre_existing_until, "pre_existing_until")
        in_full_from = months_after(self.enrolled_from, PRE_EXISTING_MONTHS)
        lawful = self.pre_existing_until is None or self.pre_existing_until < in_full_from or in_full_from == date.max
        sentence = f"must be before the day {PRE_EXISTING_MONTHS} months after the enrolment (Lei 9.656, art. 11)"
        findings.must(lawful, "pre_existing_until", sentence, "waiting_period")
        return findings.found
