"""Analyses, appeals and answers that are entered late, through the real gRPC door: what counts is their own day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
from google.type.date_pb2 import Date

from acerto.claims.v1 import claim_pb2
from acerto.claims.v1 import claim_service_pb2 as pb
from tests.support.claims_journey import ClaimsJourney, analysis
from tests.support.journey import brl
from tests.support.served import Scene, refusal


@asynccontextmanager
async def begun(scene: Scene | None = None) -> AsyncIterator[ClaimsJourney]:
    async with (scene or Scene()).served() as served:
        yield ClaimsJourney(served.claims)


async def test_what_an_insurer_said_days_ago_is_entered_by_its_own_day() -> None:
    scene = Scene()
    async with begun(scene) as clinic:
        claim = await clinic.analyzed()
        scene.clock.advance(days=6)
        said = analysis(claim, 3_000, released=7_000)
        said.date.CopyFrom(Date(year=2026, month=3, day=8))
        late = await refusal(clinic.stub.AdjudicateClaim(said))
        assert (late.code, late.reason, late.fields) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_REQUEST",
            ["date"],
        )
        said.date.day = 2
        (denial,) = (await clinic.stub.AdjudicateClaim(said)).items[0].denials
        assert (denial.appeal_until, denial.HasField("appeal_date")) == (Date(year=2026, month=4, day=1), False)
        named = claim.claim_id
        appeal = pb.AppealClaimRequest(claim_id=named, denial_ids=[denial.denial_id], justification="needed")
        (denial,) = (await clinic.stub.AppealClaim(appeal)).items[0].denials
        assert denial.appeal_date == Date(year=2026, month=3, day=7)
        nothing = [pb.AppealAnswer(denial_id=denial.denial_id, recovered=brl(0))]
        answer = pb.AnswerClaimAppealRequest(claim_id=named, answers=nothing, date=Date(year=2026, month=3, day=6))
        assert (await refusal(clinic.stub.AnswerClaimAppeal(answer))).fields == ["date"]
        answer.date.day = 7
        answered = await clinic.stub.AnswerClaimAppeal(answer)
        assert answered.items[0].denials[0].appeal_until == Date(year=2026, month=4, day=6)
        history = await clinic.stub.ListClaimHistory(pb.ListClaimHistoryRequest(claim_id=claim.claim_id))
        notes = {entry.action: entry.note for entry in history.entries}
        assert (notes["adjudicate"], notes["answer_appeal"]) == ("2026-03-02", f"2026-03-07: {denial.denial_id}")


async def test_an_appeal_that_was_sent_in_time_is_entered_late_by_its_own_day() -> None:
    scene = Scene()
    async with begun(scene) as clinic:
        claim = await clinic.adjudicated(3_000, released=7_000)
        (denial,) = claim.items[0].denials
        last, decided = Date(year=2026, month=3, day=31), Date(year=2026, month=3, day=1)
        assert (denial.appeal_until, denial.decision_date) == (last, decided)
        scene.clock.advance(days=31)
        appeal = pb.AppealClaimRequest(claim_id=claim.claim_id, denial_ids=[denial.denial_id], justification="needed")
        late = await refusal(clinic.stub.AppealClaim(appeal))
        assert late.reason == "APPEAL_DEADLINE_PASSED"
        wrong_days = [
            Date(year=2026, month=4, day=2),
            Date(year=2026, month=2, day=28),
            Date(year=2026, month=2, day=29),
        ]
        for wrong in wrong_days:
            appeal.date.CopyFrom(wrong)
            refused = await refusal(clinic.stub.AppealClaim(appeal))
            assert (refused.reason, refused.fields) == ("INVALID_REQUEST", ["date"])
        appeal.date.CopyFrom(last)
        (denial,) = (await clinic.stub.AppealClaim(appeal)).items[0].denials
        assert (denial.state, denial.appeal_date) == (claim_pb2.DENIAL_STATE_APPEALED, last)
        history = await clinic.stub.ListClaimHistory(pb.ListClaimHistoryRequest(claim_id=claim.claim_id))
        assert history.entries[-1].note == f"2026-03-31: {denial.denial_id}"


async def test_a_day_that_is_none_is_refused_by_its_field_with_all_else_that_is_wrong() -> None:
    async with begun() as clinic:
        said = analysis(await clinic.analyzed(), 0, released=10_000)
        said.date.CopyFrom(Date(year=2026, month=2, day=30))
        assert (await refusal(clinic.stub.AdjudicateClaim(said))).fields == ["items[0].denials[0].amount", "date"]
