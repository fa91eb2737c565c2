"""Programs from the packages of Debian or Ubuntu, for a machine that has none: installed as root, else unpacked."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.environment import clean_env, given

_NARROW = [f"--no-{kind}" for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")]


class NoPackages(RuntimeError):
    """The packages cannot be had here; the text says why."""


def cache() -> Path:
    """Where an ordinary user's copies are kept between runs: ~/.cache/acerto."""
    return Path(given("XDG_CACHE_HOME") or Path.home() / ".cache") / "acerto"


def must_have_apt() -> None:
    """Raises NoPackages where there is no apt-get at all."""
    if shutil.which("apt-get") is None:
        raise NoPackages("this machine has no apt-get")


def install(package: str) -> None:
    """Install it for the machine; as root only. Raises NoPackages."""
    with _alone(cache()):
        if not _is_known(package):
            _run(["apt-get", "update"])
        _run(["apt-get", "install", "--yes", "--no-install-recommends", package])


def unpack(
    package: str, home: Path, choose: Callable[[Sequence[str]], list[str]], relocate: Callable[[Path, Path], None]
) -> None:
    """The files of some packages in `home`, downloaded once; nothing else on the machine changes. Raises NoPackages.

    `choose` names the packages, given the options that apt needs; `relocate` changes what has to know its folder, given
    where the files are now and where they will be.
    """
    folder = home.parent
    with _alone(folder):
        if not home.exists():
            options = [] if _is_known(package) else _lists_of_our_own(folder / "apt")
            _unpack_into(folder, home, options, choose(options), relocate)


def needed(package: str, options: Sequence[str]) -> list[str]:
    """The package and everything it depends on, on this machine or not."""
    listing = _run(["apt-cache", *options, "depends", "--recurse", *_NARROW, package])
    return sorted({line.strip() for line in listing.splitlines() if not line.startswith((" ", "<"))})


def missing(package: str, options: Sequence[str]) -> list[str]:
    """What installing the package would add to this machine."""
    plan = _run(["apt-get", *options, "--simulate", "--no-install-recommends", "install", package])
    return sorted({line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")})


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One test process at a time: several may arrive here at once, and apt-get refuses to wait for another."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _unpack_into(
    folder: Path, home: Path, options: Sequence[str], packages: list[str], relocate: Callable[[Path, Path], None]
) -> None:
    downloads, fresh = folder / "packages", folder / f"{home.name}.new"
    for leftover in (downloads, fresh):
        shutil.rmtree(leftover, ignore_errors=True)
    downloads.mkdir()
    _run(["apt-get", *options, "download", *packages], cwd=downloads)
    for archive in sorted(downloads.glob("*.deb")):
        _run(["dpkg", "-x", archive, fresh])
    relocate(fresh, home)
    fresh.rename(home)
    shutil.rmtree(downloads)


def _lists_of_our_own(folder: Path) -> list[str]:
    """apt options that keep lists and caches in `folder`, filled: a slim image has no lists and they belong to root."""
    for name in ("lists/partial", "archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    places = {"State::Lists": folder / "lists", "Cache": folder, "Cache::archives": folder / "archives"}
    options = [word for name, place in places.items() for word in ("-o", f"Dir::{name}={place}")]
    _run(["apt-get", *options, "update"])
    return options


def _is_known(package: str) -> bool:
    shown = subprocess.run(["apt-cache", "show", package], capture_output=True, check=False)
    return shown.returncode == 0 and bool(shown.stdout)


def _run(command: Sequence[str | Path], *, cwd: Path | None = None) -> str:
    env = clean_env() | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoPackages(f"{' '.join(map(str, command[:3]))} failed: {done.stderr.strip()[-300:]}")
    return done.stdout
