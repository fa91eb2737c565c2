"""The counter of the demo's clinic: whether a patient is covered today, before the care is given."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from acerto.eligibility.v1 import eligibility_service_pb2 as api
from acerto.eligibility.v1.beneficiary_pb2 import Beneficiary
from acerto.eligibility.v1.eligibility_check_pb2 import ReasonCode, Source, Verdict
from server.commands.sample import PATIENCE, SagaStuck, say
from server.rpc.wire import date_fields

INSURER: Final = "999991"
PLAN: Final = "COMPLETO"
CLINIC: Final = "9999991"
CARD: Final = "000100"
PATIENT: Final = "sample-01"
"""Of the sample in server/sample: a card that is years old."""
_NEW_CARD: Final = "000901"
_NOBODYS_CARD: Final = "000999"


@dataclass(frozen=True, slots=True)
class Counter:
    """Asks EligibilityService, and says what it answers. `eligibility` is its stub, `today` the day in Brazil."""

    eligibility: Any
    today: date

    async def opened(self) -> None:
        """Say whose day it is, by reference data alone."""
        insurers = await self.eligibility.ListInsurers(api.ListInsurersRequest())
        insurer = await self.eligibility.GetInsurer(api.GetInsurerRequest(insurer_id=INSURER))
        plan = await self.eligibility.GetHealthPlan(api.GetHealthPlanRequest(insurer_id=INSURER, plan_id=PLAN))
        clinic = await self.eligibility.GetProvider(api.GetProviderRequest(provider_id=CLINIC))
        say(f"  reference data: {len(insurers.insurers)} insurers of the sample")
        say(f"    clinic   {clinic.name}, CNES {CLINIC}")
        say(f"    insurer  {insurer.name}, registro ANS {INSURER}")
        say(f"    plan     {plan.name}, waiting period {plan.waiting.other_days} days")

    async def checked(self) -> None:
        """A yes, the same from the cache, two answers about a new card, and one that nobody knows."""
        say("\n  At the counter: is the patient covered today?")
        self._say("a card of years ago", await self._check(CARD))
        self._say("  asked again", await self._cached(CARD))
        await self._entered(_NEW_CARD, enrolled=self.today - timedelta(days=7))
        self._say("a card of a week ago", await self._check(_NEW_CARD))
        self._say("  but urgent", await self._check(_NEW_CARD, urgent=True))
        self._say("a card nobody knows", await self._check(_NOBODYS_CARD))

    async def _entered(self, card: str, *, enrolled: date) -> None:
        beneficiary = Beneficiary(
            insurer_id=INSURER,
            card_number=card,
            plan_id=PLAN,
            patient_id="demo-new",
            enrolled_from=date_fields(enrolled),
        )
        await self.eligibility.UpsertBeneficiary(api.UpsertBeneficiaryRequest(beneficiary=beneficiary))

    async def _check(self, card: str, *, urgent: bool = False) -> Any:
        request = api.CheckEligibilityRequest(insurer_id=INSURER, card_number=card, provider_id=CLINIC, urgent=urgent)
        return await self.eligibility.CheckEligibility(request)

    async def _cached(self, card: str) -> Any:
        """The answer from the cache, which is used as soon as its process knows that nothing moved."""
        check = await self._check(card)
        try:
            async with asyncio.timeout(PATIENCE):
                while not check.from_cache:
                    await asyncio.sleep(0.05)
                    check = await self._check(card)
        except TimeoutError as error:
            raise SagaStuck(f"no answer came from the cache within {PATIENCE:g} s") from error
        return check

    def _say(self, which: str, check: Any) -> None:
        verdict = Verdict.Name(check.verdict).removeprefix("VERDICT_")
        source = Source.Name(check.source).removeprefix("SOURCE_")
        say(f"    {which:<22}{verdict:<14}by {source}, card {check.masked_card or 'unknown'}")
        for reason in check.reasons:
            say(f"{'':26}{ReasonCode.Name(reason.code).removeprefix('REASON_CODE_')}: {reason.message}")
