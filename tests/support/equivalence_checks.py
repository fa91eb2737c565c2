"""For each rpc of eligibility checks, how it comes to where it is served, and to where it is refused."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.message import Message

from acerto.eligibility.v1 import eligibility_check_pb2
from acerto.eligibility.v1 import eligibility_service_pb2 as pb
from tests.support.equivalence import NOT_A_PAGE, Case, plain
from tests.support.equivalence_reference import DAY, NO_DAY
from tests.support.journey import Journey
from tests.support.reference import CARD, INSURER, PATIENT, PROVIDER


def check(**changes: Any) -> pb.CheckEligibilityRequest:
    return pb.CheckEligibilityRequest(**{"insurer_id": INSURER, "card_number": CARD, **changes})


async def checked(journey: Journey) -> Message:
    for _ in range(3):
        await journey.eligibility.CheckEligibility(check())
    return pb.ListEligibilityChecksRequest(page_size=2, insurer_id=INSURER)


CHECK_CASES: Final = {
    "CheckEligibility": Case(
        plain(
            check(
                patient_id=PATIENT,
                service_date=DAY,
                provider_id=PROVIDER,
                urgent=True,
                procedures=[eligibility_check_pb2.Procedure(table="22", code="99000011", quantity=2)],
            )
        ),
        plain(pb.CheckEligibilityRequest(service_date=NO_DAY)),
        "INVALID_REQUEST",
    ),
    "ListEligibilityChecks": Case(
        checked, plain(pb.ListEligibilityChecksRequest(page_token=NOT_A_PAGE)), "INVALID_PAGE_TOKEN"
    ),
}
