"""What goes wrong between us and the fake Mercado Pago, request by request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class FaultKind(Enum):
    """STATUS answers one; SILENCE never answers; CUT resets; GARBAGE is no JSON; TRUNCATED ends in the middle.

    DRIP sends a byte now and then and never ends; DEAF loses the header that shows refunds in process.
    """

    STATUS = "status"
    SILENCE = "silence"
    CUT = "cut"
    GARBAGE = "garbage"
    TRUNCATED = "truncated"
    DRIP = "drip"
    DEAF = "deaf"


@dataclass(frozen=True)
class Fault:
    """What happens to one request. `acted`: it was carried out all the same, and nobody can tell.

    `status`, `retry_after` and the error's `code` are a STATUS's.
    """

    kind: FaultKind
    acted: bool = False
    status: int = 503
    retry_after: str = ""
    code: int = 0


class Faults:
    """The faults to come; each befalls the next request that it is meant for."""

    def __init__(self) -> None:
        self._planned: list[tuple[str, str, Fault]] = []

    def next(self, method: str, ending: str, *faults: Fault) -> None:
        """Befall the next requests of this method whose path ends so, one fault each."""
        self._planned += [(method, ending, fault) for fault in faults]

    def take(self, method: str, path: str) -> Fault | None:
        """The fault of this request, which is used up by it."""
        for planned in self._planned:
            if planned[0] == method and path.endswith(planned[1]):
                self._planned.remove(planned)
                return planned[2]
        return None

    @property
    def left(self) -> int:
        """How many have not befallen anything."""
        return len(self._planned)
