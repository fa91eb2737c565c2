"""The terms in which care is billed: ANS' unified terminology, TUSS, in its four tables of what has a price."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from domain.eligibility.dates import within
from domain.eligibility.findings import Findings
from domain.eligibility.generations import TUSS
from domain.errors import Violation

TABLES: Final[Mapping[str, str]] = {
    "18": "daily rates, fees and gases",
    "19": "materials, orthoses and prostheses",
    "20": "medicines",
    "22": "procedures",
}
CODE: Final = re.compile(r"[0-9]{8,10}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class TussTerm:
    """Termo da TUSS, as it is from `valid_from` to `valid_to` (None: until a later row of the code begins).

    On a date of service the row of the code that began last governs; when that one has ended, the code is not valid.
    `release` is the version of the table that brought the row, as ANS writes it: `202501`.
    """

    table: str
    code: str
    description: str
    valid_from: date
    valid_to: date | None = None
    release: str = ""
    updated_at: datetime

    def valid_on(self, day: date) -> bool:
        """Whether it can be billed for a service of this day."""
        return within(day, self.valid_from, self.valid_to)

    @property
    def scopes(self) -> frozenset[str]:
        """What its change moves."""
        return frozenset({TUSS})

    def violations(self) -> list[Violation]:
        """What is wrong with it."""
        findings = Findings()
        must_be_coded(findings, self.table, self.code)
        findings.must_be_text("description", self.description, 2000)
        findings.must_be_window(self.valid_from, self.valid_to, "valid_to")
        findings.must_be_text("release", self.release, 20, least=0)
        return findings.found


def must_be_coded(findings: Findings, table: str, code: str) -> None:
    """Note what no code of TUSS is."""
    findings.must(table in TABLES, "table", f"must be one of {', '.join(TABLES)}", "tuss_table")
    findings.must(bool(CODE.fullmatch(code)), "code", "must be a TUSS code: 8 to 10 digits", "tuss_code")
