"""Where an attempt to pay can stand, and what may happen to it there (billing.md B.2)."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import Final

from domain.lifecycle import Lifecycle


class PaymentStatus(Enum):
    """Where an attempt to pay stands. UNKNOWN: the provider was asked, and nobody can say yet what it did."""

    CREATED = "CREATED"
    UNKNOWN = "UNKNOWN"
    PENDING = "PENDING"
    CANCELING = "CANCELING"
    CONFIRMED = "CONFIRMED"
    REFUNDING = "REFUNDING"
    PARTIALLY_REVERSED = "PARTIALLY_REVERSED"
    REFUND_FAILED = "REFUND_FAILED"
    REVERSED = "REVERSED"
    DISPUTED = "DISPUTED"
    CHARGED_BACK = "CHARGED_BACK"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    CANCELED = "CANCELED"


class PaymentAction(Enum):
    """What can happen to an attempt to pay."""

    START = "start"
    DISPATCH = "dispatch"
    """The provider is about to be asked; written before it is, so that a crash is seen."""
    PEND = "pend"
    """The provider waits for the customer."""
    RECALL = "recall"
    """It waits, but nobody wants it any more: it is to be canceled there."""
    WITHDRAW = "withdraw"
    """We want it no more."""
    REJECT = "reject"
    EXPIRE = "expire"
    CANCEL = "cancel"
    GIVE_UP = "give_up"
    """The provider knows nothing of it, however often it is asked."""
    CONFIRM = "confirm"
    RETURN = "return"
    """Its money came and is not owed: it goes back."""
    REFUND = "refund"
    OWE = "owe"
    """All of its money must go back, once what is under way now has ended."""
    REVERSE = "reverse"
    REVERSE_PART = "reverse_part"
    REVERSE_ON = "reverse_on"
    """A part went back, and the rest follows at once."""
    REVERSE_SOME = "reverse_some"
    """A part went back, which decides nothing else."""
    FAIL_REFUND = "fail_refund"
    DISPUTE = "dispute"
    CHARGE_BACK = "charge_back"
    WIN = "win"
    WIN_PART = "win_part"
    WIN_BACK = "win_back"
    """A dispute was won for money that must go back all the same."""


_S, _A = PaymentStatus, PaymentAction

OPEN: Final = (_S.CREATED, _S.UNKNOWN, _S.PENDING, _S.CANCELING)
"""Money may still come, and is expected."""
DEAD: Final = (_S.FAILED, _S.EXPIRED, _S.CANCELED)
"""No money came; yet it may, late."""
HELD: Final = (_S.CONFIRMED, _S.REFUNDING, _S.PARTIALLY_REVERSED, _S.REFUND_FAILED, _S.DISPUTED)
"""Some of its money is here."""
OVER: Final = (_S.REVERSED, _S.CHARGED_BACK)
"""All of its money came and went."""

_UNPAID: Final = (*OPEN, *DEAD)

LIFECYCLE = Lifecycle[PaymentStatus, PaymentAction](
    "payment",
    {
        (None, _A.START): _S.CREATED,
        (_S.CREATED, _A.DISPATCH): _S.UNKNOWN,
        (_S.CREATED, _A.PEND): _S.PENDING,
        (_S.UNKNOWN, _A.PEND): _S.PENDING,
        (_S.UNKNOWN, _A.RECALL): _S.CANCELING,
        (_S.CREATED, _A.WITHDRAW): _S.CANCELED,
        (_S.UNKNOWN, _A.WITHDRAW): _S.UNKNOWN,
        (_S.PENDING, _A.WITHDRAW): _S.CANCELING,
        **{(state, _A.REJECT): _S.FAILED for state in OPEN},
        **{(state, _A.EXPIRE): _S.EXPIRED for state in OPEN},
        **{(state, _A.CANCEL): _S.CANCELED for state in OPEN},
        (_S.UNKNOWN, _A.GIVE_UP): _S.FAILED,
        **{(state, _A.CONFIRM): _S.CONFIRMED for state in _UNPAID},
        **{(state, _A.RETURN): _S.REFUNDING for state in _UNPAID},
        (_S.CONFIRMED, _A.REFUND): _S.REFUNDING,
        (_S.PARTIALLY_REVERSED, _A.REFUND): _S.REFUNDING,
        (_S.REFUND_FAILED, _A.REFUND): _S.REFUNDING,
        (_S.REFUNDING, _A.OWE): _S.REFUNDING,
        (_S.DISPUTED, _A.OWE): _S.DISPUTED,
        **{(state, _A.REVERSE): _S.REVERSED for state in (*_UNPAID, *HELD)},
        (_S.CONFIRMED, _A.REVERSE_PART): _S.PARTIALLY_REVERSED,
        (_S.PARTIALLY_REVERSED, _A.REVERSE_PART): _S.PARTIALLY_REVERSED,
        (_S.REFUNDING, _A.REVERSE_PART): _S.PARTIALLY_REVERSED,
        (_S.REFUND_FAILED, _A.REVERSE_PART): _S.PARTIALLY_REVERSED,
        (_S.REFUNDING, _A.REVERSE_ON): _S.REFUNDING,
        (_S.REFUND_FAILED, _A.REVERSE_ON): _S.REFUNDING,
        (_S.DISPUTED, _A.REVERSE_SOME): _S.DISPUTED,
        (_S.REFUNDING, _A.FAIL_REFUND): _S.REFUND_FAILED,
        (_S.REFUND_FAILED, _A.FAIL_REFUND): _S.REFUND_FAILED,
        **{(state, _A.DISPUTE): _S.DISPUTED for state in HELD if state is not _S.DISPUTED},
        **{(state, _A.CHARGE_BACK): _S.CHARGED_BACK for state in HELD},
        (_S.DISPUTED, _A.WIN): _S.CONFIRMED,
        (_S.DISPUTED, _A.WIN_PART): _S.PARTIALLY_REVERSED,
        (_S.DISPUTED, _A.WIN_BACK): _S.REFUNDING,
    },
    repeats=[
        (_S.PENDING, _A.PEND),
        (_S.CANCELING, _A.WITHDRAW),
        (_S.CANCELED, _A.WITHDRAW),
        (_S.DISPUTED, _A.DISPUTE),
    ],
)
"""P1-P18."""

PARTNERS: Final = {
    **dict.fromkeys(OPEN, 0),
    **dict.fromkeys(HELD, 1),
    **dict.fromkeys(DEAD, 2),
    **dict.fromkeys(OVER, 3),
}
"""Each status as partners number it: Pending, Confirmed, Failed, Reversed."""

REVERSED: Final = 3
"""What a PaymentReversed always says to partners, of a part too (billing.md A)."""

TASKS: Final = {
    _S.CREATED: ("dispatch_payment", timedelta(0)),
    _S.UNKNOWN: ("resolve_payment", timedelta(seconds=15)),
    _S.PENDING: ("poll_payment", timedelta(seconds=30)),
    _S.CANCELING: ("cancel_payment", timedelta(0)),
    _S.CONFIRMED: ("poll_payment", timedelta(days=1)),
    _S.PARTIALLY_REVERSED: ("poll_payment", timedelta(minutes=1)),
    _S.REFUNDING: ("refund_payment", timedelta(0)),
    _S.REFUND_FAILED: ("poll_payment", timedelta(hours=1)),
    _S.DISPUTED: ("poll_payment", timedelta(hours=1)),
}
"""What is due while an attempt stands so, and how long after it came to: all that only the provider can end.

UNKNOWN waits longer than a call lasts as a rule; a look at a charge that is still being made does no harm.
"""

PARTLY: Final = {
    _S.CONFIRMED: _A.REVERSE_PART,
    _S.PARTIALLY_REVERSED: _A.REVERSE_PART,
    _S.REFUND_FAILED: _A.REVERSE_PART,
    _S.DISPUTED: _A.REVERSE_SOME,
}
"""How a part that somebody else gave back is taken note of; while our own refund runs it is left until that ends."""

VERBS: Final = {_A.WITHDRAW: "cancel", _A.REFUND: "refund"}
"""What a person may do, by the action it is."""
