"""The API's insides: the pipeline, its methods and their servicers."""

from __future__ import annotations

import structlog

from acerto.billing.v1 import billing_service_pb2, compatibility_service_pb2
from acerto.claims.v1 import claim_service_pb2
from acerto.claims.v1 import compatibility_service_pb2 as old_claims_pb2
from acerto.eligibility.v1 import compatibility_service_pb2 as old_eligibility_pb2
from acerto.eligibility.v1 import eligibility_service_pb2
from domain.billing.use_cases.watching import Timelines
from domain.eligibility.use_cases.reference import ReferenceData
from persistence.reference_cache import CachedReferenceViews
from persistence.tuss import TussTerms
from persistence.unit_of_work import Units
from server.access.approval_links import ApprovalLinks
from server.access.development import DevelopmentIdentity
from server.access.signing_key import signing_key
from server.rpc.billing import BillingServicer, Reads, Tokens
from server.rpc.claims import ClaimServicer
from server.rpc.claims_compatibility_rpcs import ClaimsCompatibilityServicer
from server.rpc.compatibility_rpcs import CompatibilityServicer
from server.rpc.eligibility import EligibilityServicer
from server.rpc.eligibility_compatibility_rpcs import EligibilityCompatibilityServicer
from server.rpc.journal import Journal
from server.rpc.methods import Method, methods_of
from server.rpc.page_tokens import PageTokens
from server.rpc.pipeline import Limits, Pipeline
from server.wiring.cashier import Cashier
from server.wiring.eligibility import checks
from server.wiring.house import House
from server.wiring.reference import ReferenceAnswers

BILLING = billing_service_pb2.DESCRIPTOR.services_by_name["BillingService"]
COMPATIBILITY = compatibility_service_pb2.DESCRIPTOR.services_by_name["CompatibilityService"]
ELIGIBILITY = eligibility_service_pb2.DESCRIPTOR.services_by_name["EligibilityService"]
CLAIMS = claim_service_pb2.DESCRIPTOR.services_by_name["ClaimService"]
OLD_CLAIMS = old_claims_pb2.DESCRIPTOR.services_by_name["ClaimsCompatibilityService"]
OLD_ELIGIBILITY = old_eligibility_pb2.DESCRIPTOR.services_by_name["EligibilityCompatibilityService"]


def pipeline(house: House, units: Units, till: Cashier) -> Pipeline:
    """The pipeline that serves every rpc. Raises ContractError, InsecureIdentity."""
    settings = house.settings
    known = methods()
    serving = Pipeline(
        identify=DevelopmentIdentity(settings.env, (method.permission for method in known.values())),
        ids=house.ids,
        journal=Journal(house.telemetry, structlog.get_logger()),
        limits=Limits(
            concurrent=settings.max_concurrent_requests,
            streams=settings.max_streams,
            default_timeout=settings.request_timeout,
        ),
        tracer=house.tracer,
    )
    servicers = _servicers(house, units, till)
    for method in known.values():
        serving.add(method, servicers[method.service])
    return serving


def methods() -> dict[str, Method]:
    """Every rpc that is served, by full name."""
    return methods_of([BILLING, COMPATIBILITY, CLAIMS, OLD_CLAIMS, ELIGIBILITY, OLD_ELIGIBILITY])


def _servicers(house: House, units: Units, till: Cashier) -> dict[str, object]:
    """Who serves each service, by its full name."""
    settings = house.settings
    billing, payments = house.billing(units.begin), house.payments(units.begin)
    key = signing_key(settings.signing_key, settings.data_dir)
    terms = TussTerms(house.database, house.generations, house.telemetry)
    reference, asked = CachedReferenceViews(house.database, terms), checks(house, terms)
    claims = house.claims(units.begin, ReferenceAnswers(reference, asked.checks))
    return {
        BILLING.full_name: BillingServicer(
            billing,
            payments,
            Reads(house.views, Timelines(house.views, house.news)),
            Tokens(PageTokens(key), ApprovalLinks(key, settings.approval_link or "")),
            check_script=till.check_script,
            default_workshop=settings.default_workshop,
        ),
        COMPATIBILITY.full_name: CompatibilityServicer(
            billing, payments, house.views, default_workshop=settings.default_workshop
        ),
        CLAIMS.full_name: ClaimServicer(claims, house.claim_views, PageTokens(key)),
        OLD_CLAIMS.full_name: ClaimsCompatibilityServicer(claims, house.claim_views),
        OLD_ELIGIBILITY.full_name: EligibilityCompatibilityServicer(asked, house.clock),
        ELIGIBILITY.full_name: EligibilityServicer(
            ReferenceData(units.begin),
            reference,
            asked,
            PageTokens(key),
            house.clock,
        ),
    }
