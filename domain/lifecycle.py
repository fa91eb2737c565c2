"""State machines as data: a table of (state, action) -> state, and nothing else happens in a transition.

The database CHECK and the API's allowed actions come from the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Generic, TypeVar

from domain.errors import DomainError, Kind

S = TypeVar("S", bound=Enum)
A = TypeVar("A", bound=Enum)


class IllegalTransition(DomainError):
    """The resource is in a state that does not allow this action."""

    kind, code = Kind.RULE, "ILLEGAL_TRANSITION"


class Lifecycle(Generic[S, A]):
    """The states and moves of one noun; a start is a move from None."""

    def __init__(self, noun: str, table: Mapping[tuple[S | None, A], S]) -> None:
        self.noun = noun
        self.table = dict(table)

    def next(self, state: S | None, action: A) -> S:
        """The state after the action. Raises IllegalTransition, naming what is allowed instead."""
        after = self.table.get((state, action))
        if after is None:
            raise IllegalTransition(
                f"{self.noun} is {state.name if state else 'absent'}: {action.name.lower()} is not allowed",
                metadata={"allowed_actions": ",".join(a.name.lower() for a in self.allowed(state))},
            )
        return after

    def allowed(self, state: S | None) -> tuple[A, ...]:
        """The actions that lead somewhere else from this state, in the table's order."""
        return tuple(a for (s, a), after in self.table.items() if s is state and after is not state)
