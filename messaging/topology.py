"""What exchanges, queues and bindings there must be, as data (billing.md A, messaging.md Topology).

Arguments of a queue are immutable on the broker: a change means a new name with a version.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

PARTNER_EXCHANGE: Final = "os.events"
OWN_EXCHANGE: Final = "acerto.events"
DEAD_LETTER_EXCHANGE: Final = "acerto.dlx"
INBOUND_QUEUE: Final = "billing-events"
DEAD_LETTER_QUEUE: Final = "billing-events-dlq"

INBOUND_KEYS: Final = ("os-created", "os-canceled", "os-compensation-requested")
PARTNER_KEYS: Final = (
    "budget-generated",
    "budget-approved",
    "budget-rejected",
    "payment-pending",
    "payment-confirmed",
    "payment-failed",
    "payment-reversed",
)
"""The keys that OSService binds, each exactly; publishing one of them is mandatory."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable quorum queue. `dead_letter_to` is a routing key on `dead_letter_exchange`.

    `delivery_limit` None keeps a message through any number of deliveries; a limit needs somewhere to put what
    exceeds it, since the broker would drop it.
    """

    name: str
    dead_letter_to: str | None = None
    delivery_limit: int | None = None
    single_active_consumer: bool = False
    dead_letter_exchange: str = DEAD_LETTER_EXCHANGE

    def __post_init__(self) -> None:
        if self.delivery_limit is not None and self.dead_letter_to is None:
            raise ValueError(f"queue {self.name} has a delivery limit and nowhere to put what exceeds it")


@dataclass(frozen=True, slots=True)
class Binding:
    """Messages of `exchange` with exactly this routing key go to `queue`."""

    exchange: str
    routing_key: str
    queue: str


@dataclass(frozen=True, slots=True)
class Topology:
    """Durable topic exchanges, queues and bindings."""

    exchanges: tuple[str, ...]
    queues: tuple[Queue, ...]
    bindings: tuple[Binding, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a plan: `state` is present, missing, made, conflict, or unseen where the broker cannot tell."""

    state: str
    what: str
    detail: str = field(default="")


def own(*, single_active_consumer: bool = True) -> Topology:
    """What Acerto declares for itself."""
    return Topology(
        exchanges=(PARTNER_EXCHANGE, OWN_EXCHANGE, DEAD_LETTER_EXCHANGE),
        queues=(
            Queue(
                INBOUND_QUEUE,
                dead_letter_to=DEAD_LETTER_QUEUE,
                delivery_limit=20,
                single_active_consumer=single_active_consumer,
            ),
            Queue(DEAD_LETTER_QUEUE),
        ),
        bindings=(
            *(Binding(PARTNER_EXCHANGE, key, INBOUND_QUEUE) for key in INBOUND_KEYS),
            Binding(DEAD_LETTER_EXCHANGE, DEAD_LETTER_QUEUE, DEAD_LETTER_QUEUE),
        ),
    )


def with_partners(topology: Topology) -> Topology:
    """The partners' queues too: the development profile only, since a partner declares its own."""
    return Topology(
        exchanges=topology.exchanges,
        queues=(*topology.queues, Queue("os-events"), Queue("execution-events")),
        bindings=(
            *topology.bindings,
            *(Binding(OWN_EXCHANGE, key, "os-events") for key in PARTNER_KEYS),
            Binding(OWN_EXCHANGE, "payment-confirmed", "execution-events"),
            Binding(PARTNER_EXCHANGE, "os-canceled", "execution-events"),
        ),
    )
