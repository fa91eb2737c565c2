"""Who may import whom: the contracts in pyproject.toml, and what each room may take from outside at all."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator

from protos.compiler import script
from tests.architecture.tree import ROOMS, ROOT, Module, modules
from tests.support.environment import clean_env

# The longest prefix of a file's path decides; the standard library is everybody's.
MAY_IMPORT = {
    "domain/": {"domain"},
    "persistence/": {
        *("alembic", "cachetools", "domain", "orjson", "persistence", "psycopg", "psycopg_pool", "redis", "sqlalchemy"),
    },
    "messaging/": {"acerto", "aio_pika", "aiormq", "domain", "google", "messaging", "pamqp", "yarl"},
    "messaging/postgres": {"domain", "messaging", "psycopg", "psycopg_pool"},
    "server/": {
        *("acerto", "buf", "domain", "google", "grpc", "grpc_health", "grpc_reflection", "httpx", "orjson"),
        *(
            "prometheus_client",
            "protovalidate",
            "pydantic",
            "segno",
            "server",
            "starlette",
            "structlog",
            "uvicorn",
            "uvloop",
        ),
    },
    # The entry and the operator's verbs stand above the wiring: they may see every room.
    "server/__main__.py": {"domain", "messaging", "persistence", "psycopg", "server", "uvloop"},
    "server/commands/": {"acerto", "domain", "grpc", "messaging", "persistence", "server", "structlog"},
    "server/system.py": {"uuid_utils"},
    "server/tracing.py": {"domain", "opentelemetry"},
    "server/gateway/": {
        "acerto",
        "domain",
        "google",
        "grpc",
        "httptools",
        "server",
        "starlette",
        "structlog",
        "uvicorn",
    },
    "server/providers/": {"domain", "httpx", "pydantic", "server"},
    "server/rpc/": {
        *("acerto", "buf", "domain", "google", "grpc", "grpc_health", "grpc_reflection", "protovalidate", "segno"),
        "server",
    },
    "server/wiring/": {
        *("acerto", "domain", "google", "grpc", "grpc_health", "grpc_reflection", "messaging", "persistence"),
        *("prometheus_client", "protovalidate", "psycopg", "pydantic", "server", "starlette", "structlog", "uvicorn"),
    },
}


def test_every_room_keeps_the_import_contracts() -> None:
    finished = subprocess.run(
        [str(script("lint-imports")), "--no-cache"], cwd=ROOT, env=_path(), capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_a_start_loads_no_library_that_only_some_installations_need() -> None:
    heavy = {"alembic", "opentelemetry.sdk", "redis"}
    told = "import sys, server.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], cwd=ROOT, env=clean_env(), capture_output=True, check=True)
    assert heavy.isdisjoint(done.stdout.decode().split())


def test_a_room_imports_nothing_from_outside_that_is_not_on_its_list() -> None:
    strangers = [
        f"{module.path}: {name}"
        for module in modules()
        if module.room in ROOMS
        for name in sorted({imported.split(".")[0] for imported in _imported(module)} - _allowed(module.path))
    ]
    assert strangers == []


def test_a_context_of_the_domain_imports_its_own_nouns_and_the_root_only() -> None:
    nouns = [module.path for module in modules() if module.room == "domain"]
    contexts = {path.split("/")[1] for path in nouns if path.count("/") == 2}
    crossings = [
        f"{module.path}: {name}"
        for module in modules()
        if module.room == "domain"
        for name in _imported(module)
        for context in contexts
        if f"{name}.".startswith(f"domain.{context}.") and not module.path.startswith(f"domain/{context}/")
    ]
    assert crossings == []


def _allowed(path: str) -> set[str]:
    place = max((prefix for prefix in MAY_IMPORT if path.startswith(prefix)), key=len)
    return MAY_IMPORT[place] | sys.stdlib_module_names


def _imported(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _path() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'generated'}"}
