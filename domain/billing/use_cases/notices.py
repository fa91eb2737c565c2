"""What providers tell us: kept first, answered at once, believed only after the provider itself was asked."""

from __future__ import annotations

from dataclasses import dataclass

from domain.actor import Call
from domain.billing.notice import Notice
from domain.billing.ports import Begin
from domain.billing.provider_notice import ProviderNotice
from domain.clock import Clock
from domain.identity import Ids
from domain.retry import retried


@dataclass(frozen=True, slots=True)
class Notices:
    """The use cases of provider's notices; `Payments.observe` applies what the provider then says."""

    begin: Begin
    clock: Clock
    ids: Ids

    @retried
    async def receive(self, call: Call, notice: Notice) -> bool:
        """Keep a notice and have it looked into; answers False for one that was told before."""
        kept = ProviderNotice(
            id=self.ids.new(),
            provider=notice.provider,
            event_id=notice.event_id,
            topic=notice.topic,
            charge_id=notice.resource_id,
            body=notice.body,
            received_at=self.clock.now(),
        )
        async with self.begin(call) as work:
            new = await work.notices.add(kept)
            await work.commit()
            return new

    @retried
    async def park(self, call: Call, notice: ProviderNotice, reason: str) -> None:
        """Nobody knows (yet) what it is about."""
        async with self.begin(call) as work:
            notice.park(reason, at=self.clock.now())
            work.notices.save(notice)
            await work.commit()
