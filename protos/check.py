"""Holds the contracts to buf's rules: format, names and comments, and no break of what callers already have.

buf judges an image made by protoc, because its own compiler would ask a network for google/api and buf/validate.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from protos.compiler import PROTOS, ContractError, descriptors, script

ROOT = PROTOS.parent
RULES = PROTOS / "buf.yaml"


def formatted(folder: Path) -> str:
    """What `buf format` would change in `folder`, as a diff; empty when nothing."""
    return _buf("format", str(folder), "--diff", "--exit-code")


def linted(folder: Path) -> str:
    """The complaints of buf's STANDARD and COMMENTS rules, one a line; empty when there is none."""
    with tempfile.TemporaryDirectory() as temporary:
        return _buf("lint", str(_image(folder, Path(temporary))), "--config", str(RULES), *_ours(folder))


def broken(folder: Path, base: Path) -> str:
    """What a caller built from the contracts in `base` would find broken in `folder`, one a line."""
    with tempfile.TemporaryDirectory() as now, tempfile.TemporaryDirectory() as before:
        against = str(_image(base, Path(before)))
        image = str(_image(folder, Path(now)))
        return _buf("breaking", image, "--against", against, "--config", str(RULES), *_ours(base))


def broken_since(reference: str, folder: Path = PROTOS) -> str:
    """As `broken`, against the contracts of a commit; empty too when that commit had none."""
    with tempfile.TemporaryDirectory() as base:
        archive = subprocess.run(
            ["git", "-C", str(ROOT), "archive", "--format=zip", reference, "protos"],
            capture_output=True,
            check=False,
        )
        if archive.returncode:
            return ""
        with zipfile.ZipFile(io.BytesIO(archive.stdout)) as contents:
            contents.extractall(base)
        return broken(folder, Path(base, "protos")) if list(Path(base).rglob("*.proto")) else ""


def base_reference() -> str | None:
    """The commit whose contracts callers have: where this branch left main, or on main the contracts' last state.

    None where there is nothing to compare with: no git, or contracts that were never committed before.
    """
    head = _git("rev-parse", "--verify", "--quiet", "HEAD")
    for main in ("origin/main", "main"):
        fork = _git("merge-base", main, "HEAD")
        if fork and fork != head:
            return fork
    states = _git("log", "-2", "--format=%H", "--", "protos").split()
    dirty = bool(_git("status", "--porcelain", "--", "protos"))
    return states[0] if dirty and states else states[1] if len(states) > 1 else None


def _ours(folder: Path) -> list[str]:
    """Keeps buf to our own packages: the image holds google/* too, which is not ours to judge."""
    packages = sorted({path.relative_to(folder).parts[0] for path in folder.rglob("*.proto")})
    return [argument for package in packages for argument in ("--path", package)]


def _image(folder: Path, scratch: Path) -> Path:
    descriptors(folder, scratch)
    return scratch / "image.binpb"


def _buf(*arguments: str) -> str:
    finished = subprocess.run([str(script("buf")), *arguments], capture_output=True, text=True, check=False, cwd=ROOT)
    return (finished.stdout + finished.stderr).strip() if finished.returncode else ""


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    return finished.stdout.strip() if finished.returncode == 0 else ""


def main() -> int:
    """`python -m protos.check [--against COMMIT]`: prints each complaint; 1 when there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", default=base_reference(), help="the commit that callers were built from")
    against = parser.parse_args().against
    try:
        complaints = [formatted(PROTOS), linted(PROTOS), broken_since(against) if against else ""]
    except ContractError as error:
        complaints = [str(error)]
    print("\n".join(filter(None, complaints)) or f"contracts keep the rules (compared with {against or 'no base'})")
    return 1 if any(complaints) else 0


if __name__ == "__main__":
    sys.exit(main())
