"""Load is shed here, at a limit of our own: gRPC's would count health watches too."""

from __future__ import annotations

from domain.errors import Overloaded

_RETRY_AFTER_SECONDS = 1.0


class Admission:
    """Counts the requests that are being served: `held` of `limit` places."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.held = 0

    def enter(self) -> None:
        """Take a place. Raises Overloaded when there is none."""
        if self.held >= self._limit:
            raise Overloaded(retry_after=_RETRY_AFTER_SECONDS)
        self.held += 1

    def extend(self) -> None:
        """Take a place for work that goes on without its caller, whatever the limit says."""
        self.held += 1

    def leave(self) -> None:
        """Give a place back."""
        self.held -= 1
