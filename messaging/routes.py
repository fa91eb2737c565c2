"""Event type -> use case: a table. Messages enter below the pipeline, as actors of the system."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from domain.actor import Actor, Call
from domain.billing.ports import Begin
from domain.billing.use_cases.budgets import Billing, Outcome
from domain.events import Received
from domain.tracing import NoTracer, TraceHeaders, Tracer
from messaging.os_events import cancellation_of, order_of


@dataclass(frozen=True, slots=True)
class Routes:
    """Applies messages. `billing` makes the use cases over a `begin`, so that they join the message's transaction."""

    billing: Callable[[Begin], Billing]
    default_workshop: str
    tracer: Tracer = field(default_factory=NoTracer)

    async def apply(self, message: Received, begin: Begin) -> Outcome:
        """Call the message's use case. Raises Unusable, and what the use case raises."""
        route = ROUTES[message.event_type]
        with self.tracer.span(message.event_type, parent=message.trace) as trace:
            return await route(self.billing(begin), call_of(message, trace), message, self.default_workshop)


def call_of(message: Received, trace: TraceHeaders) -> Call:
    """The call that a message makes: caused by the message itself, for the actor of its queue."""
    return Call(
        actor=Actor(id=f"system:{message.consumer}"),
        causation_id=message.message_id,
        correlation_id=message.correlation_id,
        trace=trace,
    )


def _generate_budget(billing: Billing, call: Call, message: Received, workshop: str) -> Awaitable[Outcome]:
    return billing.generate_budget(call, order_of(message, workshop))


def _cancel_work_order(billing: Billing, call: Call, message: Received, workshop: str) -> Awaitable[Outcome]:
    return billing.cancel_work_order(call, cancellation_of(message, workshop))


ROUTES: dict[str, Callable[[Billing, Call, Received, str], Awaitable[Outcome]]] = {
    "OsCreated": _generate_budget,
    "OsCanceled": _cancel_work_order,
    "OsCompensationRequested": _cancel_work_order,
}
"""Every event that is read; `reader.EVENT_TYPES` has the same ones by routing key, and a test says so."""
