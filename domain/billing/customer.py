"""Who approves a budget and pays it, as far as partners say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from domain.identity import derived_id

_NOT_ALPHANUMERIC = re.compile(r"[^0-9A-Za-z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Cliente. Every part may be empty.

    `id` is the same for the same person everywhere: made from the document, else the e-mail, else the phone; None when
    none is known. It is given only where it was made before.
    """

    name: str = ""
    email: str = ""
    phone: str = ""
    document: str = ""
    id: UUID | None = None

    def __post_init__(self) -> None:
        if self.id is None:
            object.__setattr__(self, "id", _id_of(self))


def _id_of(customer: Customer) -> UUID | None:
    if _bare(customer.document):
        return id_of_document(customer.document)
    if customer.email.strip():
        return derived_id("customer", "email", customer.email.strip().lower())
    if _bare(customer.phone):
        return derived_id("customer", "phone", _bare(customer.phone))
    return None


def id_of_document(document: str) -> UUID:
    """The customer id that a taxpayer's document stands for, punctuation and case aside."""
    return derived_id("customer", "document", _bare(document).upper())


def _bare(text: str) -> str:
    return _NOT_ALPHANUMERIC.sub("", text)
