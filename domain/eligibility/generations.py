"""What an answer about a card depends on, by name: each change moves the generation of its scopes, in its transaction.

A scope's name is printable ASCII without commas, whatever the ids in it, so that it can be part of a list.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

EVERYTHING: Final = "*"
"""Moved by a bulk load: whatever was known before it is old."""
TUSS: Final = "tuss"
"""The terms of all tables."""


def insurer_scope(insurer_id: str) -> str:
    """Changes of an insurer."""
    return f"insurer:{quote(insurer_id, safe='')}"


def plan_scope(insurer_id: str, plan_id: str) -> str:
    """Changes of a plan."""
    return f"plan:{quote(insurer_id, safe='')}/{quote(plan_id, safe='')}"


def card_scope(insurer_id: str, card_number: str) -> str:
    """Changes of what an insurer's card stands for."""
    return f"card:{quote(insurer_id, safe='')}/{quote(card_number, safe='')}"


def patient_scope(patient_id: str) -> str:
    """Changes of which cards a patient has."""
    return f"patient:{quote(patient_id, safe='')}"
