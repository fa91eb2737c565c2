"""RabbitMQ from the packages of Debian or Ubuntu, for a machine that has none: installed as root, else unpacked."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.environment import clean_env, given
from tests.support.rabbit_private import Installation

# What the node needs beside a plain Debian; everything else the packages ask for serves their service scripts.
_NEEDED = re.compile(r"^(erlang-.+|rabbitmq-server|libsctp\d.*|libssl\d.*|libtinfo\d.*)$")


class NoPackages(RuntimeError):
    """The packages cannot be had here; the text says why."""


def cache() -> Path:
    """Where an ordinary user's copy is kept between runs: ~/.cache/acerto."""
    return Path(given("XDG_CACHE_HOME") or Path.home() / ".cache") / "acerto"


def unpacked() -> Path:
    """The prefix below which `unpack` leaves the packages' files in the user's cache, there or not."""
    return cache() / "rabbitmq/usr"


def fetch() -> Installation:
    """Install (as root) or unpack below `cache()`. Takes a minute at the first time. Raises NoPackages."""
    if shutil.which("apt-get") is None:
        raise NoPackages("this machine has no apt-get")
    return _install() if os.geteuid() == 0 else unpack(cache())


def unpack(folder: Path) -> Installation:
    """The packages' files in `folder`/rabbitmq, downloaded once; nothing else on the machine changes."""
    home = folder / "rabbitmq"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes may arrive here at once
        if not home.exists():
            _unpack_into(folder, home)
    return _found_below(home / "usr")


def _install() -> Installation:
    if not _is_known("rabbitmq-server"):
        _run(["apt-get", "update"])
    _run(["apt-get", "install", "--yes", "--no-install-recommends", "rabbitmq-server"])
    return _found_below(Path("/usr"))


def _unpack_into(folder: Path, home: Path) -> None:
    downloads, fresh = folder / "packages", folder / "rabbitmq.new"
    for leftover in (downloads, fresh):
        shutil.rmtree(leftover, ignore_errors=True)
    downloads.mkdir()
    options = [] if _is_known("rabbitmq-server") else _lists_of_our_own(folder / "apt")
    _run(["apt-get", *options, "download", *_packages(options)], cwd=downloads)
    for package in sorted(downloads.glob("*.deb")):
        _run(["dpkg", "-x", package, fresh])
    _relocate(fresh, home)
    fresh.rename(home)
    shutil.rmtree(downloads)


def _packages(options: Sequence[str]) -> list[str]:
    narrow = [f"--no-{kind}" for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")]
    listing = _run(["apt-cache", *options, "depends", "--recurse", *narrow, "rabbitmq-server"])
    names = {line.strip() for line in listing.splitlines() if not line.startswith((" ", "<"))}
    return sorted(name for name in names if _NEEDED.match(name))


def _lists_of_our_own(folder: Path) -> list[str]:
    """apt options that keep lists and caches in `folder`, filled: a slim image has no lists and they belong to root."""
    for name in ("lists/partial", "archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    places = {"State::Lists": folder / "lists", "Cache": folder, "Cache::archives": folder / "archives"}
    options = [word for name, place in places.items() for word in ("-o", f"Dir::{name}={place}")]
    _run(["apt-get", *options, "update"])
    return options


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


def _is_known(package: str) -> bool:
    shown = subprocess.run(["apt-cache", "show", package], capture_output=True, check=False)
    return shown.returncode == 0 and bool(shown.stdout)


def _run(command: Sequence[str | Path], *, cwd: Path | None = None) -> str:
    env = clean_env() | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoPackages(f"{' '.join(map(str, command[:3]))} failed: {done.stderr.strip()[-300:]}")
    return done.stdout
