"""Ports for what a test starts: below the ephemeral range, so that no outgoing connection can take one first."""

from __future__ import annotations

import random
import socket

_PORTS = range(12_000, 32_768)


def free_port() -> int:
    """A port of 127.0.0.1 that nothing is bound to at this moment."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """`count` different free ports."""
    found = [port for port in random.sample(_PORTS, 50 * count) if _is_free(port)]
    assert len(found) >= count, f"fewer than {count} free ports between {_PORTS.start} and {_PORTS.stop}"
    return found[:count]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
