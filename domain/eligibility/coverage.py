"""The rules: all that speaks against a card's covering some care on a day, and what one should know, in one order.

They are pure: what they judge is a `Situation`, whoever loaded it. Raise RULES when one of them changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from domain import identifiers
from domain.calendar import day_of
from domain.eligibility.beneficiary import Beneficiary, BeneficiaryStatus
from domain.eligibility.care import is_birth, segments_for
from domain.eligibility.dates import days_after, months_after
from domain.eligibility.eligibility_check import Procedure, Question
from domain.eligibility.health_plan import CoverageRule, HealthPlan, Segment
from domain.eligibility.insurer import Insurer
from domain.eligibility.reasons import Reason, ReasonCode

RULES: Final = 7
"""The version of the rules; a cached answer is of one version."""

_DENTAL_ONLY: Final = frozenset({Segment.DENTAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A question with all that is known about it on its day; None where nothing is.

    `terms` are the asked (table, code) pairs that are valid then. `used` has how many were paid for in that calendar
    year by (table, prefix) of a rule with a limit. `ambiguous`: several insurers have a plan of the asked code.
    """

    question: Question
    insurer: Insurer | None = None
    plan: HealthPlan | None = None
    beneficiary: Beneficiary | None = None
    terms: frozenset[tuple[str, str]] = frozenset()
    used: Mapping[tuple[str, str], int] = field(default_factory=dict)
    ambiguous: bool = False

    @property
    def limited(self) -> tuple[CoverageRule, ...]:
        """The rules with a yearly limit that the asked procedures fall under."""
        if self.plan is None:
            return ()
        rules = (self.plan.rule_for(each.table, each.code) for each in self.question.procedures)
        return tuple(dict.fromkeys(rule for rule in rules if rule and rule.yearly_limit is not None))


def reasons_of(situation: Situation) -> tuple[Reason, ...]:
    """Every reason, in the order of health.md C; none at all is a yes."""
    return tuple(reason for rule in _ORDER for reason in rule(situation))


def _identifiers(situation: Situation) -> Iterator[Reason]:
    asked = situation.question
    if asked.insurer_id and not _reads(identifiers.ans_registration, asked.insurer_id):
        yield Reason(ReasonCode.INSURER_ID_INVALID, "the insurer's id is no registro ANS of 6 digits")
    if asked.provider_id and not _reads(identifiers.cnes, asked.provider_id):
        yield Reason(ReasonCode.PROVIDER_ID_INVALID, "the provider's id is no CNES of 7 digits")
    for each in asked.procedures:
        if (each.table, each.code) not in situation.terms:
            day = asked.service_date.isoformat()
            yield Reason(ReasonCode.PROCEDURE_UNKNOWN, f"table {each.table} has no code {each.code} valid on {day}")


def _insurer(situation: Situation) -> Iterator[Reason]:
    if situation.ambiguous:
        yield Reason(ReasonCode.PLAN_AMBIGUOUS, "several insurers have a plan of this code; name the insurer too")
    elif situation.insurer is None and situation.question.insurer_id:
        yield Reason(ReasonCode.INSURER_UNKNOWN, "the insurer is not known here")
    elif situation.insurer and not situation.insurer.active:
        yield Reason(ReasonCode.INSURER_INACTIVE, "the insurer pays for nobody at present")


def _plan(situation: Situation) -> Iterator[Reason]:
    plan, day = situation.plan, situation.question.service_date
    if plan is None:
        # Where an insurer was named that nobody knows, there is no more to say than that.
        asked = situation.question
        if asked.plan_id and situation.insurer is not None:
            yield Reason(ReasonCode.PLAN_UNKNOWN, "the insurer has no such plan")
        elif asked.plan_id and not asked.insurer_id and not situation.ambiguous:
            yield Reason(ReasonCode.PLAN_UNKNOWN, "no insurer known here has such a plan")
        return
    if not plan.active:
        yield Reason(ReasonCode.PLAN_INACTIVE, "the plan pays for nobody at present")
    if plan.valid_from and day < plan.valid_from:
        yield Reason(ReasonCode.PLAN_NOT_YET_VALID, f"the plan begins on {plan.valid_from}")
    if plan.valid_to and day > plan.valid_to:
        yield Reason(ReasonCode.PLAN_ENDED, f"the plan ended on {plan.valid_to}")


def _card(situation: Situation) -> Iterator[Reason]:
    card, asked = situation.beneficiary, situation.question
    if card is None:
        yield Reason(ReasonCode.BENEFICIARY_UNKNOWN, "the insurer's card, or the patient's, is not known here")
        return
    if asked.patient_id and asked.patient_id != card.patient_id:
        yield Reason(ReasonCode.PATIENT_MISMATCH, "the card is another patient's")
    if asked.plan_id and asked.plan_id != card.plan_id:
        yield Reason(ReasonCode.PLAN_MISMATCH, "the card is of another plan")
    if card.valid_from and asked.service_date < card.valid_from:
        yield Reason(ReasonCode.CARD_NOT_YET_VALID, f"the card is valid from {card.valid_from}")
    if card.valid_to and asked.service_date > card.valid_to:
        yield Reason(ReasonCode.CARD_EXPIRED, f"the card was valid until {card.valid_to}")


def _enrolment(situation: Situation) -> Iterator[Reason]:
    card, day = situation.beneficiary, situation.question.service_date
    if card and day < card.enrolled_from:
        yield Reason(ReasonCode.NOT_YET_ENROLLED, f"the enrolment begins on {card.enrolled_from}")
    if card and card.enrolled_to and day > card.enrolled_to:
        yield Reason(ReasonCode.ENROLLMENT_ENDED, f"the enrolment ended on {card.enrolled_to}")


