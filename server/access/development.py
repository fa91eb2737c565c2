"""The development identity: whoever calls may do everything. Never in production."""

from __future__ import annotations

from collections.abc import Iterable

from domain.actor import Actor
from server.rpc.visit import Metadata, Peer


class InsecureIdentity(Exception):
    """The development identity was about to be used where it must not be."""


class DevelopmentIdentity:
    """Takes every caller for one actor with all the permissions that the contracts know."""

    def __init__(self, environment: str, permissions: Iterable[str]) -> None:
        if environment == "production":
            raise InsecureIdentity(
                "ACERTO_ENV=production refuses the development identity, which lets every caller do everything, "
                "and this version has no other: run with another ACERTO_ENV on a network of your own"
            )
        self._actor = Actor(id="development", permissions=frozenset(permissions))

    async def __call__(self, _metadata: Metadata, _peer: Peer) -> Actor:
        """The one actor there is."""
        return self._actor
