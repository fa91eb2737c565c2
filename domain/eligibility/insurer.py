"""The company that pays for its beneficiaries' care."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from domain import identifiers
from domain.eligibility.findings import Findings
from domain.eligibility.generations import insurer_scope
from domain.errors import Violation

APPEAL_DAYS: Final = 30
LONGEST_APPEAL: Final = 365
_URL: Final = re.compile(r"https?://[\x21-\x7e]{1,500}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Insurer:
    """Convênio, operadora. `insurer_id` is its registro ANS.

    `appeal_days` are the days after an adjudication in which its denials can be appealed. `check_url` is where its own
    service answers eligibility checks; empty: our rules decide.
    """

    insurer_id: str
    name: str
    cnpj: str
    active: bool = True
    appeal_days: int = APPEAL_DAYS
    check_url: str = ""
    updated_at: datetime

    @property
    def scopes(self) -> frozenset[str]:
        """What its change moves."""
        return frozenset({insurer_scope(self.insurer_id)})

    def violations(self) -> list[Violation]:
        """What is wrong with it; a wrong check digit of the registro ANS is not (health.md C)."""
        findings = Findings()
        findings.must_read("insurer_id", identifiers.ans_registration, self.insurer_id, "ans_registration")
        findings.must_be_text("name", self.name, 200)
        findings.must_read("cnpj", identifiers.cnpj, self.cnpj, "cnpj")
        fits = 1 <= self.appeal_days <= LONGEST_APPEAL
        findings.must(fits, "appeal_days", f"must be 1 to {LONGEST_APPEAL} days", "appeal_days")
        reachable = not self.check_url or _leads_somewhere(self.check_url)
        findings.must(reachable, "check_url", "must be an http or https URL", "url")
        return findings.found


def _leads_somewhere(url: str) -> bool:
    """Whether it is a URL with a host, a port that can be one, and no user: every reader would be told a password."""
    if not _URL.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return False
