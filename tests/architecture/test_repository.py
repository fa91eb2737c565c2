"""What lies in the repository works on any machine: locks without hosts, no paths of one machine, no loose ends."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement

from tests.architecture.tree import ROOT, files, modules

LOCKS = ("requirements.txt", "requirements-dev.txt")
TOP_LEVEL = {
    *(".ci", ".dockerignore", ".editorconfig", ".github", ".gitignore", "Dockerfile", "LICENSE", "Makefile"),
    *("README.md", "compose.yaml", "docs", "domain", "generated", "helm", "messaging", "persistence", "protos"),
    *("pyproject.toml", "requirements-dev.txt", "requirements.txt", "server", "tests"),
}
TEXT = {"", ".cfg", ".html", ".ini", ".json", ".mako", ".md", ".proto", ".py", ".sh", ".sql", ".toml", ".tpl"}
TEXT |= {".txt", ".yaml", ".yml"}
MACHINE_PATH = re.compile(r"(?<![\w.$}])/(?:work|farm|root|home)/|(?<![\w.])/tmp/(?:x|bash_jobs)\b")
# The one place that sleeps: between two looks at a condition, up to a deadline.
WAITING = "tests/support/waiting.py"
OPTION = re.compile(r"\s*(-[a-z]|--(?!hash))")
LOOSE_END = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)(?: ; .+)? \\$")
FORBIDDEN_CALLS = {"time.sleep", "pytest.skip", "pytest.xfail", "pytest.mark.skip", "pytest.mark.skipif"}
FORBIDDEN_CALLS |= {"pytest.mark.xfail", "pytest.importorskip", "unittest.mock.patch", "mock.patch", "patch"}


def test_the_top_level_holds_only_the_names_that_the_design_fixes() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in files()} - TOP_LEVEL == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host_and_no_folder(lock: str) -> None:
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if "://" in line or "file:" in line or OPTION.match(line)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_is_a_pin_with_its_hashes(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    unpinned = [line for line in text.splitlines() if line and not line.startswith((" ", "#")) and not PIN.match(line)]
    assert unpinned == []
    assert re.findall(r"^\S.*\\\n(?!    --hash=sha256:)", text, re.MULTILINE) == []


def test_both_locks_pin_the_same_version_of_what_the_service_runs_on() -> None:
    runtime, everything = (_pins(lock) for lock in LOCKS)
    assert {name: pin for name, pin in runtime.items() if everything.get(name) != pin} == {}


def test_the_locks_satisfy_every_dependency_that_the_project_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    runtime = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["embedded"]]
    assert list(_unsatisfied(runtime, _pins(LOCKS[0]))) == [], "run `make lock`"
    assert list(_unsatisfied(project["dependency-groups"]["dev"], _pins(LOCKS[1]))) == [], "run `make lock`"


def test_no_lock_that_names_registry_hosts_is_committed() -> None:
    assert [path.name for path in files() if path.name in {"uv.lock", "poetry.lock", "Pipfile.lock"}] == []


def test_no_file_names_a_path_of_one_machine() -> None:
    assert list(_lines_with(MACHINE_PATH)) == []


def test_no_file_has_a_loose_end() -> None:
    assert list(_lines_with(LOOSE_END)) == []


def test_no_code_sleeps_for_luck_skips_a_test_or_patches_what_it_tests() -> None:
    found = [
        f"{module.path}:{node.lineno} {ast.unparse(node)}"
        for module in modules()
        if module.path != WAITING
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute | ast.Name) and ast.unparse(node) in FORBIDDEN_CALLS
    ]
    assert found == []


def _lines_with(pattern: re.Pattern[str]) -> Iterator[str]:
    written = (path for path in files() if path.suffix in TEXT and "generated" not in path.parts)
    for path in written:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if pattern.search(line):
                yield f"{path.relative_to(ROOT)}:{number} {line.strip()}"


def _pins(lock: str) -> dict[str, str]:
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    return {found[1]: found[2] for line in lines if (found := PIN.match(line))}


def _unsatisfied(declared: list[str], pins: dict[str, str]) -> Iterator[str]:
    for requirement in map(Requirement, declared):
        pin = pins.get(re.sub(r"[-_.]+", "-", requirement.name).lower())
        if pin is None or not requirement.specifier.contains(pin, prereleases=True):
            yield f"{requirement} (locked: {pin})"
