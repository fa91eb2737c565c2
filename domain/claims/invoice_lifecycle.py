"""Where an invoice can stand, and what may happen to it there (health.md B, Invoice).

The amounts decide which of the live statuses it is: so an action that changes amounts has one name per outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from domain.lifecycle import Lifecycle


class InvoiceStatus(Enum):
    """Where an invoice stands. All but CANCELED follow from its amounts; see `Amounts.status`."""

    OPEN = "OPEN"
    PARTIALLY_DENIED = "PARTIALLY_DENIED"
    """Something of it is denied, and nothing is paid yet."""
    PARTIALLY_SETTLED = "PARTIALLY_SETTLED"
    SETTLED = "SETTLED"
    """Nothing of it is due, and no denial waits for a decision."""
    CANCELED = "CANCELED"


class InvoiceAction(Enum):
    """What can happen to an invoice."""

    CREATE = "create"
    CREATE_DENIED = "create_denied"
    """Made of claims of which something was denied already."""
    UPDATE = "update"
    SETTLE_PART = "settle_part"
    SETTLE = "settle"
    REVERSE = "reverse"
    REVERSE_TO_DENIED = "reverse_to_denied"
    REVERSE_PART = "reverse_part"
    RECKON = "reckon"
    """A claim of it changed: nothing of the whole is paid or denied afterwards."""
    RECKON_DENIED = "reckon_denied"
    RECKON_PART = "reckon_part"
    RECKON_SETTLED = "reckon_settled"
    CANCEL = "cancel"


class OldInvoiceStatus(Enum):
    """The old client's statuses: a view of ours (health.md A)."""

    PENDING = "pending"
    SETTLED = "settled"
    CANCELED = "canceled"


_S, _A = InvoiceStatus, InvoiceAction

UNPAID: Final = (_S.OPEN, _S.PARTIALLY_DENIED)
"""Nothing was paid or withheld, or all of that was reversed."""
UNSETTLED: Final = (*UNPAID, _S.PARTIALLY_SETTLED)
PAID: Final = (_S.PARTIALLY_SETTLED, _S.SETTLED)
LIVE: Final = (*UNSETTLED, _S.SETTLED)
"""It keeps its claims to itself: each may be in no other."""

LIFECYCLE = Lifecycle[InvoiceStatus, InvoiceAction](
    "invoice",
    {
        (None, _A.CREATE): _S.OPEN,
        (None, _A.CREATE_DENIED): _S.PARTIALLY_DENIED,
        **{(state, _A.SETTLE): _S.SETTLED for state in UNSETTLED},
        **{(state, _A.SETTLE_PART): _S.PARTIALLY_SETTLED for state in UNSETTLED},
        **{(state, _A.REVERSE): _S.OPEN for state in PAID},
        **{(state, _A.REVERSE_TO_DENIED): _S.PARTIALLY_DENIED for state in PAID},
        **{(state, _A.REVERSE_PART): _S.PARTIALLY_SETTLED for state in PAID},
        **{(state, _A.RECKON): _S.OPEN for state in UNPAID},
        **{(state, _A.RECKON_DENIED): _S.PARTIALLY_DENIED for state in UNPAID},
        **{(state, _A.RECKON_PART): _S.PARTIALLY_SETTLED for state in PAID},
        (_S.PARTIALLY_DENIED, _A.RECKON_SETTLED): _S.SETTLED,
        **{(state, _A.RECKON_SETTLED): _S.SETTLED for state in PAID},
        **{(state, _A.UPDATE): state for state in LIVE},
        **{(state, _A.CANCEL): _S.CANCELED for state in UNPAID},
    },
    repeats=[(_S.SETTLED, _A.SETTLE), (_S.CANCELED, _A.CANCEL)],
)

Outcomes = Mapping[InvoiceStatus, InvoiceAction]
"""The name of an action by the status that the amounts give afterwards."""

CREATING: Final[Outcomes] = {_S.OPEN: _A.CREATE, _S.PARTIALLY_DENIED: _A.CREATE_DENIED}
SETTLING: Final[Outcomes] = {_S.PARTIALLY_SETTLED: _A.SETTLE_PART, _S.SETTLED: _A.SETTLE}
REVERSING: Final[Outcomes] = {
    _S.OPEN: _A.REVERSE,
    _S.PARTIALLY_DENIED: _A.REVERSE_TO_DENIED,
    _S.PARTIALLY_SETTLED: _A.REVERSE_PART,
}
RECKONING: Final[Outcomes] = {
    _S.OPEN: _A.RECKON,
    _S.PARTIALLY_DENIED: _A.RECKON_DENIED,
    _S.PARTIALLY_SETTLED: _A.RECKON_PART,
    _S.SETTLED: _A.RECKON_SETTLED,
}

OLD_STATUS: Final[Mapping[InvoiceStatus, OldInvoiceStatus]] = {
    **dict.fromkeys(UNSETTLED, OldInvoiceStatus.PENDING),
    _S.SETTLED: OldInvoiceStatus.SETTLED,
    _S.CANCELED: OldInvoiceStatus.CANCELED,
}

VERBS: Final = {_A.UPDATE: "update", _A.SETTLE: "settle", _A.REVERSE: "reverse", _A.CANCEL: "cancel"}
"""What a person may do, by the action that stands for it in the table."""
