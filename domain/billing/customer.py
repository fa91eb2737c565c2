"""Who approves a budget and pays it, as far as partners say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from domain.identity import derived_id

_NOT_ALPHANUMERIC = re.compile(r"[^0-9A-Za-z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Cliente. Every part may be empty."""

    name: str = ""
    email: str = ""
    phone: str = ""
    document: str = ""

    @property
    def id(self) -> UUID | None:
        """The same for the same person everywhere: from the document, else the e-mail, else the phone; else None."""
        if self.document.strip():
            return id_of_document(self.document)
        if self.email.strip():
            return derived_id("customer", "email", self.email.strip().lower())
        if self.phone.strip():
            return derived_id("customer", "phone", _NOT_ALPHANUMERIC.sub("", self.phone))
        return None


def id_of_document(document: str) -> UUID:
    """The customer id that a taxpayer's document stands for, punctuation and case aside."""
    return derived_id("customer", "document", _NOT_ALPHANUMERIC.sub("", document).upper())
