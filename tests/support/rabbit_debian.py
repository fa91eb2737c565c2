"""RabbitMQ from the packages of Debian or Ubuntu, for a machine that has none: installed as root, else unpacked."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from tests.support.debian import NoPackages, cache, install, must_have_apt, needed
from tests.support.debian import unpack as unpack_packages
from tests.support.rabbit_private import Installation

# What the node needs beside a plain Debian; everything else the packages ask for serves their service scripts.
_NEEDED = re.compile(r"^(erlang-.+|rabbitmq-server|libsctp\d.*|libssl\d.*|libtinfo\d.*)$")


def unpacked() -> Path:
    """The prefix below which `unpack` leaves the packages' files in the user's cache, there or not."""
    return cache() / "rabbitmq/usr"


def fetch() -> Installation:
    """Install (as root) or unpack below `cache()`. Takes a minute at the first time. Raises NoPackages."""
    must_have_apt()
    if os.geteuid() != 0:
        return unpack(cache())
    install("rabbitmq-server")
    return _found_below(Path("/usr"))


def unpack(folder: Path) -> Installation:
    """The packages' files in `folder`/rabbitmq, downloaded once; nothing else on the machine changes."""
    unpack_packages("rabbitmq-server", folder / "rabbitmq", _packages, _relocate)
    return _found_below(folder / "rabbitmq/usr")


def _packages(options: Sequence[str]) -> list[str]:
    return [name for name in needed("rabbitmq-server", options) if _NEEDED.match(name)]


def _relocate(tree: Path, home: Path) -> None:
    """Erlang's start scripts hold the folder they were packaged for: give them the one they will be in."""
    for script in (tree / "usr/lib/erlang").glob("**/bin/erl"):
        if not script.is_symlink():
            script.write_text(script.read_text().replace("/usr/lib/erlang", f"{home}/usr/lib/erlang"))


def _found_below(prefix: Path) -> Installation:
    found = Installation.below(prefix)
    if found is None:
        raise NoPackages(f"the packages left no RabbitMQ below {prefix}")
    return found
