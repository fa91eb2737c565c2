"""The real clock and the real ids: the only place that reads the machine's time or draws at random."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, in UTC."""
        return datetime.now(UTC)


class SystemIds:
    """UUIDs of version 7."""

    def new(self) -> UUID:
        """A new id, later than every earlier one of this process."""
        return uuid7()