def _status(situation: Situation) -> Iterator[Reason]:
    """What the status says of the day. It is today's, and since when is told by nobody but a canceled enrolment's end.

    It has been so at least from the day on which the card was last set (docs/decisions/0030).
    """
    card, day = situation.beneficiary, situation.question.service_date
    if card is None or card.status is BeneficiaryStatus.ACTIVE:
        return
    canceled = card.status is BeneficiaryStatus.CANCELED
    if canceled and card.enrolled_to and day <= card.enrolled_to:
        return
    set_on = day_of(card.updated_at)
    if day < set_on and not (canceled and card.enrolled_to):
        text = f"the card is {card.status.value.lower()}, which it may not have been before {set_on}"
        yield Reason(ReasonCode.BENEFICIARY_STATUS_UNKNOWN, text)
    elif canceled:
        yield Reason(ReasonCode.BENEFICIARY_CANCELED, "the enrolment was canceled")
    else:
        text = "the insurer does not pay for the beneficiary for the time being"
        yield Reason(ReasonCode.BENEFICIARY_SUSPENDED, text)


def _waiting(situation: Situation) -> Iterator[Reason]:
    """The periods that have not passed; a period's end is the first day of full cover, since that day has no hour."""
    card, plan, asked = situation.beneficiary, situation.plan, situation.question
    if card is None or plan is None or asked.service_date < card.enrolled_from:
        return
    needs = dict.fromkeys(_waiting_days(plan, asked, each) for each in asked.procedures or (None,))
    for days in needs:
        covered_from = days_after(card.enrolled_from, days)
        if asked.service_date < covered_from:
            yield Reason(ReasonCode.WAITING_PERIOD, f"in the waiting period: covered from {covered_from} on")
    in_full_from = _in_full_from(card, plan)
    if asked.service_date < in_full_from and not asked.urgent:
        text = f"a condition declared at the enrolment is covered in full from {in_full_from} on, and not before"
        yield Reason(ReasonCode.PRE_EXISTING_CONDITION, text)


def _segments(situation: Situation) -> Iterator[Reason]:
    plan, asked = situation.plan, situation.question
    if plan is None:
        return
    if not asked.procedures and plan.segments == _DENTAL_ONLY:
        text = "the plan is of dental care and of no other, and which care it is about was not asked"
        yield Reason(ReasonCode.DENTAL_ONLY, text)
    for each in asked.procedures:
        if not plan.segments & segments_for(each, urgent=asked.urgent):
            yield Reason(ReasonCode.SEGMENT_NOT_COVERED, f"the plan's segments do not have {each.table}/{each.code}")


def _procedures(situation: Situation) -> Iterator[Reason]:
    for each, rule in _ruled(situation):
        if not rule.covered:
            yield Reason(ReasonCode.PROCEDURE_NOT_COVERED, f"the plan does not cover {each.table}/{each.code}")


def _authorizations(situation: Situation) -> Iterator[Reason]:
    # Urgent care is given first and told afterwards: no insurer may ask for more (Lei 9.656, art. 35-C).
    for each, rule in () if situation.question.urgent else _ruled(situation):
        if rule.needs_authorization:
            text = f"the insurer wants to authorize {each.table}/{each.code} first"
            yield Reason(ReasonCode.AUTHORIZATION_REQUIRED, text)


def _limits(situation: Situation) -> Iterator[Reason]:
    asked = [(each.quantity, rule) for each, rule in _ruled(situation)]
    for rule in situation.limited:
        wanted = sum(quantity for quantity, fitting in asked if fitting == rule)
        used = situation.used.get((rule.table, rule.prefix), 0)
        if rule.yearly_limit is not None and used + wanted > rule.yearly_limit:
            name = f"{rule.table}/{rule.prefix or '*'}"
            text = (
                f"{rule.yearly_limit} of {name} are paid for in a calendar year: {used} were used, {wanted} asked for"
            )
            yield Reason(ReasonCode.LIMIT_REACHED, text)


def _network(situation: Situation) -> Iterator[Reason]:
    network = situation.plan.network if situation.plan else frozenset()
    asked = situation.question
    if network and asked.provider_id and asked.provider_id not in network and not asked.urgent:
        yield Reason(ReasonCode.OUT_OF_NETWORK, "the provider is not of the plan's network")


_ORDER: Final[tuple[Callable[[Situation], Iterator[Reason]], ...]] = (
    *(_identifiers, _insurer, _plan, _card, _enrolment, _status, _waiting),
    *(_segments, _procedures, _authorizations, _limits, _network),
)


def _reads(read: Callable[[str], str], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def _ruled(situation: Situation) -> Iterator[tuple[Procedure, CoverageRule]]:
    """The asked procedures that a rule of the plan speaks of."""
    for each in situation.question.procedures if situation.plan else ():
        rule = situation.plan.rule_for(each.table, each.code) if situation.plan else None
        if rule:
            yield each, rule


def _waiting_days(plan: HealthPlan, asked: Question, procedure: Procedure | None) -> int:
    """Days from the enrolment (Lei 9.656, art. 12, V); hours are whole days, as days of service are."""
    if asked.urgent:
        return -(-plan.waiting.urgent_hours // 24)
    birth = procedure is not None and is_birth(procedure)
    return plan.waiting.birth_days if birth else plan.waiting.other_days


def _in_full_from(card: Beneficiary, plan: HealthPlan) -> date:
    """The end of partial cover: after the card's last day of it, and never later than the plan's own months allow."""
    if card.pre_existing_until is None:
        return card.enrolled_from
    months = months_after(card.enrolled_from, plan.waiting.pre_existing_months)
    return min(days_after(card.pre_existing_until, 1), months)
