"""The real gRPC server over the domain's fakes: what the doors are tested on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.rpc import error_details_pb2 as details_pb2
from google.rpc import status_pb2

from acerto.billing.v1 import billing_service_pb2, compatibility_service_pb2
from acerto.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from acerto.billing.v1.compatibility_service_pb2_grpc import CompatibilityServiceStub
from acerto.claims.v1 import claim_service_pb2
from acerto.claims.v1 import compatibility_service_pb2 as old_claims_pb2
from acerto.claims.v1.claim_service_pb2_grpc import ClaimServiceStub
from acerto.claims.v1.compatibility_service_pb2_grpc import ClaimsCompatibilityServiceStub
from acerto.eligibility.v1 import compatibility_service_pb2 as old_eligibility_pb2
from acerto.eligibility.v1 import eligibility_service_pb2
from acerto.eligibility.v1.compatibility_service_pb2_grpc import EligibilityCompatibilityServiceStub
from acerto.eligibility.v1.eligibility_service_pb2_grpc import EligibilityServiceStub
from domain.actor import Actor
from domain.billing.rules import BillingRules
from domain.billing.use_cases.budgets import Billing
from domain.billing.use_cases.payments import Payments
from domain.billing.use_cases.watching import Timelines
from domain.claims.rules import ClaimRules
from domain.claims.use_cases.adjudications import Adjudications
from domain.claims.use_cases.batches import Batches
from domain.claims.use_cases.claims import Claims
from domain.claims.use_cases.deadlines import AppealDeadlines
from domain.claims.use_cases.invoices import Invoices
from domain.claims.use_cases.old_statuses import OldStatuses
from domain.eligibility.use_cases.reference import ReferenceData
from domain.money import Money
from server.access.approval_links import ApprovalLinks
from server.rpc.billing import BillingServicer, Reads, Tokens
from server.rpc.claims import ClaimServicer, ClaimUseCases
from server.rpc.claims_compatibility_rpcs import ClaimsCompatibilityServicer
from server.rpc.compatibility_rpcs import CompatibilityServicer
from server.rpc.eligibility import Checks, EligibilityServicer
from server.rpc.eligibility_compatibility_rpcs import EligibilityCompatibilityServicer
from server.rpc.health import Health
from server.rpc.journal import Journal
from server.rpc.methods import methods_of
from server.rpc.page_tokens import PageTokens
from server.rpc.pipeline import Limits, Pipeline
from server.rpc.server import GrpcServer
from server.rpc.visit import Metadata, Peer
from server.telemetry import Telemetry
from tests.support.fakes import FakeClock, FakeIds, FakeQueries, FakeStore, SpreadIds
from tests.support.fakes_claims import FakeClaimStore
from tests.support.fakes_claims_queries import FakeClaimQueries, FakeReference
from tests.support.fakes_eligibility import FakeChecks
from tests.support.fakes_reference import FakeReferenceQueries

BILLING = billing_service_pb2.DESCRIPTOR.services_by_name["BillingService"]
COMPATIBILITY = compatibility_service_pb2.DESCRIPTOR.services_by_name["CompatibilityService"]
CLAIMS = claim_service_pb2.DESCRIPTOR.services_by_name["ClaimService"]
ELIGIBILITY = eligibility_service_pb2.DESCRIPTOR.services_by_name["EligibilityService"]
OLD_CLAIMS = old_claims_pb2.DESCRIPTOR.services_by_name["ClaimsCompatibilityService"]
OLD_ELIGIBILITY = old_eligibility_pb2.DESCRIPTOR.services_by_name["EligibilityCompatibilityService"]
SERVICES = [BILLING, COMPATIBILITY, CLAIMS, OLD_CLAIMS, ELIGIBILITY, OLD_ELIGIBILITY]
PERMISSIONS = frozenset(method.permission for method in methods_of(SERVICES).values())
RULES = BillingRules(default_amount=Money(10_000))
KEY = b"a key of this test, long enough to be one"


@dataclass
class KeptLog:
    """Keeps every line."""

    lines: list[dict[str, Any]] = field(default_factory=list)

    def info(self, event: str, **fields: object) -> None:
        self.lines.append({"event": event, **fields})

    def error(self, event: str, **fields: object) -> None:
        self.lines.append({"event": event, **fields})

    def named(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]


class Scene:
    """A pipeline with every service on fakes, or on the `begin`, `queries` and `reference` (queries too) given.

    What a test may change is public. `billing` and `payments` are the use cases below the door, for what comes by no
    rpc: a provider's word, a message. Claims have a store of their own.
    """

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        begin: Any = None,
        queries: Any = None,
        reference: Any = None,
        rules: BillingRules = RULES,
    ) -> None:
        self.store = FakeStore()
        self.clock = FakeClock()
        self.log = KeptLog()
        self.telemetry = Telemetry()
        self.actor = Actor(id="tester", permissions=PERMISSIONS)
        self.health = Health(service.full_name for service in SERVICES)
        ids = FakeIds()
        self.pipeline = Pipeline(
            identify=self._identify, ids=ids, journal=Journal(self.telemetry, self.log), limits=limits
        )
        begin = begin or self.store.begin
        self.billing = Billing(begin, self.clock, ids, rules)
        self.payments = Payments(begin, self.clock, ids, rules)
        self.links = ApprovalLinks(KEY, "https://example.com/decide?by={token}")
        queries = queries or FakeQueries(self.store)
        self.eligibility = FakeChecks(self.store.reference, self.clock)
        checks = Checks(self.eligibility.checks, self.eligibility.history)
        reference = reference or FakeReferenceQueries(self.store.reference)
        servicers: dict[str, object] = {
            BILLING.full_name: BillingServicer(
                self.billing,
                self.payments,
                Reads(queries, Timelines(queries, self.store.news)),
                Tokens(PageTokens(KEY), self.links),
                check_script=_must_be_short,
                default_workshop="main",
            ),
            COMPATIBILITY.full_name: CompatibilityServicer(
                self.billing, self.payments, queries, default_workshop="main"
            ),
            ELIGIBILITY.full_name: EligibilityServicer(
                ReferenceData(begin), reference, checks, PageTokens(KEY), self.clock
            ),
            OLD_ELIGIBILITY.full_name: EligibilityCompatibilityServicer(checks, self.clock),
        }
        self.claim_store, self.reference = FakeClaimStore(), FakeReference()
        servicers |= claim_servicers(self.claim_store, self.clock, self.reference)
        for method in methods_of(SERVICES).values():
            self.pipeline.add(method, servicers[method.service])

    @asynccontextmanager
    async def served(self, *, grace: float = 5.0) -> AsyncIterator[Served]:
        """The scene behind a real server, and a channel to it."""
        stop = asyncio.Event()
        server = GrpcServer("127.0.0.1:0", self.pipeline, self.health)
        running = asyncio.create_task(server.run(stop, grace=grace))
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
                await asyncio.wait_for(channel.channel_ready(), 10)
                self.health.serve(ready=True)
                billing, old = BillingServiceStub(channel), CompatibilityServiceStub(channel)
                health = (ClaimServiceStub(channel), EligibilityServiceStub(channel))
                older = (ClaimsCompatibilityServiceStub(channel), EligibilityCompatibilityServiceStub(channel))
                yield Served(channel, billing, old, *health, *older, stop, running)
        finally:
            stop.set()
            with suppress(asyncio.CancelledError):
                await running

    async def _identify(self, _metadata: Metadata, _peer: Peer) -> Actor:
        return self.actor


def claim_servicers(store: FakeClaimStore, clock: FakeClock, reference: FakeReference) -> dict[str, object]:
    """The servicers of claims over a fake store, by their services' names."""
    ids, queries = SpreadIds(), FakeClaimQueries(store)
    use_cases = ClaimUseCases(
        Claims(store.begin, clock, ids, reference, queries),
        Adjudications(store.begin, clock, ids, AppealDeadlines(ClaimRules(), reference, queries)),
        Batches(store.begin, clock, ids),
        Invoices(store.begin, clock, ids),
        OldStatuses(store.begin, clock, ids),
    )
    return {
        CLAIMS.full_name: ClaimServicer(use_cases, queries, PageTokens(KEY)),
        OLD_CLAIMS.full_name: ClaimsCompatibilityServicer(use_cases, queries),
    }


