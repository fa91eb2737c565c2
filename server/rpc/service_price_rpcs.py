"""The rpcs of the price table."""

from __future__ import annotations

from acerto.billing.v1 import billing_service_pb2 as pb
from acerto.billing.v1 import service_price_pb2
from domain.actor import Call
from domain.billing.queries import BillingQueries
from domain.billing.service_price import ServicePrice
from domain.billing.use_cases.budgets import Billing
from server.rpc.once import response_to
from server.rpc.page_tokens import PageTokens
from server.rpc.paging import BY_WORDS, page_of
from server.rpc.translate import service_price_from_wire, service_price_to_wire


class ServicePriceRpcs:
    """A part of BillingServicer, which gives it what is named here."""

    _billing: Billing
    _queries: BillingQueries
    _pages: PageTokens
    _default_workshop: str

    async def UpsertServicePrice(  # noqa: N802 -- the contract's name
        self, request: pb.UpsertServicePriceRequest, call: Call
    ) -> service_price_pb2.ServicePrice:
        wanted = service_price_from_wire(request.service_price, self._default_workshop, self._billing.clock)
        return response_to(call, service_price_to_wire, await self._billing.upsert_service_price(call, wanted))

    async def ListServicePrices(self, request: pb.ListServicePricesRequest, call: Call) -> pb.ListServicePricesResponse:  # noqa: N802
        async def ask(after: tuple[str, str] | None, limit: int) -> list[ServicePrice]:
            return await self._queries.service_prices(call.actor, request.workshop_id or None, after=after, limit=limit)

        found, following = await page_of(
            self._pages, request, BY_WORDS, ask, lambda last: (last.workshop_id, last.code.lower())
        )
        return pb.ListServicePricesResponse(service_prices=map(service_price_to_wire, found), next_page_token=following)
