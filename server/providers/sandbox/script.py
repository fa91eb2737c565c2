"""What shall become of a charge, in plain words, so that a demo or a test can have any outcome it wants.

Steps in any order, parted by `;`, each said once: they are listed at `parse`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

MOST: Final = 500
"""The longest script, in characters."""
ALL: Final = 10**9
"""More refunds than a charge ever gets."""

CHARGING, CANCELING, REFUNDING = "charging", "canceling", "refunding"
"""The calls whose answer can be lost."""
LOST, WON = "lost", "won"

_SECONDS = re.compile(r"[0-9]{1,7}(\.[0-9]{1,3})?", re.ASCII)
_COUNT = re.compile(r"[1-9][0-9]?", re.ASCII)
_REASON = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A script that was understood; whatever is None or zero does not happen by itself. Times are milliseconds.

    `approve_after`, `reject_after` and `expire_after` count from the charge's creation, `dispute_after` from its
    approval, `verdict_after` from the dispute. `timeouts` are the calls that lose their first answer.
    """

    approve_after: int | None = None
    late: bool = False
    reject_after: int | None = None
    rejection: str = ""
    expire_after: int | None = None
    refusal: str = ""
    garbage: int = 0
    timeouts: frozenset[str] = frozenset()
    early_webhook: bool = False
    copies: int = 1
    refund_takes: int = 0
    refunds_rejected: int = 0
    dispute_after: int | None = None
    verdict: str = ""
    verdict_after: int = 0


@lru_cache(maxsize=256)
def parse(text: str) -> Script:
    """The script that the text is. Raises ValueError naming the word that is not understood, or that is missing.

    S are seconds, with up to three decimals; N is 1 to 99; REASON is one word of a-z, 0-9 and _. Nothing at all: the
    charge waits until somebody pays it, or until it expires.

    - `approve [late] [after S]`: the customer pays; `late`: even if the charge is over by then
    - `reject [REASON] [after S]`: the customer's bank refuses
    - `expire [after S]`: nobody pays in time, whatever its own expiry
    - `refuse [REASON]`: no charge is made, and the provider says so
    - `garbage [N]`: the first N (1) requests get an answer that nobody can read, and nothing is charged
    - `timeout after charging | canceling | refunding`: it is done, but the first answer is lost
    - `webhook before answer`: what is told about the new charge arrives before the answer to its request
    - `duplicate webhooks N`: each is delivered N times
    - `refund in process S`: a refund takes S seconds
    - `refund rejected [N]`: the first N refunds are rejected; without N, all
    - `dispute [after S]`: the customer disputes it, S after having paid
    - `lost [after S]`, `won [after S]`: how a dispute ends, S after it began
    """
    if len(text) > MOST:
        raise ValueError(f"a script has at most {MOST} characters")
    said: dict[str, Any] = {}
    for step in text.lower().split(";"):
        if step.strip():
            _add(said, _Words(step))
    return Script(**said)


def _add(said: dict[str, Any], words: _Words) -> None:
    found = _STEPS.get(words.next(), _unknown)(words)
    words.end()
    timeouts = found.pop("timeouts", frozenset())
    if found.keys() & said.keys() or timeouts & said.get("timeouts", frozenset()):
        raise ValueError(f"script: {words.step!r} is said twice, or against another step")
    said.update(found, timeouts=said.get("timeouts", frozenset()) | timeouts)


class _Words:
    """The words of one step, taken from the left."""

    def __init__(self, step: str) -> None:
        self.step = " ".join(step.split())
        self._left = step.split()

    def next(self) -> str:
        """The next word. Raises ValueError."""
        if not self._left:
            raise ValueError(f"script: a word is missing after {self.step!r}")
        return self._left.pop(0)

    def have(self, word: str) -> bool:
        """Take the word if it is next."""
        found = self._left[:1] == [word]
        if found:
            self._left.pop(0)
        return found

    def must_have(self, *words: str) -> None:
        for word in words:
            found = self.next()
            if found != word:
                raise self.wrong(found)

    def one_of(self, form: re.Pattern[str], default: str = "") -> str:
        """The next word, which has this form; the default, if there is one, when nothing or `after` is next."""
        if default and self._left[:1] in ([], ["after"]):
            return default
        word = self.next()
        if not form.fullmatch(word):
            raise self.wrong(word)
        return word

    def seconds(self) -> int:
        """The next word, in milliseconds."""
        return int(Decimal(self.one_of(_SECONDS)) * 1000)

    def after(self) -> int:
        """`after S` in milliseconds, zero when it is not said."""
        return self.seconds() if self.have("after") else 0

    def end(self) -> None:
        if self._left:
            raise self.wrong(self._left[0])

    def wrong(self, word: str) -> ValueError:
        return ValueError(f"script: {word!r} is not understood in {self.step!r}")


def _approve(words: _Words) -> dict[str, Any]:
    return {"late": words.have("late"), "approve_after": words.after()}


def _reject(words: _Words) -> dict[str, Any]:
    return {"rejection": words.one_of(_REASON, "rejected_by_bank"), "reject_after": words.after()}


def _expire(words: _Words) -> dict[str, Any]:
    return {"expire_after": words.after()}


def _refuse(words: _Words) -> dict[str, Any]:
    return {"refusal": words.one_of(_REASON, "refused")}


def _garbage(words: _Words) -> dict[str, Any]:
    return {"garbage": int(words.one_of(_COUNT, "1"))}


def _timeout(words: _Words) -> dict[str, Any]:
    words.must_have("after")
    call = words.next()
    if call not in (CHARGING, CANCELING, REFUNDING):
        raise words.wrong(call)
    return {"timeouts": frozenset({call})}


def _webhook(words: _Words) -> dict[str, Any]:
    words.must_have("before", "answer")
    return {"early_webhook": True}


def _duplicate(words: _Words) -> dict[str, Any]:
    words.must_have("webhooks")
    return {"copies": int(words.one_of(_COUNT))}


def _refund(words: _Words) -> dict[str, Any]:
    if words.have("rejected"):
        return {"refunds_rejected": int(words.one_of(_COUNT, str(ALL)))}
    words.must_have("in", "process")
    return {"refund_takes": words.seconds()}


def _dispute(words: _Words) -> dict[str, Any]:
    return {"dispute_after": words.after()}


def _lost(words: _Words) -> dict[str, Any]:
    return {"verdict": LOST, "verdict_after": words.after()}


def _won(words: _Words) -> dict[str, Any]:
    return {"verdict": WON, "verdict_after": words.after()}


def _unknown(words: _Words) -> dict[str, Any]:
    raise words.wrong(words.step.split()[0])


_STEPS: Final[dict[str, Callable[[_Words], dict[str, Any]]]] = {
    "approve": _approve,
    "reject": _reject,
    "expire": _expire,
    "refuse": _refuse,
    "garbage": _garbage,
    "timeout": _timeout,
    "webhook": _webhook,
    "duplicate": _duplicate,
    "refund": _refund,
    "dispute": _dispute,
    LOST: _lost,
    WON: _won,
}
