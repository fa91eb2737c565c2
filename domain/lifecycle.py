"""State machines as data: a table of (state, action) -> state, and nothing else happens in a transition.

The database CHECK and the API's allowed actions come from the same table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Generic, TypeVar

from domain.errors import DomainError, Kind

S = TypeVar("S", bound=Enum)
A = TypeVar("A", bound=Enum)


class IllegalTransition(DomainError):
    """The resource is in a state that does not allow this action."""

    kind, code = Kind.RULE, "ILLEGAL_TRANSITION"


class Lifecycle(Generic[S, A]):
    """The states and moves of one noun; a start is a move from None.

    `repeats` are the pairs in which the action was done already, or has nothing to do: allowed, and nothing happens.
    """

    def __init__(
        self, noun: str, table: Mapping[tuple[S | None, A], S], repeats: Iterable[tuple[S | None, A]] = ()
    ) -> None:
        self.noun = noun
        self.table = dict(table)
        self.repeats = frozenset(repeats)

    def next(self, state: S | None, action: A) -> S:
        """The state after the action. Raises IllegalTransition, naming what is allowed instead."""
        after = self.table.get((state, action))
        if after is None:
            raise IllegalTransition(
                f"{self.noun} is {state.name if state else 'absent'}: {action.name.lower()} is not allowed",
                metadata={"allowed_actions": ",".join(a.name.lower() for a in self.allowed(state))},
            )
        return after

    def changes(self, state: S | None, action: A) -> bool:
        """Whether the action does anything here; False for a repeat. Raises IllegalTransition."""
        if (state, action) in self.repeats:
            return False
        self.next(state, action)
        return True

    def allowed(self, state: S | None) -> tuple[A, ...]:
        """The actions that do something in this state, in the table's order."""
        return tuple(a for (s, a) in self.table if s is state)
