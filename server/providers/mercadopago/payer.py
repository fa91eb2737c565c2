"""The payer, as both APIs want it: an e-mail, and what is known besides."""

from __future__ import annotations

import re
from typing import Any, Final

from domain.billing.charge import ProviderRefused
from domain.billing.customer import Customer

_NOT_DIGITS: Final = re.compile(r"[^0-9]")
_TYPES: Final = {11: "CPF", 14: "CNPJ"}


def payer(customer: Customer, fallback_email: str) -> dict[str, Any]:
    """The payer's object; `fallback_email` stands in where a customer has none. Raises ProviderRefused without both."""
    email = customer.email.strip() or fallback_email.strip()
    if not email:
        raise ProviderRefused("payer_email_required", "the customer has no e-mail, and none is set in its place")
    first, _, last = " ".join(customer.name.split()).partition(" ")
    said: dict[str, Any] = {"email": email}
    if first:
        said["first_name"] = first
    if last:
        said["last_name"] = last
    number = _NOT_DIGITS.sub("", customer.document)
    if len(number) in _TYPES:
        said["identification"] = {"type": _TYPES[len(number)], "number": number}
    return said
