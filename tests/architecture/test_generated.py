"""generated/ and the OpenAPI document say what the contracts do, which keep buf's rules and their callers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from protos.check import base_reference, broken, broken_since, formatted, linted
from protos.compiler import GENERATED, OPENAPI, PROTOS, ContractError
from protos.generate import bring_up_to_date, document_changed, generate, stale, written

CONTRACT = """syntax = "proto3";

// A contract of the tests.
package acerto.tests.v1;

// A thing.
message Thing {
  // Its name.
  string name = 1;
}
"""


@pytest.fixture
def contracts(tmp_path: Path) -> Path:
    folder = tmp_path / "contracts"
    _write(folder, CONTRACT)
    return folder


def test_generating_again_changes_nothing() -> None:
    assert stale(generate(PROTOS), written(GENERATED)) == []


def test_the_openapi_document_is_what_the_contracts_say() -> None:
    assert document_changed(OPENAPI, PROTOS, write=False) == []


def test_an_openapi_document_that_says_something_else_is_stale(tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"
    assert document_changed(file, PROTOS, write=True) == ["openapi.json"]
    assert file.read_bytes() == OPENAPI.read_bytes()
    file.write_text("{}", encoding="utf-8")
    assert document_changed(file, PROTOS, write=False) == ["openapi.json"]


def test_generated_code_holds_no_package_of_google_and_no_package_file() -> None:
    paths = written(GENERATED)
    assert [path for path in paths if path.startswith("google/") or path.endswith("__init__.py")] == []


def test_the_contracts_are_in_the_format_of_buf() -> None:
    assert formatted(PROTOS) == ""


def test_every_element_of_the_contracts_keeps_the_names_and_has_its_comment() -> None:
    assert linted(PROTOS) == ""


def test_callers_of_the_contracts_on_main_are_not_broken() -> None:
    base = base_reference()
    assert base is None or broken_since(base) == ""


def test_a_field_with_no_comment_is_a_complaint(contracts: Path) -> None:
    _write(contracts, CONTRACT.replace("  // Its name.\n", ""))
    assert 'Field "name" should have a non-empty comment' in linted(contracts)


def test_a_contract_out_of_format_is_a_complaint(contracts: Path) -> None:
    _write(contracts, CONTRACT.replace("  string", "      string"))
    assert "+  string name = 1;" in formatted(contracts)


def test_a_field_that_changes_its_number_breaks_callers(contracts: Path, tmp_path: Path) -> None:
    before = shutil.copytree(contracts, tmp_path / "before")
    _write(contracts, CONTRACT.replace("name = 1", "name = 2"))
    assert 'field "1" with name "name"' in broken(contracts, before)


def test_a_new_field_breaks_no_caller(contracts: Path, tmp_path: Path) -> None:
    before = shutil.copytree(contracts, tmp_path / "before")
    _write(contracts, CONTRACT.replace("name = 1;", "name = 1;\n  // Its size.\n  int64 size = 2;"))
    assert broken(contracts, before) == ""


def test_code_of_a_contract_that_is_gone_is_removed(contracts: Path, tmp_path: Path) -> None:
    target = tmp_path / "generated"
    bring_up_to_date(target, generate(contracts))
    (contracts / "acerto/tests/v1/thing.proto").rename(contracts / "acerto/tests/v1/matter.proto")
    changed = bring_up_to_date(target, generate(contracts))
    assert changed == [f"acerto/tests/v1/{name}_pb2.{end}" for name in ("matter", "thing") for end in ("py", "pyi")]
    assert not (target / "acerto/tests/v1/thing_pb2.py").exists()


def test_a_contract_that_does_not_compile_names_its_file_and_line(contracts: Path) -> None:
    _write(contracts, CONTRACT.replace("string name", "strin name"))
    with pytest.raises(ContractError, match=r'thing\.proto:9:3: "strin" is not defined'):
        generate(contracts)


def _write(folder: Path, text: str) -> None:
    file = folder / "acerto/tests/v1/thing.proto"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
