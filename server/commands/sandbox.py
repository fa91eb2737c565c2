"""`sandbox pay|refund|dispute|lose|win PAYMENT_ID`: be the customer, the provider's panel or the bank, by hand."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Final
from uuid import UUID

from domain.actor import Actor
from domain.billing.charge import ProviderAmbiguous, ProviderRefused, Snapshot
from domain.money import Money
from server.commands.operator import show
from server.providers.sandbox.provider import Sandbox
from server.settings import Settings
from server.wiring import House, built
from server.wiring.cashier import sandbox_of

Deed = Callable[[Sandbox, str, Money | None], Awaitable[Snapshot]]

_OPERATOR: Final = Actor(id="system:operator")


class _Refused(Exception):
    """It cannot be done; the text is one line."""


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    acts = verbs.add_parser("sandbox", help="do something to a charge of the sandbox").add_subparsers(required=True)
    for name, (text, deed) in _DEEDS.items():
        act = acts.add_parser(name, help=text)
        act.add_argument("payment_id", type=UUID)
        if name in _WITH_AMOUNT:
            act.add_argument("--amount", type=_amount, help=f"in BRL, as 12.34; else {_WITH_AMOUNT[name]}")
        act.set_defaults(run=run, deed=deed, amount=None)


async def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Do it, and show the charge as it is then; answers 1 when it cannot be done."""
    try:
        _must_be_the_sandbox(settings)
        async with built(settings) as house:
            charge_id = await _charge_id(house, arguments.payment_id)
            with closing(sandbox_of(settings, house.clock)) as sandbox:
                seen = await arguments.deed(sandbox, charge_id, arguments.amount)
    except (ProviderAmbiguous, ProviderRefused, _Refused) as error:
        sys.stderr.write(f"acerto: {error}\n")
        return 1
    heading = ("CHARGE", "STATUS", "DETAIL", "AMOUNT", "REFUNDED")
    show([heading, (seen.id, seen.status.value, seen.detail, seen.amount, seen.refunded)], none="")
    return 0


def _must_be_the_sandbox(settings: Settings) -> None:
    """Raises _Refused."""
    if settings.payment_provider != Sandbox.name:
        raise _Refused(f"ACERTO_PAYMENT_PROVIDER is {settings.payment_provider}: only the sandbox can be played with")


async def _charge_id(house: House, payment_id: UUID) -> str:
    """The charge of a payment. Raises _Refused."""
    payment = await house.views.payment(_OPERATOR, payment_id)
    if payment is None:
        raise _Refused(f"there is no payment {payment_id}")
    if payment.provider != Sandbox.name:
        raise _Refused(f"payment {payment_id} is taken by {payment.provider}, not by the sandbox")
    if not payment.provider_payment_id:
        status = payment.status.value if payment.status else "new"
        raise _Refused(f"payment {payment_id} is {status}: the sandbox is not known to have a charge for it yet")
    return payment.provider_payment_id


async def _refund(sandbox: Sandbox, charge_id: str, amount: Money | None) -> Snapshot:
    if amount is None:
        seen = await sandbox.get(charge_id)
        amount = seen.amount - seen.refunded if seen else Money(0)
    return await sandbox.refund_by_dashboard(charge_id, amount)


_DEEDS: Final[dict[str, tuple[str, Deed]]] = {
    "pay": ("the customer pays, late too", lambda sandbox, charge_id, amount: sandbox.pay(charge_id, amount)),
    "refund": ("somebody gives money back in the provider's panel", _refund),
    "dispute": ("the customer disputes it at the bank", lambda sandbox, charge_id, _: sandbox.dispute(charge_id)),
    "lose": ("the dispute ends for the customer", lambda sandbox, charge_id, _: sandbox.lose(charge_id)),
    "win": ("the dispute ends for us", lambda sandbox, charge_id, _: sandbox.win(charge_id)),
}
_WITH_AMOUNT: Final = {"pay": "what the charge asks for", "refund": "all that is left"}


def _amount(text: str) -> Money:
    try:
        return Money.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
