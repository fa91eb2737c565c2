"""What kind of care a TUSS code is of, as far as the code tells (Lei 9.656, art. 12)."""

from __future__ import annotations

from typing import Final

from domain.eligibility.eligibility_check import Procedure
from domain.eligibility.health_plan import CONSULTATIONS, Segment

BIRTHS: Final = frozenset({"31309054", "31309127", "31309135", "31309208"})
"""TUSS table 22: births. Caesarean, vaginal, each further child of it, caesarean with hysterectomy.

What else is of obstetrics (cerclage, curettage, ectopic pregnancy, labour by the hour) is none: the law lets a plan
wait 300 days for births at term alone, and 180 for all other care (Lei 9.656, art. 12, V). Raise RULES with it.
"""
OBSTETRIC: Final = "31309"
"""TUSS table 22: obstetric procedures."""
DENTAL: Final = "8"
"""TUSS table 22: dental procedures."""
_FEES: Final = "60"
_DAYS: Final = ("60000", "60001")
"""TUSS table 18: all that ANS has in it begins with the first; daily rates, of any kind of bed, with one of these."""
_MEDICAL: Final = frozenset({Segment.AMBULATORY, Segment.HOSPITAL, Segment.OBSTETRICS})
_ANY: Final = frozenset(Segment)


def segments_for(procedure: Procedure, *, urgent: bool) -> frozenset[Segment]:
    """The segments of which a plan must have one to cover it.

    Materials and medicines (19, 20) go with the care they are used in, whose own code speaks for it.
    """
    if procedure.table == "18":
        return _segments_of_stay(procedure.code)
    return _segments_of_procedure(procedure.code, urgent=urgent) if procedure.table == "22" else _ANY


def is_birth(procedure: Procedure) -> bool:
    """Whether it is a birth. No code tells one at term: one before it is asked about as urgent (art. 35-C, II)."""
    return procedure.table == "22" and procedure.code in BIRTHS


def _segments_of_stay(code: str) -> frozenset[Segment]:
    """A day in hospital is hospital care. Fees and gases are also of ambulatory procedures, and of no dental ones."""
    fee = code.startswith(_FEES) and not code.startswith(_DAYS)
    return _MEDICAL if fee else frozenset({Segment.HOSPITAL})


def _segments_of_procedure(code: str, *, urgent: bool) -> frozenset[Segment]:
    if code.startswith(DENTAL):
        return frozenset({Segment.DENTAL})
    if code.startswith(OBSTETRIC):
        return frozenset({Segment.OBSTETRICS})
    if code in CONSULTATIONS and not urgent:
        return frozenset({Segment.AMBULATORY})
    return _MEDICAL
