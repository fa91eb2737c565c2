"""The composition root: the one place that knows every room, and hands each what it needs of the others."""

from __future__ import annotations

from server.wiring.dependencies import NotMigrated, migrated
from server.wiring.house import House, built
from server.wiring.roles import ROLES, Running, assembled
from server.wiring.sample import load_sample

__all__ = ["ROLES", "House", "NotMigrated", "Running", "assembled", "built", "load_sample", "migrated"]
