"""What is wrong with a claim before an insurer sees it: every finding at once, with code and field (health.md B)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from domain.claims.claim import Character, ClaimForm, ClaimType
from domain.claims.claim_item import ClaimAmounts, ClaimItem
from domain.claims.known import Eligibility, Known, Verdict
from domain.errors import Violation
from domain.identifiers import ans_digit_fits, ans_registration, cnes

PROCEDURES: Final = "22"
"""The TUSS table whose items are done a whole number of times; materials, medicines and fees may come in fractions."""


_MAY_BE_LEFT_OUT: Final = frozenset(
    {"CARD_MISSING", "PROVIDER_MISSING", "INSURER_MISSING", "PLAN_MISSING", "CODE_MISSING"}
)
"""Of type OTHER."""


class Severity(Enum):
    """Whether a finding keeps a claim from being sent."""

    ERROR = "ERROR"
    WARNING = "WARNING"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or may be: a stable code, the path of its field, and a sentence."""

    code: str
    severity: Severity
    field: str
    message: str

    @property
    def violation(self) -> Violation:
        """The finding as part of a refusal."""
        return Violation(self.field, self.message, self.code)


def validate(form: ClaimForm, known: Known, *, today: date, override: bool = False) -> tuple[Finding, ...]:
    """Everything that is found, errors first. `override`: somebody answers for sending it although it is not covered.

    The old client's form is looked at for its patient, its items and their amount only, any other of type OTHER for all
    that it names; what that leaves out is not missed.
    """
    found = [*_patient(form), *_day(form, today), *_items(form)]
    if not form.is_old:
        found += [*_provider(form), *_insurer(form), *_codes(form, known), *_twins(known)]
        found += _eligible(form, known.eligibility, override=override)
    if form.type is ClaimType.OTHER:
        found = [finding for finding in found if finding.code not in _MAY_BE_LEFT_OUT]
    return tuple(sorted(found, key=lambda finding: finding.severity is Severity.WARNING))


def errors_of(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those that keep the claim from being sent."""
    return tuple(finding for finding in findings if finding.severity is Severity.ERROR)


def _error(code: str, field: str, message: str) -> Finding:
    return Finding(code, Severity.ERROR, field, message)


def _warning(code: str, field: str, message: str) -> Finding:
    return Finding(code, Severity.WARNING, field, message)


def _patient(form: ClaimForm) -> Iterator[Finding]:
    if not form.patient_id:
        yield _error("PATIENT_MISSING", "patient_id", "must name the patient")
    if not form.card_number:
        yield _error("CARD_MISSING", "card_number", "must be the number of the patient's card")


def _day(form: ClaimForm, today: date) -> Iterator[Finding]:
    if form.service_date > today:
        yield _error("DATE_IN_FUTURE", "service_date", f"must not be after today, {today.isoformat()}")


def _provider(form: ClaimForm) -> Iterator[Finding]:
    if not form.provider_id:
        yield _error("PROVIDER_MISSING", "provider_id", "must be the provider's CNES")
    elif _malformed(cnes, form.provider_id):
        yield _error("PROVIDER_MALFORMED", "provider_id", "must be a CNES: 7 digits")


def _insurer(form: ClaimForm) -> Iterator[Finding]:
    if not form.insurer_id:
        yield _error("INSURER_MISSING", "insurer_id", "must be the insurer's registro ANS")
    elif _malformed(ans_registration, form.insurer_id):
        yield _error("INSURER_MALFORMED", "insurer_id", "must be a registro ANS: 6 digits")
    elif not ans_digit_fits(form.insurer_id):
        yield _warning("INSURER_CHECK_DIGIT", "insurer_id", "has another check digit than most registrations")
    if not form.plan_id:
        yield _warning("PLAN_MISSING", "plan_id", "names no plan: neither prices nor authorizations were looked up")


def _items(form: ClaimForm) -> Iterator[Finding]:
    if not form.items:
        yield _error("ITEMS_MISSING", "items", "must have at least one item")
    elif not ClaimAmounts.of(form.items).presented.cents:
        yield _error("AMOUNT_ZERO", "items", "come to nothing: there is nothing to bill")
    seen: dict[tuple[object, ...], int] = {}
    for item in form.items:
        same = (item.table, item.code, item.description if not item.code else "", item.unit_price, item.factor)
        first = seen.setdefault(same, item.number)
        if first != item.number and not form.is_old:
            yield _error("DUPLICATE_ITEM", _at(item), f"is item {first} once more: raise its quantity instead")


def _codes(form: ClaimForm, known: Known) -> Iterator[Finding]:
    for item in form.items:
        if not (item.table and item.code):
            yield _error("CODE_MISSING", f"{_at(item)}.code", "must be a TUSS table and a code of it")
            continue
        yield from _term(form, item, known)
        if item.table == PROCEDURES and item.quantity != item.quantity.to_integral_value():
            yield _error("QUANTITY_NOT_WHOLE", f"{_at(item)}.quantity", "must be whole for a procedure (table 22)")
        yield from _price(item, known)


def _term(form: ClaimForm, item: ClaimItem, known: Known) -> Iterator[Finding]:
    code = (item.table, item.code)
    if code not in known.terms:
        day = form.service_date.isoformat()
        yield _error("CODE_UNKNOWN", f"{_at(item)}.code", f"is no code of TUSS table {item.table} on {day}")
    if code in known.authorized and not form.authorization_code:
        # Nobody may ask for one before urgent care (Lei 9.656, art. 35-C); the insurer may still want it afterwards.
        found = _warning if form.character is Character.URGENT else _error
        yield found("AUTHORIZATION_MISSING", "authorization_code", f"the plan wants one for {item.table} {item.code}")


def _price(item: ClaimItem, known: Known) -> Iterator[Finding]:
    agreed = known.prices.get((item.table, item.code))
    if agreed is not None and agreed != item.unit_price:
        yield _warning("PRICE_DIFFERS", f"{_at(item)}.unit_price", f"is not what was agreed, {agreed}")
    elif not item.unit_price.cents:
        yield _warning("PRICE_ZERO", f"{_at(item)}.unit_price", "is zero")


def _twins(known: Known) -> Iterator[Finding]:
    for twin in known.twins:
        message = f"claim {twin} is for the same patient, provider, day and codes"
        yield _warning("DUPLICATE_CLAIM", "items", message)


def _eligible(form: ClaimForm, eligibility: Eligibility | None, *, override: bool) -> Iterator[Finding]:
    if eligibility is None or eligibility.verdict is Verdict.ELIGIBLE:
        return
    reasons = "; ".join(eligibility.reasons) or "no reason was given"
    at = "patient_id" if form.type is ClaimType.OTHER and not form.card_number else "card_number"
    if eligibility.verdict is Verdict.UNDETERMINED:
        yield _warning("ELIGIBILITY_UNDETERMINED", at, f"nobody can say whether it is covered: {reasons}")
    elif override:
        yield _warning("INELIGIBLE", at, f"is not covered, which was overridden: {reasons}")
    else:
        yield _error("INELIGIBLE", at, f"is not covered: {reasons}")


def _at(item: ClaimItem) -> str:
    return f"items[{item.number - 1}]"


def _malformed(read: Callable[[str], str], text: str) -> bool:
    try:
        return read(text) != text
    except ValueError:
        return True
