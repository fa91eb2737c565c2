"""Reference data onto the wire, and requests about it into plain arguments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final

from acerto.eligibility.v1 import (
    beneficiary_pb2,
    eligibility_service_pb2,
    health_plan_pb2,
    insurer_pb2,
    price_agreement_pb2,
    provider_pb2,
    tuss_term_pb2,
)
from domain.calendar import day_of
from domain.eligibility.beneficiary import Beneficiary, BeneficiaryStatus
from domain.eligibility.health_plan import CoverageRule, HealthPlan, Segment, WaitingPeriods
from domain.eligibility.insurer import APPEAL_DAYS, Insurer
from domain.eligibility.price_agreement import PriceAgreement
from domain.eligibility.provider import Provider
from domain.eligibility.queries import BeneficiaryFilter, PriceFilter, TussFilter
from domain.eligibility.tuss_term import TussTerm
from domain.money import Money
from server.rpc.wire import Reading, date_fields, date_from_wire, instant_fields, money_fields, price_from_wire

_STATUS: Final = {s: beneficiary_pb2.BeneficiaryStatus.Value(f"BENEFICIARY_STATUS_{s.name}") for s in BeneficiaryStatus}
_STATUS_READ: Final = {number: status for status, number in _STATUS.items()} | {0: BeneficiaryStatus.ACTIVE}
_SEGMENT: Final = {s: health_plan_pb2.Segment.Value(f"SEGMENT_{s.name}") for s in Segment}
_SEGMENT_READ: Final = {number: segment for segment, number in _SEGMENT.items()}
_NOTHING: Final = Money(0)


def insurer_to_wire(insurer: Insurer) -> insurer_pb2.Insurer:
    """A stored insurer."""
    return insurer_pb2.Insurer(
        insurer_id=insurer.insurer_id,
        name=insurer.name,
        cnpj=insurer.cnpj,
        active=insurer.active,
        appeal_days=insurer.appeal_days,
        check_url=insurer.check_url,
        update_time=instant_fields(insurer.updated_at),
    )


def insurer_from_wire(wire: insurer_pb2.Insurer, at: datetime) -> Insurer:
    """The insurer to set."""
    return Insurer(
        insurer_id=wire.insurer_id,
        name=wire.name,
        cnpj=wire.cnpj,
        active=wire.active if wire.HasField("active") else True,
        appeal_days=wire.appeal_days or APPEAL_DAYS,
        check_url=wire.check_url,
        updated_at=at,
    )


def health_plan_to_wire(plan: HealthPlan) -> health_plan_pb2.HealthPlan:
    """A stored plan."""
    waiting = plan.waiting
    return health_plan_pb2.HealthPlan(
        insurer_id=plan.insurer_id,
        plan_id=plan.plan_id,
        name=plan.name,
        segments=sorted(_SEGMENT[segment] for segment in plan.segments),
        coverage=[_rule_fields(rule) for rule in plan.coverage],
        waiting=health_plan_pb2.WaitingPeriods(
            urgent_hours=waiting.urgent_hours,
            birth_days=waiting.birth_days,
            other_days=waiting.other_days,
            pre_existing_months=waiting.pre_existing_months,
        ),
        network=sorted(plan.network),
        active=plan.active,
        valid_from=date_fields(plan.valid_from),
        valid_to=date_fields(plan.valid_to),
        update_time=instant_fields(plan.updated_at),
    )


def health_plan_from_wire(wire: health_plan_pb2.HealthPlan, at: datetime) -> HealthPlan:
    """The plan to set. Raises Invalid for what is no day."""
    reading = Days(wire, "health_plan")
    plan = HealthPlan(
        insurer_id=wire.insurer_id,
        plan_id=wire.plan_id,
        name=wire.name,
        segments=frozenset(_SEGMENT_READ[number] for number in wire.segments),
        coverage=tuple(_rule_from_wire(rule) for rule in wire.coverage),
        waiting=WaitingPeriods(
            urgent_hours=wire.waiting.urgent_hours,
            birth_days=wire.waiting.birth_days,
            other_days=wire.waiting.other_days,
            pre_existing_months=wire.waiting.pre_existing_months,
        ),
        network=frozenset(wire.network),
        active=wire.active if wire.HasField("active") else True,
        valid_from=reading.day("valid_from"),
        valid_to=reading.day("valid_to"),
        updated_at=at,
    )
    reading.finish()
    return plan


def beneficiary_to_wire(beneficiary: Beneficiary) -> beneficiary_pb2.Beneficiary:
    """A stored beneficiary."""
    return beneficiary_pb2.Beneficiary(
        insurer_id=beneficiary.insurer_id,
        card_number=beneficiary.card_number,
        plan_id=beneficiary.plan_id,
        patient_id=beneficiary.patient_id,
        enrolled_from=date_fields(beneficiary.enrolled_from),
        enrolled_to=date_fields(beneficiary.enrolled_to),
        valid_from=date_fields(beneficiary.valid_from),
        valid_to=date_fields(beneficiary.valid_to),
        status=_STATUS[beneficiary.status],
        pre_existing_until=date_fields(beneficiary.pre_existing_until),
        update_time=instant_fields(beneficiary.updated_at),
    )


def beneficiary_from_wire(wire: beneficiary_pb2.Beneficiary, at: datetime) -> Beneficiary:
    """The beneficiary to set. Raises Invalid for what is no day."""
    reading = Days(wire, "beneficiary")
    beneficiary = Beneficiary(
        insurer_id=wire.insurer_id,
        card_number=wire.card_number,
        plan_id=wire.plan_id,
        patient_id=wire.patient_id,
        enrolled_from=reading.needed_day("enrolled_from"),
        enrolled_to=reading.day("enrolled_to"),
        valid_from=reading.day("valid_from"),
        valid_to=reading.day("valid_to"),
        status=_STATUS_READ[wire.status],
        pre_existing_until=reading.day("pre_existing_until"),
        updated_at=at,
    )
    reading.finish()
    return beneficiary


def provider_to_wire(provider: Provider) -> provider_pb2.Provider:
    """A stored provider."""
    return provider_pb2.Provider(
        provider_id=provider.provider_id,
        name=provider.name,
        cnpj=provider.cnpj,
        update_time=instant_fields(provider.updated_at),
    )


def provider_from_wire(wire: provider_pb2.Provider, at: datetime) -> Provider:
    """The provider to set."""
    return Provider(provider_id=wire.provider_id, name=wire.name, cnpj=wire.cnpj, updated_at=at)


def tuss_term_to_wire(term: TussTerm) -> tuss_term_pb2.TussTerm:
    """A stored row of a term."""
    return tuss_term_pb2.TussTerm(
        table=term.table,
        code=term.code,
        description=term.description,
        valid_from=date_fields(term.valid_from),
        valid_to=date_fields(term.valid_to),
        release=term.release,
        update_time=instant_fields(term.updated_at),
    )


def tuss_term_from_wire(wire: tuss_term_pb2.TussTerm, at: datetime) -> TussTerm:
    """The row to set. Raises Invalid for what is no day."""
    reading = Days(wire, "tuss_term")
    term = TussTerm(
        table=wire.table,
        code=wire.code,
        description=wire.description,
        valid_from=reading.needed_day("valid_from"),
        valid_to=reading.day("valid_to"),
        release=wire.release,
        updated_at=at,
    )
    reading.finish()
    return term


def price_agreement_to_wire(agreement: PriceAgreement) -> price_agreement_pb2.PriceAgreement:
    """A stored price."""
    return price_agreement_pb2.PriceAgreement(
        insurer_id=agreement.insurer_id,
        plan_id=agreement.plan_id,
        table=agreement.table,
        code=agreement.code,
        price=money_fields(agreement.price),
        valid_from=date_fields(agreement.valid_from),
        valid_to=date_fields(agreement.valid_to),
        update_time=instant_fields(agreement.updated_at),
    )


def price_agreement_from_wire(wire: price_agreement_pb2.PriceAgreement, at: datetime) -> PriceAgreement:
    """The price to set. Raises Invalid for what is no day and no amount."""
    reading = Days(wire, "price_agreement")
    agreement = PriceAgreement(
        insurer_id=wire.insurer_id,
        plan_id=wire.plan_id,
        table=wire.table,
        code=wire.code,
        price=reading.take("price_agreement.price", lambda: price_from_wire(wire.price, least=0), _NOTHING),
        valid_from=reading.needed_day("valid_from"),
        valid_to=reading.day("valid_to"),
        updated_at=at,
    )
    reading.finish()
    return agreement


def day_from_wire(request: Any, now: Callable[[], datetime]) -> date:
    """The day that a request asks `on`; today in America/Sao_Paulo where it does not say. Raises Invalid."""
    reading = Days(request)
    on = reading.day("on")
    reading.finish()
    return on or day_of(now())


def beneficiary_filter_from_wire(request: eligibility_service_pb2.ListBeneficiariesRequest) -> BeneficiaryFilter:
    """Which beneficiaries."""
    return BeneficiaryFilter(
        insurer_id=request.insurer_id or None,
        plan_id=request.plan_id or None,
        patient_id=request.patient_id or None,
    )


def tuss_filter_from_wire(request: eligibility_service_pb2.ListTussTermsRequest) -> TussFilter:
    """Which rows of terms. Raises Invalid for what is no day."""
    reading = Days(request)
    wanted = TussFilter(table=request.table or None, code_prefix=request.code_prefix or None, on=reading.day("on"))
    reading.finish()
    return wanted


def price_filter_from_wire(request: eligibility_service_pb2.ListPriceAgreementsRequest) -> PriceFilter:
    """Which price agreements. Raises Invalid for what is no day."""
    reading = Days(request)
    wanted = PriceFilter(
        insurer_id=request.insurer_id or None,
        plan_id=request.plan_id or None,
        table=request.table or None,
        code=request.code or None,
        on=reading.day("on"),
    )
    reading.finish()
    return wanted


class Days(Reading):
    """Reads the days of one message, which stands in the request's field of this name; empty: it is the request."""

    def __init__(self, message: Any, field: str = "") -> None:
        super().__init__()
        self._message = message
        self._path = f"{field}." if field else ""

    def day(self, name: str) -> date | None:
        """The day in a field; None where there is none, or what is there is no day."""
        if not self._message.HasField(name):
            return None
        return self.take(f"{self._path}{name}", lambda: date_from_wire(getattr(self._message, name)), None)

    def needed_day(self, name: str) -> date:
        """The day in a field that the contract requires."""
        return self.day(name) or date.min


def _rule_fields(rule: CoverageRule) -> Any:
    return {
        "table": rule.table,
        "prefix": rule.prefix,
        "covered": rule.covered,
        "needs_authorization": rule.needs_authorization,
        "yearly_limit": rule.yearly_limit or 0,
    }


def _rule_from_wire(wire: health_plan_pb2.CoverageRule) -> CoverageRule:
    return CoverageRule(
        table=wire.table,
        prefix=wire.prefix,
        covered=wire.covered if wire.HasField("covered") else True,
        needs_authorization=wire.needs_authorization,
        yearly_limit=wire.yearly_limit or None,
    )
