"""A budget's life through the real gRPC door: offered, decided by link, changed, withdrawn, and what is told of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from acerto.billing.v1 import billing_service_pb2 as pb
from acerto.billing.v1 import budget_pb2, work_order_pb2
from domain.actor import Actor
from domain.billing.errors import LinkInvalid
from domain.billing.rules import BillingRules
from tests.support.builders import AT, an_os, received
from tests.support.journey import CUSTOMER, PRICE, Journey, a_line, begun, brl, cents
from tests.support.served import Refused, Scene, refusal

OS = str(an_os(1))


async def decide(journey: Journey, budget_id: str, **how: Any) -> budget_pb2.Budget:
    budget: budget_pb2.Budget = await journey.billing.ApproveBudget(pb.ApproveBudgetRequest(budget_id=budget_id, **how))
    return budget


async def refused(journey: Journey, budget_id: str, **how: Any) -> Refused:
    return await refusal(journey.billing.ApproveBudget(pb.ApproveBudgetRequest(budget_id=budget_id, **how)))


async def revise(journey: Journey, budget_id: str, *prices: int) -> budget_pb2.Budget:
    request = pb.ReviseBudgetRequest(budget_id=budget_id, items=[a_line(price) for price in prices])
    budget: budget_pb2.Budget = await journey.billing.ReviseBudget(request)
    return budget


async def test_a_sent_budget_is_approved_by_its_link() -> None:
    async with begun() as journey:
        sent = await journey.sent()
        assert sent.budget.status == budget_pb2.BUDGET_STATUS_SENT
        assert sent.budget.valid_until_time.ToDatetime().day == 11
        assert sent.approval_link.expire_time == sent.budget.valid_until_time
        assert sent.approval_link.url == f"https://example.com/decide?by={sent.approval_link.token}"
        approved = await decide(journey, sent.budget.budget_id, approval_token=sent.approval_link.token)
        assert (approved.status, list(approved.allowed_actions)) == (
            budget_pb2.BUDGET_STATUS_APPROVED,
            ["revise", "cancel"],
        )
        assert journey.facts() == ["BudgetGenerated", "BudgetSent", "BudgetApproved"]


async def test_a_link_is_given_again_to_whoever_lost_it_while_it_is_good() -> None:
    async with begun() as journey:
        budget = await journey.drafted()
        again = pb.GetApprovalLinkRequest(budget_id=budget.budget_id)
        assert (await refusal(journey.billing.GetApprovalLink(again))).reason == "NO_APPROVAL_LINK"
        sent = await journey.send(budget)
        assert await journey.billing.GetApprovalLink(again) == sent.approval_link
        assert (await journey.send(budget)).approval_link == sent.approval_link
        await journey.billing.CancelBudget(pb.CancelBudgetRequest(budget_id=budget.budget_id))
        assert (await refusal(journey.billing.GetApprovalLink(again))).reason == "BUDGET_CANCELED"


async def test_the_link_dies_with_its_revision_and_the_new_one_decides() -> None:
    async with begun() as journey:
        old = await journey.sent()
        budget_id = old.budget.budget_id
        revised = await revise(journey, budget_id, 20_000)
        assert (revised.revision, revised.status) == (2, budget_pb2.BUDGET_STATUS_DRAFT)
        assert not revised.HasField("valid_until_time")
        new = await journey.send(revised)
        dead = await refused(journey, budget_id, approval_token=old.approval_link.token)
        assert (dead.code, dead.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "LINK_REVOKED")
        assert dead.about == {"revision": "2"}
        approved = await decide(journey, budget_id, approval_token=new.approval_link.token)
        assert cents(approved.total) == 20_000


async def test_a_tampered_token_and_another_budgets_decide_nothing() -> None:
    async with begun() as journey:
        mine, other = await journey.sent(1), await journey.sent(2)
        token = mine.approval_link.token
        for wrong in (other.approval_link.token, token[:-1], f"{token[:5]}B{token[6:]}", "nonsense", "ü"):
            answer = await refused(journey, mine.budget.budget_id, approval_token=wrong)
            assert (answer.code, answer.reason) == (grpc.StatusCode.PERMISSION_DENIED, "LINK_INVALID")
            assert answer.message == (LinkInvalid.__doc__ or "").strip()
            no = pb.RejectBudgetRequest(budget_id=mine.budget.budget_id, approval_token=wrong)
            assert (await refusal(journey.billing.RejectBudget(no))).reason == "LINK_INVALID"
        assert (await journey.budget(mine.budget.budget_id)).status == budget_pb2.BUDGET_STATUS_SENT


async def test_a_page_token_of_the_same_key_is_no_approval_token() -> None:
    async with begun() as journey:
        sent = await journey.sent(1)
        await journey.drafted(2)
        page = await journey.billing.ListBudgets(pb.ListBudgetsRequest(page_size=1))
        answer = await refused(journey, sent.budget.budget_id, approval_token=page.next_page_token)
        assert answer.reason == "LINK_INVALID"


async def test_a_decision_on_another_revision_than_the_one_expected_is_refused() -> None:
    async with begun() as journey:
        budget = await journey.drafted()
        stale = await refused(journey, budget.budget_id, expected_revision=2)
        assert (stale.code, stale.reason, stale.about) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "STALE_REVISION",
            {"revision": "1"},
        )
        assert (await decide(journey, budget.budget_id, expected_revision=1)).status == (
            budget_pb2.BUDGET_STATUS_APPROVED
        )


async def test_at_its_last_instant_an_offer_is_good_and_one_later_it_has_expired_for_all_to_see() -> None:
    async with begun() as journey:
        early, late = await journey.sent(1), await journey.sent(2)
        journey.scene.clock.advance(days=10)
        await decide(journey, early.budget.budget_id, approval_token=early.approval_link.token)
        journey.scene.clock.advance(microseconds=1)
        answer = await refused(journey, late.budget.budget_id, approval_token=late.approval_link.token)
        assert (answer.code, answer.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "BUDGET_EXPIRED")
        assert (await journey.budget(late.budget.budget_id)).status == budget_pb2.BUDGET_STATUS_EXPIRED
        assert journey.facts()[-2:] == ["BudgetApproved", "BudgetExpired"]
        lost = pb.GetApprovalLinkRequest(budget_id=late.budget.budget_id)
        assert (await refusal(journey.billing.GetApprovalLink(lost))).reason == "BUDGET_EXPIRED"


async def test_a_repeat_by_link_answers_as_the_first_did_even_when_the_link_has_expired_since() -> None:
    async with begun() as journey:
        sent = await journey.sent()
        request = pb.ApproveBudgetRequest(
            request_id=str(uuid4()), budget_id=sent.budget.budget_id, approval_token=sent.approval_link.token
        )
        first = await journey.billing.ApproveBudget(request)
        journey.scene.clock.advance(days=11)
        again = journey.billing.ApproveBudget(request)
        assert await again == first
        assert dict(await again.trailing_metadata())["acerto-replayed"] == "true"
        assert await decide(journey, sent.budget.budget_id, approval_token=sent.approval_link.token) == first


async def test_a_repeated_send_with_its_key_gives_the_same_link() -> None:
    async with begun() as journey:
        budget = await journey.drafted()
        request = pb.SendBudgetRequest(request_id=str(uuid4()), budget_id=budget.budget_id)
        first = await journey.billing.SendBudget(request)
        again = journey.billing.SendBudget(request)
        assert await again == first
        assert dict(await again.trailing_metadata())["acerto-replayed"] == "true"
        assert journey.facts() == ["BudgetGenerated", "BudgetSent"]


async def test_a_rejection_keeps_its_reason_and_an_approved_budget_cannot_be_rejected() -> None:
    async with begun() as journey:
        sent, approved = await journey.sent(1), await journey.approved(2)
        no = pb.RejectBudgetRequest(
            budget_id=sent.budget.budget_id, approval_token=sent.approval_link.token, reason="too dear"
        )
        assert (await journey.billing.RejectBudget(no)).status == budget_pb2.BUDGET_STATUS_REJECTED
        assert journey.scene.store.outbox[-1].body.endswith(b'"Revision":1,"StatusDetail":"REJECTED"}')
        assert b'"Reason":"too dear"' in journey.scene.store.outbox[-1].body
        late = await refusal(journey.billing.RejectBudget(pb.RejectBudgetRequest(budget_id=approved.budget_id)))
        assert (late.reason, late.about) == ("ILLEGAL_TRANSITION", {"allowed_actions": "revise,cancel"})


async def test_where_sending_is_demanded_a_draft_cannot_be_approved() -> None:
    async with begun(Scene(rules=BillingRules(require_send=True))) as journey:
        budget = await journey.drafted()
        assert (await refused(journey, budget.budget_id)).reason == "ILLEGAL_TRANSITION"


async def test_an_offer_needs_a_price_and_somebody_to_send_it_to() -> None:
    async with begun(Scene(rules=BillingRules())) as journey:
        nobody = await journey.drafted(1, customer=None)
        free = await journey.drafted(2, items=[])
        for budget, reason in ((nobody, "BUDGET_WITHOUT_CUSTOMER"), (free, "BUDGET_WITHOUT_PRICE")):
            request = pb.SendBudgetRequest(budget_id=budget.budget_id)
            assert (await refusal(journey.billing.SendBudget(request))).reason == reason


async def test_an_update_changes_what_is_given_and_only_other_lines_make_a_revision() -> None:
    async with begun() as journey:
        made = await journey.drafted(customer=None)
        about: dict[str, Any] = {"budget_id": made.budget_id}
        known = await journey.billing.UpdateBudget(pb.UpdateBudgetRequest(**about, customer=CUSTOMER, validity_days=3))
        assert (known.customer.name, known.validity_days, known.revision) == (CUSTOMER.name, 3, 1)
        assert list(known.items) == list(made.items)
        dearer = await journey.billing.UpdateBudget(pb.UpdateBudgetRequest(**about, items=[a_line(12_000)]))
        assert (cents(dearer.total), dearer.revision, dearer.customer.name) == (12_000, 2, CUSTOMER.name)
        same = await journey.billing.UpdateBudget(pb.UpdateBudgetRequest(**about, items=[a_line(12_000)]))
        assert same == dearer
        assert journey.facts() == ["BudgetGenerated", "BudgetGenerated"]


async def test_what_a_mask_names_is_changed_also_to_nothing_and_what_it_does_not_name_stays() -> None:
    async with begun() as journey:
        made = await journey.drafted()
        request = pb.UpdateBudgetRequest(
            budget_id=made.budget_id, validity_days=5, update_mask=FieldMask(paths=["customer", "items"])
        )
        bare = await journey.billing.UpdateBudget(request)
        assert (bare.HasField("customer"), len(bare.items), cents(bare.total)) == (False, 0, 0)
        assert bare.validity_days == made.validity_days


async def test_a_mask_with_another_path_and_an_offer_of_no_days_are_refused() -> None:
    async with begun() as journey:
        made = await journey.drafted()
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"update_mask": FieldMask(paths=["status"])}, "update_mask"),
            ({"update_mask": FieldMask(paths=["validity_days"])}, "validity_days"),
            ({"validity_days": 366}, "validity_days"),
            ({"items": [a_line()] * 501}, "items"),
        ]
        for given, field in wrong:
            request = pb.UpdateBudgetRequest(budget_id=made.budget_id, **given)
            answer = await refusal(journey.billing.UpdateBudget(request))
            assert (answer.reason, answer.fields) == ("INVALID_REQUEST", [field])


@pytest.mark.parametrize("etag", ['"2"', '"0"', "W/1", "x"])
async def test_an_update_with_another_etag_is_stale(etag: str) -> None:
    async with begun() as journey:
        made = await journey.drafted()
        request = pb.UpdateBudgetRequest(budget_id=made.budget_id, etag=etag, validity_days=3)
        stale = await refusal(journey.billing.UpdateBudget(request))
        assert (stale.code, stale.reason) == (grpc.StatusCode.ABORTED, "STALE")
        request.etag = made.etag
        assert (await journey.billing.UpdateBudget(request)).etag != made.etag


async def test_revisions_are_listed_as_they_were_page_by_page_each_with_its_digest() -> None:
    async with begun() as journey:
        sent = await journey.sent()
        budget_id = sent.budget.budget_id
        await revise(journey, budget_id, 20_000, 5)
        await journey.send(await journey.budget(budget_id))
        await revise(journey, budget_id, 30_000)
        first = await journey.billing.ListBudgetRevisions(
            pb.ListBudgetRevisionsRequest(budget_id=budget_id, page_size=2)
        )
        rest = await journey.billing.ListBudgetRevisions(
            pb.ListBudgetRevisionsRequest(budget_id=budget_id, page_size=2, page_token=first.next_page_token)
        )
        assert rest.next_page_token == ""
        listed = [*first.revisions, *rest.revisions]
        assert [(one.revision, cents(one.total), len(one.items)) for one in listed] == [
            (1, PRICE, 1),
            (2, 20_005, 2),
            (3, 30_000, 1),
        ]
        assert all(one.intact and len(bytes.fromhex(one.digest)) == 32 for one in listed)
        nowhere = pb.ListBudgetRevisionsRequest(budget_id=str(uuid4()))
        assert (await refusal(journey.billing.ListBudgetRevisions(nowhere))).reason == "BUDGET_NOT_FOUND"


async def test_a_canceled_budget_is_over_and_a_rejected_one_has_nothing_to_cancel() -> None:
    async with begun() as journey:
        budget, rejected = await journey.drafted(1), await journey.drafted(2)
        cancel = pb.CancelBudgetRequest(budget_id=budget.budget_id, reason="no parts")
        assert (await journey.billing.CancelBudget(cancel)).status == budget_pb2.BUDGET_STATUS_CANCELED
        assert (await journey.billing.CancelBudget(cancel)).status == budget_pb2.BUDGET_STATUS_CANCELED
        assert journey.facts().count("BudgetCanceled") == 1
        assert (await refused(journey, budget.budget_id)).reason == "BUDGET_CANCELED"
        await journey.billing.RejectBudget(pb.RejectBudgetRequest(budget_id=rejected.budget_id))
        over = await refusal(journey.billing.CancelBudget(pb.CancelBudgetRequest(budget_id=rejected.budget_id)))
        assert over.reason == "ILLEGAL_TRANSITION"


async def test_what_is_said_of_a_repair_and_every_event_are_lines_of_its_status_log() -> None:
    async with begun() as journey:
        journey.scene.store.receive(received(1), AT)
        budget = await journey.drafted()
        said = pb.UpdateWorkOrderStatusRequest(work_order_id=OS, status="EM_EXECUCAO")
        assert (await journey.billing.UpdateWorkOrderStatus(said)).status == "EM_EXECUCAO"
        await decide(journey, budget.budget_id)
        lines: list[work_order_pb2.WorkOrderStatus] = []
        token = ""
        while not lines or token:
            page = await journey.billing.ListWorkOrderStatuses(
                pb.ListWorkOrderStatusesRequest(work_order_id=OS, page_size=2, page_token=token)
            )
            lines, token = [*lines, *page.statuses], page.next_page_token
        assert [(line.status, line.event_type) for line in lines] == [
            ("OsCreated", "OsCreated"),
            ("WORK_ORDER_OPEN", ""),
            ("BUDGET_DRAFT", "BudgetGenerated"),
            ("EM_EXECUCAO", ""),
            ("BUDGET_APPROVED", "BudgetApproved"),
        ]
        assert [line.actor for line in lines[:2]] == ["system:billing-events", "tester"]
        timeline = await journey.billing.GetWorkOrderTimeline(pb.GetWorkOrderTimelineRequest(work_order_id=OS))
        assert (timeline.work_order.status, len(timeline.entries)) == ("EM_EXECUCAO", 5)


@pytest.mark.parametrize("rpc", ["UpdateWorkOrderStatus", "ListWorkOrderStatuses", "GetLedger"])
async def test_a_work_order_of_another_workshop_is_as_if_absent(rpc: str) -> None:
    async with begun() as journey:
        await journey.drafted()
        scene = journey.scene
        scene.actor = Actor(id="guest", permissions=scene.actor.permissions, workshops=frozenset({"other"}))
        said = {"status": "x"} if rpc.startswith("Update") else {}
        request = getattr(pb, f"{rpc}Request")
        hidden = await refusal(getattr(journey.billing, rpc)(request(work_order_id=OS, **said)))
        absent = await refusal(getattr(journey.billing, rpc)(request(work_order_id=str(UUID(int=99)), **said)))
        assert (hidden.code, hidden.reason, hidden.message) == (absent.code, absent.reason, absent.message)
        assert hidden.reason == "WORK_ORDER_NOT_FOUND"


async def test_a_revision_has_lines_in_the_currency_of_billing() -> None:
    async with begun() as journey:
        sent = await journey.sent()
        foreign = budget_pb2.LineItem(
            kind=budget_pb2.LINE_ITEM_KIND_PART, description="x", quantity="1", unit_price=brl(1, "USD")
        )
        for items, reason in (([], "INVALID_REQUEST"), ([foreign], "WRONG_CURRENCY")):
            request = pb.ReviseBudgetRequest(budget_id=sent.budget.budget_id, items=items)
            assert (await refusal(journey.billing.ReviseBudget(request))).reason == reason
