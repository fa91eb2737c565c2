"""The rpcs of reference data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from acerto.eligibility.v1 import (
    beneficiary_pb2,
    health_plan_pb2,
    insurer_pb2,
    price_agreement_pb2,
    provider_pb2,
    tuss_term_pb2,
)
from acerto.eligibility.v1 import eligibility_service_pb2 as pb
from domain.actor import Call
from domain.clock import Clock
from domain.eligibility.beneficiary import Beneficiary
from domain.eligibility.errors import (
    BeneficiaryNotFound,
    HealthPlanNotFound,
    InsurerNotFound,
    PriceAgreementNotFound,
    ProviderNotFound,
    TussTermNotFound,
)
from domain.eligibility.health_plan import HealthPlan
from domain.eligibility.insurer import Insurer
from domain.eligibility.price_agreement import PriceAgreement
from domain.eligibility.provider import Provider
from domain.eligibility.queries import Place, ReferenceQueries
from domain.eligibility.tuss_term import TussTerm
from domain.eligibility.use_cases.reference import ReferenceData
from server.rpc import translate_reference as translate
from server.rpc.once import Encode
from server.rpc.page_tokens import PageTokens
from server.rpc.paging import by_texts, page_of

ANSWERS: Final[Mapping[str, Encode]] = {
    "UpsertInsurer": translate.insurer_to_wire,
    "UpsertHealthPlan": translate.health_plan_to_wire,
    "UpsertBeneficiary": translate.beneficiary_to_wire,
    "UpsertProvider": translate.provider_to_wire,
    "UpsertTussTerm": translate.tuss_term_to_wire,
    "UpsertPriceAgreement": translate.price_agreement_to_wire,
}
"""How the answer of each write becomes its response, now and in a replay."""
_ONE: Final = by_texts(1)
_TWO: Final = by_texts(2)
_THREE: Final = by_texts(3)
_FIVE: Final = by_texts(5)


class ReferenceRpcs:
    """A part of EligibilityServicer, which gives it what is named here."""

    _reference: ReferenceData
    _queries: ReferenceQueries
    _pages: PageTokens
    _clock: Clock

    async def UpsertInsurer(self, request: pb.UpsertInsurerRequest, call: Call) -> insurer_pb2.Insurer:  # noqa: N802 -- the contract's names
        wanted = translate.insurer_from_wire(request.insurer, self._clock.now())
        return translate.insurer_to_wire(await self._reference.upsert_insurer(call, wanted))

    async def GetInsurer(self, request: pb.GetInsurerRequest, _: Call) -> insurer_pb2.Insurer:  # noqa: N802
        found = await self._queries.insurer(request.insurer_id)
        if found is None:
            raise InsurerNotFound
        return translate.insurer_to_wire(found)

    async def ListInsurers(self, request: pb.ListInsurersRequest, _: Call) -> pb.ListInsurersResponse:  # noqa: N802
        async def ask(after: Place | None, limit: int) -> list[Insurer]:
            return await self._queries.insurers(after=after, limit=limit)

        found, following = await page_of(self._pages, request, _ONE, ask, lambda last: (last.insurer_id,))
        return pb.ListInsurersResponse(insurers=map(translate.insurer_to_wire, found), next_page_token=following)

    async def UpsertHealthPlan(self, request: pb.UpsertHealthPlanRequest, call: Call) -> health_plan_pb2.HealthPlan:  # noqa: N802
        wanted = translate.health_plan_from_wire(request.health_plan, self._clock.now())
        return translate.health_plan_to_wire(await self._reference.upsert_health_plan(call, wanted))

    async def GetHealthPlan(self, request: pb.GetHealthPlanRequest, _: Call) -> health_plan_pb2.HealthPlan:  # noqa: N802
        found = await self._queries.health_plan(request.insurer_id, request.plan_id)
        if found is None:
            raise HealthPlanNotFound
        return translate.health_plan_to_wire(found)

    async def ListHealthPlans(self, request: pb.ListHealthPlansRequest, _: Call) -> pb.ListHealthPlansResponse:  # noqa: N802
        async def ask(after: Place | None, limit: int) -> list[HealthPlan]:
            plans = await self._queries.health_plans(request.insurer_id, after=after, limit=limit)
            if plans is None:
                raise InsurerNotFound
            return plans

        found, following = await page_of(self._pages, request, _ONE, ask, lambda last: (last.plan_id,))
        return pb.ListHealthPlansResponse(
            health_plans=map(translate.health_plan_to_wire, found), next_page_token=following
        )

    async def UpsertBeneficiary(self, request: pb.UpsertBeneficiaryRequest, call: Call) -> beneficiary_pb2.Beneficiary:  # noqa: N802
        wanted = translate.beneficiary_from_wire(request.beneficiary, self._clock.now())
        return translate.beneficiary_to_wire(await self._reference.upsert_beneficiary(call, wanted))

    async def GetBeneficiary(self, request: pb.GetBeneficiaryRequest, _: Call) -> beneficiary_pb2.Beneficiary:  # noqa: N802
        found = await self._queries.beneficiary(request.insurer_id, request.card_number)
        if found is None:
            raise BeneficiaryNotFound
        return translate.beneficiary_to_wire(found)

    async def ListBeneficiaries(  # noqa: N802
        self, request: pb.ListBeneficiariesRequest, _: Call
    ) -> pb.ListBeneficiariesResponse:
        wanted = translate.beneficiary_filter_from_wire(request)

        async def ask(after: Place | None, limit: int) -> list[Beneficiary]:
            return await self._queries.beneficiaries(wanted, after=after, limit=limit)

        found, following = await page_of(
            self._pages, request, _TWO, ask, lambda last: (last.insurer_id, last.card_number)
        )
        return pb.ListBeneficiariesResponse(
            beneficiaries=map(translate.beneficiary_to_wire, found), next_page_token=following
        )

    async def UpsertProvider(self, request: pb.UpsertProviderRequest, call: Call) -> provider_pb2.Provider:  # noqa: N802
        wanted = translate.provider_from_wire(request.provider, self._clock.now())
        return translate.provider_to_wire(await self._reference.upsert_provider(call, wanted))

    async def GetProvider(self, request: pb.GetProviderRequest, _: Call) -> provider_pb2.Provider:  # noqa: N802
        found = await self._queries.provider(request.provider_id)
        if found is None:
            raise ProviderNotFound
        return translate.provider_to_wire(found)

    async def ListProviders(self, request: pb.ListProvidersRequest, _: Call) -> pb.ListProvidersResponse:  # noqa: N802
        async def ask(after: Place | None, limit: int) -> list[Provider]:
            return await self._queries.providers(after=after, limit=limit)

        found, following = await page_of(self._pages, request, _ONE, ask, lambda last: (last.provider_id,))
        return pb.ListProvidersResponse(providers=map(translate.provider_to_wire, found), next_page_token=following)

    async def UpsertTussTerm(self, request: pb.UpsertTussTermRequest, call: Call) -> tuss_term_pb2.TussTerm:  # noqa: N802
        wanted = translate.tuss_term_from_wire(request.tuss_term, self._clock.now())
        return translate.tuss_term_to_wire(await self._reference.upsert_tuss_term(call, wanted))

    async def GetTussTerm(self, request: pb.GetTussTermRequest, _: Call) -> tuss_term_pb2.TussTerm:  # noqa: N802
        on = translate.day_from_wire(request, self._clock.now)
        found = await self._queries.tuss_term(request.table, request.code, on)
        if found is None:
            raise TussTermNotFound
        return translate.tuss_term_to_wire(found)

    async def ListTussTerms(self, request: pb.ListTussTermsRequest, _: Call) -> pb.ListTussTermsResponse:  # noqa: N802
        wanted = translate.tuss_filter_from_wire(request)

        async def ask(after: Place | None, limit: int) -> list[TussTerm]:
            return await self._queries.tuss_terms(wanted, after=after, limit=limit)

        found, following = await page_of(
            self._pages, request, _THREE, ask, lambda last: (last.table, last.code, last.valid_from.isoformat())
        )
        return pb.ListTussTermsResponse(tuss_terms=map(translate.tuss_term_to_wire, found), next_page_token=following)

    async def UpsertPriceAgreement(  # noqa: N802
        self, request: pb.UpsertPriceAgreementRequest, call: Call
    ) -> price_agreement_pb2.PriceAgreement:
        wanted = translate.price_agreement_from_wire(request.price_agreement, self._clock.now())
        return translate.price_agreement_to_wire(await self._reference.upsert_price_agreement(call, wanted))

    async def GetPriceAgreement(  # noqa: N802
        self, request: pb.GetPriceAgreementRequest, _: Call
    ) -> price_agreement_pb2.PriceAgreement:
        on = translate.day_from_wire(request, self._clock.now)
        found = await self._queries.price_agreement(
            request.insurer_id, request.plan_id, request.table, request.code, on
        )
        if found is None:
            raise PriceAgreementNotFound
        return translate.price_agreement_to_wire(found)

    async def ListPriceAgreements(  # noqa: N802
        self, request: pb.ListPriceAgreementsRequest, _: Call
    ) -> pb.ListPriceAgreementsResponse:
        wanted = translate.price_filter_from_wire(request)

        async def ask(after: Place | None, limit: int) -> list[PriceAgreement]:
            return await self._queries.price_agreements(wanted, after=after, limit=limit)

        found, following = await page_of(self._pages, request, _FIVE, ask, _place_of_price)
        return pb.ListPriceAgreementsResponse(
            price_agreements=map(translate.price_agreement_to_wire, found), next_page_token=following
        )


def _place_of_price(last: PriceAgreement) -> Place:
    return (last.insurer_id, last.plan_id, last.table, last.code, last.valid_from.isoformat())
