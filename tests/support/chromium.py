"""The Chromium of a test run: found, or fetched from Debian's packages. A run without one fails, it never skips."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from tests.support.debian import NoPackages, cache, install, missing, must_have_apt, unpack
from tests.support.environment import clean_env, given

PROGRAM_VARIABLE = "ACERTO_TEST_CHROMIUM"
HOST = "acerto.example.com"
"""Leads the browser to 127.0.0.1; every other name leads it nowhere. Programs are shyer on a page from 127.0.0.1."""

_RULES = f"--host-resolver-rules=MAP {HOST} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_BINARY = "usr/lib/chromium/chromium"
_FONTS = """<?xml version="1.0"?>
<fontconfig><dir>{home}/usr/share/fonts</dir><dir>/usr/share/fonts</dir><cachedir>{home}/fonts</cachedir></fontconfig>
"""


@dataclass(frozen=True)
class Chromium:
    """The program, and what its environment needs beside the usual."""

    program: str
    env: dict[str, str] = field(default_factory=dict)

    def refusal(self) -> str:
        """Why it does not start here; empty when it does. (Ubuntu's package of the name only asks for another one.)"""
        command = [self.program, "--version"]
        try:
            done = subprocess.run(
                command, env=clean_env() | self.env, capture_output=True, text=True, check=False, timeout=30
            )
        except (OSError, subprocess.TimeoutExpired) as failure:
            return f"{self.program}: {failure}"
        return "" if done.returncode == 0 else f"{self.program} says: {done.stderr.strip()[-300:]}"


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """A headless browser with nobody's profile, gone at the block's end. Raises RuntimeError without a Chromium."""
    found = chromium()
    async with async_playwright() as playwright:
        # Without its sandbox, which containers seldom allow: it sees our own pages only.
        launched = await playwright.chromium.launch(
            executable_path=found.program, args=[_RULES], chromium_sandbox=False, env={**clean_env(), **found.env}
        )
        yield launched
        await launched.close()


def chromium() -> Chromium:
    """The run's Chromium. Raises RuntimeError, telling what to provide, when there is none."""
    if named := given(PROGRAM_VARIABLE):
        return _asked_for(named)
    reasons = []
    for name in _NAMES:
        if program := shutil.which(name):
            if not (refusal := Chromium(program).refusal()):
                return Chromium(program)
            reasons.append(refusal)
    try:
        return _fetched()
    except NoPackages as reason:
        tried = "\n".join(f"- {one}" for one in (*reasons, reason))
    raise RuntimeError(
        f"The tests need Chromium. Provide one of: {PROGRAM_VARIABLE}=/path/to/it, {', '.join(_NAMES)} on PATH, or "
        f"Debian's packages through apt-get. Tried:\n{tried}"
    )


def unpacked(folder: Path) -> Chromium:
    """Debian's Chromium in `folder`/chromium with the libraries this machine lacks, downloaded once."""
    home = folder / "chromium"
    unpack("chromium", home, _packages, _write_fonts)
    libraries = sorted({str(library.parent) for library in (home / "usr/lib").glob("*-linux-*/**/*.so*")})
    env = {"LD_LIBRARY_PATH": os.pathsep.join(libraries), "FONTCONFIG_FILE": str(home / "fonts.conf")}
    return _works(Chromium(str(home / _BINARY), env))


def _asked_for(program: str) -> Chromium:
    refusal = Chromium(program).refusal()
    if refusal:  # asked for by name: another one instead would surprise
        raise RuntimeError(f"{PROGRAM_VARIABLE} is set, and {refusal}")
    return Chromium(program)


def _fetched() -> Chromium:
    must_have_apt()
    if os.geteuid() != 0:
        return unpacked(cache())
    install("chromium")
    return _works(Chromium(f"/{_BINARY}"))


def _works(found: Chromium) -> Chromium:
    if refusal := found.refusal():
        raise NoPackages(refusal)
    return found


def _packages(options: Sequence[str]) -> list[str]:
    return missing("chromium", options)


def _write_fonts(tree: Path, home: Path) -> None:
    """Text needs a font, and the machine may have neither one nor a list of them."""
    (tree / "fonts.conf").write_text(_FONTS.format(home=home))
