"""For each rpc of reference data, how it comes to where it is served, and to where it is refused."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.message import Message
from google.type.date_pb2 import Date

from acerto.eligibility.v1 import (
    beneficiary_pb2,
    health_plan_pb2,
    insurer_pb2,
    price_agreement_pb2,
    provider_pb2,
    tuss_term_pb2,
)
from acerto.eligibility.v1 import eligibility_service_pb2 as pb
from tests.support.equivalence import NOT_A_PAGE, Case, Prepare, plain
from tests.support.journey import Journey, brl
from tests.support.reference import CARD, INSURER, PATIENT, PLAN, PROVIDER

CODE: Final = "99000011"
CNPJ: Final = "12ABC34501DE35"
NEW_YEAR: Final = Date(year=2025, month=1, day=1)
NO_DAY: Final = Date(year=2026, month=2, day=30)
DAY: Final = Date(year=2026, month=3, day=1)


def insurer(**changes: Any) -> pb.UpsertInsurerRequest:
    given = {"insurer_id": INSURER, "name": "Sample insurer", "cnpj": CNPJ, **changes}
    return pb.UpsertInsurerRequest(insurer=insurer_pb2.Insurer(**given))


def health_plan(**changes: Any) -> pb.UpsertHealthPlanRequest:
    given: dict[str, Any] = {
        "insurer_id": INSURER,
        "plan_id": PLAN,
        "name": "Plano de exemplo",
        "segments": [health_plan_pb2.SEGMENT_HOSPITAL, health_plan_pb2.SEGMENT_AMBULATORY],
        "coverage": [health_plan_pb2.CoverageRule(table="22", prefix="99", needs_authorization=True, yearly_limit=2)],
        "waiting": health_plan_pb2.WaitingPeriods(other_days=180),
        "network": [PROVIDER],
        "active": False,
        "valid_from": NEW_YEAR,
        **changes,
    }
    return pb.UpsertHealthPlanRequest(health_plan=health_plan_pb2.HealthPlan(**given))


def beneficiary(**changes: Any) -> pb.UpsertBeneficiaryRequest:
    given: dict[str, Any] = {
        "insurer_id": INSURER,
        "card_number": CARD,
        "plan_id": PLAN,
        "patient_id": PATIENT,
        "enrolled_from": NEW_YEAR,
        "valid_to": DAY,
        **changes,
    }
    return pb.UpsertBeneficiaryRequest(beneficiary=beneficiary_pb2.Beneficiary(**given))


def provider(**changes: Any) -> pb.UpsertProviderRequest:
    given = {"provider_id": PROVIDER, "name": "Sample clinic", **changes}
    return pb.UpsertProviderRequest(provider=provider_pb2.Provider(**given))


def tuss_term(**changes: Any) -> pb.UpsertTussTermRequest:
    given: dict[str, Any] = {"table": "22", "code": CODE, "description": "Exame", "valid_from": NEW_YEAR, **changes}
    return pb.UpsertTussTermRequest(tuss_term=tuss_term_pb2.TussTerm(**given))


def price_agreement(**changes: Any) -> pb.UpsertPriceAgreementRequest:
    key = {"insurer_id": INSURER, "plan_id": PLAN, "table": "22", "code": CODE}
    given: dict[str, Any] = {**key, "price": brl(12_345), "valid_from": NEW_YEAR, **changes}
    return pb.UpsertPriceAgreementRequest(price_agreement=price_agreement_pb2.PriceAgreement(**given))


async def entered(journey: Journey) -> None:
    """One of everything."""
    stub = journey.eligibility
    for request in (insurer(), health_plan(), beneficiary(), provider(), tuss_term(), price_agreement()):
        await getattr(stub, type(request).__name__.removesuffix("Request"))(request)


def with_all(request: Message) -> Prepare:
    """The request, asked when there is one of everything."""

    async def prepare(journey: Journey) -> Message:
        await entered(journey)
        return request

    return prepare


REFERENCE_CASES: Final = {
    "UpsertInsurer": Case(plain(insurer()), plain(insurer(cnpj="12ABC34501DE36", appeal_days=366)), "INVALID_REQUEST"),
    "GetInsurer": Case(
        with_all(pb.GetInsurerRequest(insurer_id=INSURER)),
        plain(pb.GetInsurerRequest(insurer_id=INSURER)),
        "INSURER_NOT_FOUND",
    ),
    "ListInsurers": Case(
        with_all(pb.ListInsurersRequest(page_size=1)),
        plain(pb.ListInsurersRequest(page_token=NOT_A_PAGE)),
        "INVALID_PAGE_TOKEN",
    ),
    "UpsertHealthPlan": Case(with_all(health_plan(name="ç")), plain(health_plan()), "INSURER_NOT_FOUND"),
    "GetHealthPlan": Case(
        with_all(pb.GetHealthPlanRequest(insurer_id=INSURER, plan_id=PLAN)),
        with_all(pb.GetHealthPlanRequest(insurer_id=INSURER, plan_id="another")),
        "HEALTH_PLAN_NOT_FOUND",
    ),
    "ListHealthPlans": Case(
        with_all(pb.ListHealthPlansRequest(insurer_id=INSURER)),
        plain(pb.ListHealthPlansRequest(insurer_id=INSURER)),
        "INSURER_NOT_FOUND",
    ),
    "UpsertBeneficiary": Case(
        with_all(beneficiary(card_number="0 / ç")), plain(beneficiary()), "HEALTH_PLAN_NOT_FOUND"
    ),
    "GetBeneficiary": Case(
        with_all(pb.GetBeneficiaryRequest(insurer_id=INSURER, card_number=CARD)),
        with_all(pb.GetBeneficiaryRequest(insurer_id=INSURER, card_number=CARD.lstrip("0"))),
        "BENEFICIARY_NOT_FOUND",
    ),
    "ListBeneficiaries": Case(
        with_all(pb.ListBeneficiariesRequest(patient_id=PATIENT, plan_id=PLAN)),
        plain(pb.ListBeneficiariesRequest(insurer_id="12")),
        "INVALID_REQUEST",
    ),
    "UpsertProvider": Case(plain(provider(cnpj=CNPJ)), plain(provider(cnpj=CNPJ[::-1])), "INVALID_REQUEST"),
    "GetProvider": Case(
        with_all(pb.GetProviderRequest(provider_id=PROVIDER)),
        plain(pb.GetProviderRequest(provider_id=PROVIDER)),
        "PROVIDER_NOT_FOUND",
    ),
    "ListProviders": Case(
        with_all(pb.ListProvidersRequest(page_size=3)),
        plain(pb.ListProvidersRequest(page_size=-3)),
        "INVALID_REQUEST",
    ),
    "UpsertTussTerm": Case(plain(tuss_term(release="202501")), plain(tuss_term(valid_from=NO_DAY)), "INVALID_REQUEST"),
    "GetTussTerm": Case(
        with_all(pb.GetTussTermRequest(table="22", code=CODE, on=NEW_YEAR)),
        with_all(pb.GetTussTermRequest(table="22", code=CODE, on=Date(year=2024, month=12, day=31))),
        "TUSS_TERM_NOT_FOUND",
    ),
    "ListTussTerms": Case(
        with_all(pb.ListTussTermsRequest(table="22", code_prefix="99", on=DAY)),
        plain(pb.ListTussTermsRequest(on=NO_DAY)),
        "INVALID_REQUEST",
    ),
    "UpsertPriceAgreement": Case(
        with_all(price_agreement(price=brl(0))), with_all(price_agreement(price=brl(5, "USD"))), "INVALID_REQUEST"
    ),
    "GetPriceAgreement": Case(
        with_all(pb.GetPriceAgreementRequest(insurer_id=INSURER, plan_id=PLAN, table="22", code=CODE)),
        with_all(pb.GetPriceAgreementRequest(insurer_id=INSURER, plan_id=PLAN, table="20", code=CODE)),
        "PRICE_AGREEMENT_NOT_FOUND",
    ),
    "ListPriceAgreements": Case(
        with_all(pb.ListPriceAgreementsRequest(insurer_id=INSURER, code=CODE, on=DAY)),
        plain(pb.ListPriceAgreementsRequest(table="17")),
        "INVALID_REQUEST",
    ),
}
