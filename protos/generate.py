"""Writes generated/ and the OpenAPI document from the contracts, and proves with --check that they are what these say.

google/* is never generated: googleapis-common-protos has it, and two copies of one file cannot share a process.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from protos.compiler import (
    GENERATED,
    OPENAPI,
    PROTOS,
    VALIDATE,
    ContractError,
    compile_protos,
    plugin,
    sources,
    with_services,
)


def generate(folder: Path) -> dict[str, bytes]:
    """What generated/ should hold for the contracts of `folder`: path (posix, relative) -> bytes."""
    with tempfile.TemporaryDirectory() as temporary:
        scratch, out = Path(temporary), Path(temporary, "out")
        out.mkdir()
        messages = [plugin("protoc-gen-mypy"), f"--python_out={out}", f"--mypy_out=quiet:{out}"]
        compile_protos(folder, scratch, messages, [VALIDATE])
        compile_protos(folder, scratch, messages, sources(folder))
        if services := with_services(folder, scratch):
            calls = [plugin("protoc-gen-mypy_grpc"), f"--grpc_python_out={out}", f"--mypy_grpc_out=quiet:{out}"]
            compile_protos(folder, scratch, calls, services)
        return written(out)


def written(folder: Path) -> dict[str, bytes]:
    """The code that lies in `folder` now; caches of interpreters and editors do not count."""
    files = (path for suffix in ("*.py", "*.pyi") for path in folder.rglob(suffix))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def stale(wanted: Mapping[str, bytes], present: Mapping[str, bytes]) -> list[str]:
    """The paths that are missing, different, or no contract's any more."""
    return sorted(path for path in wanted.keys() | present.keys() if wanted.get(path) != present.get(path))


def bring_up_to_date(target: Path, wanted: Mapping[str, bytes]) -> list[str]:
    """Make `target` hold exactly `wanted`; return what changed, leaving the rest untouched (and its time stamps)."""
    changed = stale(wanted, written(target))
    for path in changed:
        _place(target / path, wanted.get(path))
    _drop_empty_folders(target)
    return changed


def document_changed(file: Path, folder: Path, *, write: bool) -> list[str]:
    """The OpenAPI document's file if it is not what the contracts of `folder` say; written then, if that is wanted.

    It is made by the server's own reading of the contracts, which needs generated/ to be up to date.
    """
    from protos.openapi.document import openapi_json

    wanted = openapi_json(folder)
    if file.is_file() and file.read_bytes() == wanted:
        return []
    if write:
        file.write_bytes(wanted)
    return [file.name]


def _place(path: Path, code: bytes | None) -> None:
    if code is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(code)


def _drop_empty_folders(target: Path) -> None:
    for folder in sorted((path for path in target.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def main() -> int:
    """`python -m protos.generate [--check] [--out FOLDER] [--openapi FILE] [CONTRACTS]`; 1 when any is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contracts", nargs="?", type=Path, default=PROTOS)
    parser.add_argument("--out", type=Path, default=GENERATED)
    parser.add_argument("--openapi", type=Path, default=OPENAPI)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when something would change")
    chosen = parser.parse_args()
    contracts = chosen.contracts.resolve()
    try:
        wanted = generate(contracts)
        changed = stale(wanted, written(chosen.out)) if chosen.check else bring_up_to_date(chosen.out, wanted)
        changed += document_changed(chosen.openapi, contracts, write=not chosen.check)
    except ContractError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(changed) or f"{chosen.out.name}/ ({len(wanted)} files) and {chosen.openapi.name} are up to date")
    return 1 if chosen.check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
