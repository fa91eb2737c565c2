"""A circuit breaker: a provider that is away is left alone for a while, then asked once, then by everybody again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

from domain.billing.charge import ProviderAmbiguous


class Circuit(Enum):
    """Whether calls go through: all of them, none, or one that finds out."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class ProviderAway(ProviderAmbiguous):
    """The provider did not answer in a way that can be read: what the breaker counts."""


class CircuitOpen(ProviderAmbiguous):
    """Nothing was sent; `retry_after` are the seconds until it may be."""


class Breaker:
    """Opens after so many failures in a row; one for each provider and process. Its clock is the event loop's."""

    def __init__(self, *, failures: int = 5, pause: float = 10.0) -> None:
        """`failures` in a row open it, for `pause` seconds."""
        self._limit = failures
        self._pause = pause
        self._failures = 0
        self._opened_at: float | None = None
        self._probing = False

    @property
    def circuit(self) -> Circuit:
        """Its state at this moment."""
        if self._opened_at is None:
            return Circuit.CLOSED
        return Circuit.OPEN if self._probing or self._left() > 0 else Circuit.HALF_OPEN

    def must_let_through(self) -> None:
        """Before anything that a call needs is waited for. Raises CircuitOpen."""
        if self.circuit is Circuit.OPEN:
            raise CircuitOpen("the circuit is open: nothing was sent", retry_after=max(self._left(), 0.0))

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Around one call: ProviderAway is a failure, any other end save a cancellation an answer.

        Raises CircuitOpen.
        """
        self.must_let_through()
        probe = self._probing = self.circuit is Circuit.HALF_OPEN
        try:
            yield
        except ProviderAway:
            self._failed()
            raise
        except Exception:
            self._answered()
            raise
        else:
            self._answered()
        finally:
            # A probe that was canceled found nothing out: the next call is the probe.
            self._probing = self._probing and not probe

    def _failed(self) -> None:
        self._failures += 1
        if self._failures >= self._limit:
            self._opened_at = _now()

    def _answered(self) -> None:
        self._failures, self._opened_at = 0, None

    def _left(self) -> float:
        return 0.0 if self._opened_at is None else self._opened_at + self._pause - _now()


def _now() -> float:
    return asyncio.get_running_loop().time()
