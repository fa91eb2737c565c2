"""The image and compose.yaml are right as far as that can be told without a container engine."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
import yaml

from protos.compiler import script
from tests.architecture.tree import ROOMS, ROOT

ROLES = {"api", "consumer", "relay", "worker"}
SECRET = re.compile(r"PASS|KEY|SECRET|TOKEN")


@pytest.fixture
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture
def services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    return services


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    _accepted("hadolint", "Dockerfile")


def test_the_compose_file_keeps_the_compose_schema() -> None:
    _accepted("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml")


def test_the_image_is_built_from_the_locks_with_their_hashes(dockerfile: str) -> None:
    assert "--require-hashes --requirement /tmp/requirements.txt" in dockerfile
    assert "COPY requirements.txt /tmp/requirements.txt" in dockerfile


def test_the_image_runs_as_an_ordinary_user_by_number_and_checks_its_health(dockerfile: str) -> None:
    users = re.findall(r"^USER (\S+)$", dockerfile, re.MULTILINE)
    assert users == ["10001:10001"]
    assert 'CMD ["python", "-m", "server", "health"]' in dockerfile


def test_every_base_image_is_pinned_to_a_full_version(dockerfile: str, services: dict[str, Any]) -> None:
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    others = [service["image"] for service in services.values() if not service["image"].startswith("${")]
    assert [base for base in bases if not re.search(r":\d+\.\d+\.\d+-", base)] == []
    assert [image for image in others if not re.search(r":\d+\.\d+", image)] == []


def test_the_image_holds_every_room_and_nothing_that_only_developers_need() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"}
    assert kept == {*ROOMS, "LICENSE", "generated", "requirements.txt"}


def test_compose_runs_each_role_as_a_service_of_its_own_name(services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if service.get("command") == [name]} == ROLES | {"migrate"}


def test_every_role_waits_for_the_migration_and_the_topology(services: dict[str, Any]) -> None:
    done = {"condition": "service_completed_successfully"}
    hasty = [role for role in ROLES if services[role]["depends_on"] != {"migrate": done, "topology": done}]
    assert hasty == []


def test_our_containers_write_nothing_to_their_root_and_hold_no_capability(services: dict[str, Any]) -> None:
    ours = [service for service in services.values() if service["image"].startswith("${ACERTO_IMAGE")]
    assert [(service["read_only"], service["cap_drop"]) for service in ours] == [(True, ["ALL"])] * (len(ROLES) + 2)


def test_no_secret_is_written_in_the_compose_file(services: dict[str, Any]) -> None:
    written = [
        f"{service}.{name}"
        for service, settings in services.items()
        for name, value in settings.get("environment", {}).items()
        if SECRET.search(name) and not value.startswith("${")
    ]
    assert written == []


def _accepted(program: str, *arguments: str) -> None:
    command = [str(script(program)), *arguments]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
