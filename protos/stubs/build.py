"""Builds the wheel `acerto-stubs`: generated code, its types, and nothing of the service.

generated/ stays pure, so what makes it a package (metadata, py.typed) is added in a folder that is thrown away.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from protos.compiler import GENERATED, PROTOS

HERE = Path(__file__).resolve().parent
# A marker in each tree: `acerto` and `buf` are namespaces that other distributions may share.
TYPED = ("acerto", "buf/validate")


def stage(folder: Path) -> None:
    """Lay out in `folder` what setuptools needs to make the wheel."""
    for code in ("acerto", "buf"):
        shutil.copytree(GENERATED / code, folder / code, ignore=shutil.ignore_patterns("__pycache__"))
    for package in TYPED:
        (folder / package / "py.typed").touch()
    for file in (HERE / "pyproject.toml", HERE / "README.md", PROTOS.parent / "LICENSE"):
        shutil.copy(file, folder)


def build(out: Path) -> Path:
    """Make the wheel in `out` and return its path; raises CalledProcessError when setuptools refuses."""
    with tempfile.TemporaryDirectory() as temporary:
        stage(Path(temporary))
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), temporary]
        subprocess.run(command, check=True, capture_output=True, text=True)
    return max(out.glob("acerto_stubs-*.whl"), key=lambda wheel: wheel.stat().st_mtime_ns)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    print(build(parser.parse_args().out))
