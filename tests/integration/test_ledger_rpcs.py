"""What is kept of the money, through the real gRPC door: the books, providers' notices, the timeline."""

from __future__ import annotations

from acerto.billing.v1 import billing_service_pb2 as pb
from acerto.billing.v1 import ledger_pb2, provider_notice_pb2
from domain.billing.charge import ChargeStatus
from domain.money import Money
from tests.support.builders import an_os
from tests.support.journey import PRICE, begun, cents


async def test_the_books_balance_and_say_where_the_money_is() -> None:
    async with begun() as journey:
        await journey.paid(1)
        await journey.approved(2)
        ledger = await journey.billing.GetLedger(pb.GetLedgerRequest(work_order_id=str(an_os(1))))
        assert {one.account: cents(one.balance) for one in ledger.balances} == {
            "clearing:mp": PRICE,
            "receivable:os": 0,
            "revenue:labor": -PRICE,
        }
        entries: list[ledger_pb2.LedgerEntry] = []
        token = ""
        while not entries or token:
            request = pb.ListLedgerEntriesRequest(page_size=1, page_token=token, work_order_id=str(an_os(1)))
            page = await journey.billing.ListLedgerEntries(request)
            entries, token = [*entries, *page.entries], page.next_page_token
        assert [(one.account, cents(one.amount), one.action) for one in entries] == [
            ("receivable:os", PRICE, "approve"),
            ("revenue:labor", -PRICE, "approve"),
            ("clearing:mp", PRICE, "confirm"),
            ("receivable:os", -PRICE, "confirm"),
        ]
        assert len({one.transaction_id for one in entries}) == 2
        everything = await journey.billing.ListLedgerEntries(pb.ListLedgerEntriesRequest())
        assert len(everything.entries) == 6


async def test_what_a_provider_says_and_nobody_believes_is_listed() -> None:
    async with begun() as journey:
        pending = await journey.pending()
        await journey.told(pending.payment_id, ChargeStatus.APPROVED, amount=Money(1))
        await journey.told(pending.payment_id, ChargeStatus.UNKNOWN)
        listed = await journey.billing.ListProviderNotices(pb.ListProviderNoticesRequest())
        assert {one.reason for one in listed.notices} == {"amount_differs", "unknown_status"}
        notice = listed.notices[0]
        assert (notice.status, notice.payment_id, notice.provider) == (
            provider_notice_pb2.PROVIDER_NOTICE_STATUS_QUARANTINED,
            pending.payment_id,
            "sandbox",
        )
        for status, count in (("QUARANTINED", 2), ("PARKED", 0)):
            number = provider_notice_pb2.ProviderNoticeStatus.Value(f"PROVIDER_NOTICE_STATUS_{status}")
            found = await journey.billing.ListProviderNotices(pb.ListProviderNoticesRequest(status=number))
            assert len(found.notices) == count
        first = await journey.billing.ListProviderNotices(pb.ListProviderNoticesRequest(page_size=1))
        rest = await journey.billing.ListProviderNotices(
            pb.ListProviderNoticesRequest(page_size=1, page_token=first.next_page_token)
        )
        assert [*first.notices, *rest.notices] == list(listed.notices)


async def test_the_timeline_has_the_payments_as_they_are_now() -> None:
    async with begun() as journey:
        paid = await journey.paid()
        timeline = await journey.billing.GetWorkOrderTimeline(
            pb.GetWorkOrderTimelineRequest(work_order_id=str(an_os(1)))
        )
        assert list(timeline.payments) == [paid]
        assert timeline.entries[-1].event_type == "PaymentConfirmed"
