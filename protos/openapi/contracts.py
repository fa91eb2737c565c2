"""The contracts as the document needs them: services with their rules, and every comment."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, EnumDescriptor, EnumValueDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from protos.compiler import ContractError, descriptors, sources
from protos.openapi.comments import Comments
from server.gateway.rules import Rule, rules_of
from server.rpc.methods import ContractError as Unservable
from server.rpc.methods import Method, methods_of


@dataclass(frozen=True)
class Contracts:
    """Every service of a folder with what is said of it; `reasons` are the values of its `ErrorReason` enums."""

    services: list[ServiceDescriptor]
    methods: list[Method]
    rules: list[Rule]
    reasons: list[EnumValueDescriptor]
    comments: Comments


def contracts_in(folder: Path) -> Contracts:
    """Read the contracts of a folder. Raises ContractError, also for what the server would not serve.

    They get a descriptor pool of their own, so that several versions of a contract can be read by one process.
    """
    with tempfile.TemporaryDirectory() as scratch:
        files = FileDescriptorSet.FromString(descriptors(folder, Path(scratch))).file
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.AddSerializedFile(file.SerializeToString())
    ours = set(sources(folder))
    found = [pool.FindFileByName(file.name) for file in files if file.name in ours]
    services = [service for file in found for service in file.services_by_name.values()]
    try:
        methods = list(methods_of(services).values())
        rules = rules_of(methods)
    except Unservable as error:
        raise ContractError(str(error)) from error
    return Contracts(
        services=services,
        methods=methods,
        rules=rules,
        reasons=[value for file in found for value in _reasons(file.enum_types_by_name.values())],
        comments=Comments(file for file in files if file.name in ours),
    )


def short_name(described: Descriptor | EnumDescriptor) -> str:
    """Its name without the package; what is nested has the names around it."""
    package = described.file.package
    return str(described.full_name.removeprefix(f"{package}."))


def _reasons(enums: Iterable[EnumDescriptor]) -> Iterable[EnumValueDescriptor]:
    return (value for enum in enums if enum.name == "ErrorReason" for value in enum.values if value.number)
