"""The repository as the architecture tests see it: its files, its Python modules parsed once, its rooms."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("domain", "messaging", "persistence", "server")
CODE = (*ROOMS, "protos", "tests")
# What the verbs and tools make, and .gitignore leaves out; helpers' own environments lie in folders of these names.
MADE = {".git", ".venv", ".acerto", "build", "__pycache__", ".hypothesis", ".import_linter_cache"}
MADE |= {".mypy_cache", ".pytest_cache", ".ruff_cache", ".env"}


@dataclass(frozen=True)
class Module:
    """One Python file of ours: where it is (posix, from the root), what it says, and what it means."""

    path: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        return self.path.split("/", 1)[0]


@cache
def files() -> tuple[Path, ...]:
    """Every file that could be committed, from the root."""
    return tuple(sorted(_walk(ROOT)))


@cache
def modules() -> tuple[Module, ...]:
    """Every Python module that people write; generated code and alembic's numbered steps are not written so."""
    return tuple(_parse(path) for path in files() if path.suffix == ".py" and _written_by_hand(path))


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of the module, methods and inner ones too."""
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def classes(module: Module) -> Iterator[ast.ClassDef]:
    """Every class of the module."""
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef))


def _walk(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.name in MADE or entry.name.endswith(".egg-info"):
            continue
        if entry.is_dir():
            yield from _walk(entry)
        else:
            yield entry


def _written_by_hand(path: Path) -> bool:
    inside = path.relative_to(ROOT)
    return inside.parts[0] in CODE and "versions" not in inside.parts


def _parse(path: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    return Module(path.relative_to(ROOT).as_posix(), text, ast.parse(text))
