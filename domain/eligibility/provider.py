"""Who gives the care: a clinic, a hospital, a laboratory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain import identifiers
from domain.eligibility.findings import Findings
from domain.errors import Violation


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Prestador. `provider_id` is its CNES; `cnpj` is empty where a person practises alone, whose CPF is not kept."""

    provider_id: str
    name: str
    cnpj: str = ""
    updated_at: datetime

    @property
    def scopes(self) -> frozenset[str]:
        """Nothing: no answer about a card depends on it."""
        return frozenset()

    def violations(self) -> list[Violation]:
        """What is wrong with it."""
        findings = Findings()
        findings.must_read("provider_id", identifiers.cnes, self.provider_id, "cnes")
        findings.must_be_text("name", self.name, 200)
        if self.cnpj:
            findings.must_read("cnpj", identifiers.cnpj, self.cnpj, "cnpj")
        return findings.found