def _must_be_short(script: str) -> None:
    """A provider's opinion of scripts, such as a test can remember."""
    if len(script) > 20:
        raise ValueError("a script has at most 20 characters here")


@dataclass
class Served:
    """A running server, seen by a client."""

    channel: grpc.aio.Channel
    billing: Any
    old: Any
    claims: Any
    eligibility: Any
    old_claims: Any
    old_eligibility: Any
    stop: asyncio.Event
    running: asyncio.Task[None]


@dataclass
class Refused:
    """A refusal as a client reads it."""

    code: grpc.StatusCode
    message: str
    metadata: Mapping[str, str | bytes]
    status: status_pb2.Status

    @property
    def reason(self) -> str:
        return str(self.detail(details_pb2.ErrorInfo()).reason)

    @property
    def about(self) -> dict[str, str]:
        return dict(self.detail(details_pb2.ErrorInfo()).metadata)

    @property
    def fields(self) -> list[str]:
        return [violation.field for violation in self.detail(details_pb2.BadRequest()).field_violations]

    def detail(self, into: Any) -> Any:
        """The detail of this type. Raises AssertionError when there is none."""
        for packed in self.status.details:
            if packed.Unpack(into):
                return into
        raise AssertionError(f"no {type(into).__name__} in {self.status}")


async def refusal(call: grpc.aio.UnaryUnaryCall[Any, Any]) -> Refused:
    """The refusal that a call ends in. Raises AssertionError when it is served."""
    try:
        answer = await call
    except grpc.aio.AioRpcError as error:
        return _refused(error)
    raise AssertionError(f"it was served: {answer}")


async def end_of(stream: Any) -> Refused:
    """The refusal that a stream ends in, soon and without another message. Raises AssertionError otherwise."""
    try:
        answer = await asyncio.wait_for(stream.read(), 10)
    except grpc.aio.AioRpcError as error:
        return _refused(error)
    raise AssertionError(f"it went on: {answer}")


def _refused(error: grpc.aio.AioRpcError) -> Refused:
    metadata = dict(error.trailing_metadata() or ())
    packed = metadata.get("grpc-status-details-bin", b"")
    status = status_pb2.Status.FromString(packed if isinstance(packed, bytes) else b"")
    return Refused(error.code(), error.details() or "", metadata, status)
