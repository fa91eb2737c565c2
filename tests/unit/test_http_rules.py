"""What a contract says of its answers over HTTP: read at the start, and refused there when it cannot be kept."""

from __future__ import annotations

from typing import Any

import pytest
from google.api import annotations_pb2
from google.protobuf import descriptor_pb2, descriptor_pool

from acerto.access.v1 import policy_pb2
from acerto.common.v1 import http_pb2
from server.gateway.rules import Rule, rules_of
from server.rpc.methods import ContractError, methods_of

READS = policy_pb2.Policy(permission="x.do", effect=policy_pb2.EFFECT_READ)


def rules(name: str, status: int | None, *, streams: bool = False) -> list[Rule]:
    """The rules of a service with one rpc that has two paths and says this status; None: says nothing."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{name}.proto", package="status", syntax="proto3")
    file.dependency.extend([policy_pb2.DESCRIPTOR.name, http_pb2.DESCRIPTOR.name, annotations_pb2.DESCRIPTOR.name])
    file.message_type.add(name=f"{name}Message")
    message = f".status.{name}Message"
    method = file.service.add(name=name).method.add(
        name="Do", input_type=message, output_type=message, server_streaming=streams
    )
    http: Any = annotations_pb2.http
    method.options.Extensions[policy_pb2.policy].CopyFrom(READS)
    method.options.Extensions[http].get = "/one"
    method.options.Extensions[http].additional_bindings.add(post="/two")
    if status is not None:
        method.options.Extensions[http_pb2.success_status] = status
    pool: Any = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return rules_of(methods_of([pool.FindServiceByName(f"status.{name}")]).values())


@pytest.mark.parametrize(("name", "status"), [("Plain", None), ("Made", 201), ("Taken", 202), ("Told", 200)])
def test_a_status_of_its_own_is_that_of_all_rules_of_the_rpc(name: str, status: int | None) -> None:
    assert {rule.status for rule in rules(name, status)} == {status or 200}


@pytest.mark.parametrize("status", [0, 100, 199, 204, 205, 300, 404, 500, -1])
def test_a_status_that_no_answer_with_a_body_has_stops_the_start(status: int) -> None:
    with pytest.raises(ContractError, match=rf"/status\.Bad\w+/Do: {status} is no status of an answer with a body"):
        rules(f"Bad{abs(status)}{'N' if status < 0 else ''}", status)


def test_a_stream_that_says_another_status_than_200_stops_the_start() -> None:
    with pytest.raises(ContractError, match="a stream is answered with 200, not with 201"):
        rules("Dripping", 201, streams=True)
    assert {rule.status for rule in rules("Flowing", 200, streams=True)} == {200}
