"""Every state that a saga can come to, by trying every move in every state: what is not among them is unreachable."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache, partial
from typing import Final

from domain.billing.charge import ChargeStatus
from domain.billing.rules import BillingRules
from domain.errors import DomainError
from tests.support.saga_scene import MOVES, SagaScene, a_draft

Move = Callable[[SagaScene], object]


def _say(word: ChargeStatus, scene: SagaScene) -> None:
    if scene.saga.payments:
        scene.told(word)


def _if_paid(move: Move, scene: SagaScene) -> None:
    if scene.saga.payments:
        move(scene)


WORDS: Final[Mapping[str, Move]] = {word.value: partial(_say, word) for word in ChargeStatus}
"""Whatever a provider can say of the newest attempt."""

REFUNDS: Final[Mapping[str, Move]] = {
    name: partial(_if_paid, move) for name, move in MOVES.items() if name.startswith("refund")
}
"""What can be asked back, and how that can end."""

EVERYTHING: Final[Mapping[str, Move]] = {
    **{name: partial(_if_paid, move) for name, move in MOVES.items() if name in ("dispatch", "withdraw", "give_up")},
    **{name: MOVES[name] for name in ("approve", "send", "reject", "lapse", "revise", "withdraw_budget", "start")},
    **WORDS,
    **REFUNDS,
}
"""Whatever anybody can do while the work order goes on."""


@cache
def everywhere() -> tuple[SagaScene, ...]:
    """Every state of a saga whose work order goes on, with one attempt to pay at most."""
    draft = a_draft()
    draft.rules = BillingRules(max_attempts=1)
    return tuple(walked(draft, moves=EVERYTHING))


def walked(*starts: SagaScene, moves: Mapping[str, Move]) -> Iterator[SagaScene]:
    """Each state that moves lead to from these, these first; its `told_facts` are those of the last move there."""
    known, waiting = {start.standing for start in starts}, deque(starts)
    while waiting:
        scene = waiting.popleft()
        yield scene
        for after in _after(scene, moves):
            if after.standing not in known:
                known.add(after.standing)
                waiting.append(after)


def _after(scene: SagaScene, moves: Mapping[str, Move]) -> Iterator[SagaScene]:
    """Where each move that is not refused leads to."""
    for move in moves.values():
        after = scene.fork()
        with suppress(DomainError):
            move(after)
            after.facts()
            yield after
