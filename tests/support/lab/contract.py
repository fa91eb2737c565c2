"""lab.proto as descriptors: compiled once per process, every rpc with the policy that our pipeline demands."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.message import Message

from acerto.access.v1 import policy_pb2
from protos.compiler import compile_protos

PERMISSION: Final = "lab.play"
_FILE: Final = "lab.proto"
_PACKAGE: Final = "lab.v1"


@cache
def image() -> bytes:
    """The lab and all that it imports, as a serialized FileDescriptorSet."""
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "lab.binpb"
        arguments = [f"--descriptor_set_out={target}", "--include_imports"]
        compile_protos(Path(__file__).parent, Path(scratch), arguments, [_FILE])
        files = FileDescriptorSet.FromString(target.read_bytes())
    for file in files.file:
        if file.name == _FILE:
            _let_in(file)
    return files.SerializeToString(deterministic=True)


@cache
def services() -> Mapping[str, ServiceDescriptor]:
    """The lab's services by their short names."""
    files = FileDescriptorSet.FromString(image())
    (lab,) = (file for file in files.file if file.name == _FILE)
    for imported in lab.dependency:
        import_module(imported.removesuffix(".proto").replace("/", ".") + "_pb2")
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(lab.SerializeToString())
    return {made.name: pool.FindServiceByName(f"{_PACKAGE}.{made.name}") for made in lab.service}


def service(name: str) -> ServiceDescriptor:
    """One service by its short name."""
    return services()[name]


def message(name: str) -> type[Message]:
    """The class of one of the lab's messages, by its short name."""
    services()
    return message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(f"{_PACKAGE}.{name}"))


def _let_in(file: FileDescriptorProto) -> None:
    for made in file.service:
        for rpc in made.method:
            policy = rpc.options.Extensions[policy_pb2.policy]
            policy.permission = PERMISSION
            policy.effect = policy_pb2.EFFECT_READ
