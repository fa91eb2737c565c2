"""Another service installs acerto-stubs into an empty environment and calls us from there, with types."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from protos.compiler import GENERATED, PROTOS
from protos.generate import written
from protos.stubs.build import TYPED, build
from tests.architecture.tree import ROOT

CALLER = """
import grpc
from acerto.billing.v1 import billing_service_pb2, billing_service_pb2_grpc

stub = billing_service_pb2_grpc.BillingServiceStub(grpc.insecure_channel("127.0.0.1:1"))
request = billing_service_pb2.ListBudgetsRequest(page_size=10)
assert billing_service_pb2.ListBudgetsRequest.FromString(request.SerializeToString()).page_size == 10
assert callable(stub.ListBudgets)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment with the wheel, and only what the wheel itself asks for."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder, with_pip=True)
    pins = folder / "pins.txt"
    pins.write_text("\n".join(re.findall(r"^\S+==\S+", (ROOT / "requirements.txt").read_text(), re.MULTILINE)))
    python = folder / "bin" / "python"
    _succeeds(str(python), "-m", "pip", "install", "--quiet", "--constraint", str(pins), str(wheel))
    return python


def test_the_wheel_holds_all_generated_code_its_types_and_nothing_else(wheel: Path) -> None:
    held = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == {*written(GENERATED), *(f"{package}/py.typed" for package in TYPED)}


def test_a_service_with_nothing_else_installed_can_use_the_client(elsewhere: Path) -> None:
    _succeeds(str(elsewhere), "-I", "-c", CALLER)


def test_nothing_of_ours_but_the_client_is_installed(elsewhere: Path) -> None:
    rooms = ("domain", "messaging", "persistence", "server", "tests", "protos")
    look = f"import importlib.util as u; print([room for room in {rooms} if u.find_spec(room)])"
    assert _succeeds(str(elsewhere), "-I", "-c", look).strip() == "[]"


def test_a_type_checker_sees_the_types_of_the_client(elsewhere: Path, tmp_path: Path) -> None:
    caller = tmp_path / "caller.py"
    caller.write_text(CALLER.replace("page_size=10", 'page_size="ten"'))
    bare = {name: value for name, value in os.environ.items() if name not in {"MYPYPATH", "PYTHONPATH"}}
    command = [sys.executable, "-m", "mypy", "--config-file=", "--cache-dir", str(tmp_path / "cache")]
    finished = subprocess.run(
        [*command, "--python-executable", str(elsewhere), str(caller)],
        cwd=tmp_path,
        env=bare,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'incompatible type "str"; expected "int' in finished.stdout


def test_the_wheel_asks_for_runtimes_at_least_as_new_as_what_generated_it() -> None:
    project = tomllib.loads((PROTOS / "stubs/pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {requirement.name: str(requirement.specifier) for requirement in map(Requirement, project["dependencies"])}
    code = b"".join(written(GENERATED).values()).decode()
    assert {f">={version}" for version in re.findall(r"^# Protobuf Python Version: (\S+)", code, re.MULTILINE)} == {
        asked["protobuf"]
    }
    assert {f">={version}" for version in re.findall(r"^GRPC_GENERATED_VERSION = '(\S+)'", code, re.MULTILINE)} == {
        asked["grpcio"]
    }


def _succeeds(*command: str) -> str:
    finished = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout
