"""A provider's word that was looked into leaves the list, with who did it and why; nothing else does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from domain.billing.notice import Notice
from domain.billing.provider_notice import NoticeStatus
from persistence.notice_tools import NoticeTools
from tests.support.builders import CALL
from tests.support.house import House, house


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[House]:
    async with house(database_url) as opened:
        yield opened


async def test_a_parked_notice_is_dismissed_once_and_looked_up_no_more(home: House) -> None:
    notice = Notice(provider="sandbox", event_id="1", topic="payment", resource_id="x", live=False, body=b"")
    await home.notices.receive(CALL, notice)
    (kept,) = await home.views.notices(None, after=None, limit=9)
    tools = NoticeTools(home.database)
    assert not await tools.dismiss(kept.id, who="ops", reason="it still waits")
    await home.notices.park(CALL, kept, "no_such_charge")
    assert await tools.dismiss(kept.id, who="ops", reason="a sale of another shop")
    assert not await tools.dismiss(kept.id, who="ops", reason="again")
    assert await home.views.notices(NoticeStatus.PARKED, after=None, limit=9) == []
    (told,) = await home.rows("SELECT who, what, reason FROM operator_log")
    assert (told["who"], told["reason"]) == ("ops", "a sale of another shop")
    assert str(kept.id) in told["what"]
    due = datetime.now(UTC) + timedelta(days=1)
    assert await home.tasks.claim(due, lease_seconds=1, limit=9) == []
