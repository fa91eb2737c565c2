"""One way to call protoc, for generation and for every check of the contracts.

buf/validate is on no disk as a .proto file: its descriptor comes out of the installed protovalidate package.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from importlib.metadata import distribution
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from protovalidate._gen.buf.validate import validate_pb

VALIDATE = "buf/validate/validate.proto"
PROTOS = Path(__file__).resolve().parent
GENERATED = PROTOS.parent / "generated"
OPENAPI = PROTOS.parent / "server" / "gateway" / "openapi.json"


class ContractError(Exception):
    """A contract does not compile, is not what was generated from it, or breaks its callers; the text says which."""


def sources(folder: Path) -> list[str]:
    """Every .proto file of `folder`, as the paths that imports use, in a stable order."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.proto"))


def compile_protos(folder: Path, scratch: Path, arguments: Sequence[str], files: Sequence[str]) -> None:
    """Run protoc over `files` of `folder`; what it needs beside them it finds in the installed packages.

    Raises ContractError with protoc's own words; a warning (an unused import) counts as an error.
    """
    command = [
        *(sys.executable, "-m", "grpc_tools.protoc", "--fatal_warnings", f"-I{folder}", f"-I{_googleapis()}"),
        f"--descriptor_set_in={_validate_descriptor(scratch)}",
        *arguments,
        *files,
    ]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise ContractError(finished.stderr.strip() or f"protoc left with {finished.returncode}")


def descriptors(folder: Path, scratch: Path) -> bytes:
    """The contracts of `folder` and all that they import, with comments, as a serialized FileDescriptorSet."""
    image = scratch / "image.binpb"
    arguments = [f"--descriptor_set_out={image}", "--include_imports", "--include_source_info"]
    compile_protos(folder, scratch, arguments, sources(folder))
    return image.read_bytes()


def with_services(folder: Path, scratch: Path) -> list[str]:
    """The files of `folder` that define a service: only these need gRPC code."""
    ours = set(sources(folder))
    parsed = FileDescriptorSet.FromString(descriptors(folder, scratch))
    return sorted(file.name for file in parsed.file if file.service and file.name in ours)


def plugin(name: str) -> str:
    """The argument that gives protoc the plugin `name` of this environment, whatever PATH says."""
    return f"--plugin={name}={script(name)}"


def script(name: str) -> Path:
    """The program `name` that was installed beside this interpreter."""
    return Path(sysconfig.get_path("scripts")) / name


def _googleapis() -> Path:
    """The folder under which google/api and google/type lie as .proto files."""
    return Path(str(distribution("googleapis-common-protos").locate_file("")))


def _validate_descriptor(scratch: Path) -> Path:
    target = scratch / "validate.binpb"
    file = FileDescriptorProto.FromString(validate_pb.desc().proto.to_binary())
    target.write_bytes(FileDescriptorSet(file=[file]).SerializeToString(deterministic=True))
    return target
