"""What the contracts say about each rpc, read once; an rpc that does not say who may call it stops the start."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message

from acerto.access.v1 import policy_pb2


class ContractError(Exception):
    """A contract, or the servicer of one, cannot be served as it is; the text names the rpc and what it lacks."""


@dataclass(frozen=True, slots=True)
class Method:
    """One rpc: its types, the permission it needs, and what a call does.

    `full_name` is the gRPC path, as in `/acerto.billing.v1.BillingService/GetBudget`; one that `streams` answers
    with any number of responses.
    """

    descriptor: MethodDescriptor
    full_name: str
    service: str
    name: str
    request: type[Message]
    response: type[Message]
    permission: str
    writes: bool
    streams: bool
    has_request_id: bool


def methods_of(services: Iterable[ServiceDescriptor]) -> dict[str, Method]:
    """Every rpc of these services by its full name. Raises ContractError naming all rpcs without a usable policy."""
    rpcs = [rpc for service in services for rpc in service.methods]
    problems = [problem for rpc in rpcs if (problem := _problem(rpc))]
    if problems:
        raise ContractError("; ".join(problems))
    methods = [_method(rpc) for rpc in rpcs]
    return {method.full_name: method for method in methods}


def _problem(rpc: MethodDescriptor) -> str | None:
    options = rpc.GetOptions()
    if not options.HasExtension(policy_pb2.policy):
        return f"{rpc.full_name} has no option (acerto.access.v1.policy): nobody may call it"
    policy = options.Extensions[policy_pb2.policy]
    if not policy.permission:
        return f"the policy of {rpc.full_name} names no permission"
    if policy.effect == policy_pb2.EFFECT_UNSPECIFIED:
        return f"the policy of {rpc.full_name} names no effect"
    if rpc.client_streaming:
        return f"{rpc.full_name} takes a stream, which the pipeline does not serve"
    if rpc.server_streaming and policy.effect != policy_pb2.EFFECT_READ:
        return f"{rpc.full_name} answers with a stream, which only an rpc that reads may do"
    return None


def _method(rpc: MethodDescriptor) -> Method:
    policy = rpc.GetOptions().Extensions[policy_pb2.policy]
    service = rpc.containing_service.full_name
    return Method(
        descriptor=rpc,
        full_name=f"/{service}/{rpc.name}",
        service=service,
        name=rpc.name,
        request=message_factory.GetMessageClass(rpc.input_type),
        response=message_factory.GetMessageClass(rpc.output_type),
        permission=policy.permission,
        writes=policy.effect == policy_pb2.EFFECT_WRITE,
        streams=rpc.server_streaming,
        has_request_id="request_id" in rpc.input_type.fields_by_name,
    )
