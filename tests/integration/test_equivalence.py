"""The same call by gRPC and by HTTP gives the same message, or the same refusal: every rpc, both ways."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from google.api import httpbody_pb2
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details_pb2

from domain.actor import Actor
from server.gateway.rules import rules_of
from server.rpc.errors import HTTP
from server.rpc.methods import Method, methods_of
from tests.support.equivalence import CASES, Prepare
from tests.support.equivalence_checks import CHECK_CASES
from tests.support.equivalence_claims import CLAIM_CASES
from tests.support.equivalence_invoices import INVOICE_CASES
from tests.support.equivalence_old import OLD_CASES
from tests.support.equivalence_old_health import OLD_HEALTH_CASES
from tests.support.equivalence_reference import REFERENCE_CASES
from tests.support.http import client_of, http_of
from tests.support.http_calls import http_call
from tests.support.journey import begun
from tests.support.served import (
    CLAIMS,
    COMPATIBILITY,
    ELIGIBILITY,
    OLD_CLAIMS,
    OLD_ELIGIBILITY,
    SERVICES,
    Refused,
    Scene,
    refusal,
)

IDS = {"x-request-id": "req-1", "correlation-id": "saga-1"}
STREAMS = {"WatchWorkOrder"}
"""What has no one answer; test_http_streams follows it both ways."""
OURS = {**CASES, **CLAIM_CASES, **INVOICE_CASES, **REFERENCE_CASES, **CHECK_CASES}
ALL_CASES = {**OURS, **OLD_CASES, **OLD_HEALTH_CASES}
METHODS = {method.name: method for method in methods_of(SERVICES).values() if not method.descriptor.server_streaming}


async def by_grpc(method: Method, prepare: Prepare, *, actor: Actor | None = None) -> Message | Refused:
    """What a saga of its own answers over gRPC."""
    async with begun() as journey:
        request = await prepare(journey)
        journey.scene.actor = actor or journey.scene.actor
        stubs = {
            COMPATIBILITY.full_name: journey.old,
            CLAIMS.full_name: journey.claims,
            OLD_CLAIMS.full_name: journey.old_claims,
            ELIGIBILITY.full_name: journey.eligibility,
            OLD_ELIGIBILITY.full_name: journey.old_eligibility,
        }
        call = getattr(stubs.get(method.service, journey.billing), method.name)(request, metadata=list(IDS.items()))
        if actor is not None:
            return await refusal(call)
        try:
            answer: Message = await call
        except Exception:  # noqa: BLE001 -- read again as the refusal that it is
            return await refusal(call)
        return answer


async def by_http(method: Method, prepare: Prepare, *, actor: Actor | None = None) -> httpx.Response:
    """What a saga that came by the same way answers over HTTP."""
    async with AsyncExitStack() as stack:
        scene = Scene()
        journey = await stack.enter_async_context(begun(scene))
        call = http_call(method, await prepare(journey))
        scene.actor = actor or scene.actor
        client = await stack.enter_async_context(client_of(http_of(scene)))
        headers = IDS if call.content is None else {**IDS, "content-type": "application/json"}
        return await client.request(call.method, call.target, content=call.content, headers=headers)


def message_in(method: Method, answer: httpx.Response) -> Message:
    (rule, *_) = rules_of([method])
    assert answer.status_code == rule.status, answer.text
    if method.response is httpbody_pb2.HttpBody:
        return httpbody_pb2.HttpBody(content_type=answer.headers["content-type"], data=answer.content)
    if rule.response_body is not None:
        return json_format.ParseDict({rule.response_body.json_name: answer.json()}, method.response())
    return json_format.Parse(answer.content, method.response())


def said_by_grpc(refused: Refused) -> dict[str, Any]:
    """A refusal's parts that HTTP has too, in HTTP's words."""
    parts: dict[str, Any] = {"metadata": refused.about or None, "violations": None, "retry_after": None}
    bad_request, retry = details_pb2.BadRequest(), details_pb2.RetryInfo()
    for packed in refused.status.details:
        if packed.Unpack(bad_request):
            parts["violations"] = [
                {"field": one.field, "description": one.description, "rule": one.reason}
                for one in bad_request.field_violations
            ]
        elif packed.Unpack(retry):
            parts["retry_after"] = retry.retry_delay.ToNanoseconds() / 1e9
    return parts | {"status": HTTP[refused.code], "reason": refused.reason, "detail": refused.message}


def said_by_http(answer: httpx.Response) -> dict[str, Any]:
    problem = answer.json()
    assert answer.status_code == problem["status"]
    named = ("metadata", "violations", "retry_after", "status", "reason", "detail")
    return {name: problem.get(name) for name in named}


def test_there_is_a_case_for_every_rpc_and_no_other() -> None:
    unary = [rpc.name for service in SERVICES for rpc in service.methods if rpc.name not in STREAMS]
    assert sorted(ALL_CASES) == sorted(unary)


@pytest.mark.parametrize("name", METHODS)
async def test_the_same_call_gives_the_same_message(name: str) -> None:
    method = METHODS[name]
    told = await by_grpc(method, ALL_CASES[name].served)
    assert isinstance(told, method.response), told
    assert message_in(method, await by_http(method, ALL_CASES[name].served)) == told


@pytest.mark.parametrize("name", METHODS)
async def test_the_same_call_gives_the_same_refusal(name: str) -> None:
    method, case = METHODS[name], ALL_CASES[name]
    told = await by_grpc(method, case.refused)
    assert isinstance(told, Refused), told
    assert told.reason == case.reason
    assert said_by_http(await by_http(method, case.refused)) == said_by_grpc(told)


@pytest.mark.parametrize("name", METHODS)
async def test_who_may_not_is_refused_by_both_before_anything_else(name: str) -> None:
    method, nobody = METHODS[name], Actor(id="nobody")
    told = await by_grpc(method, ALL_CASES[name].refused, actor=nobody)
    assert isinstance(told, Refused)
    assert (told.reason, told.about) == ("FORBIDDEN", {"permission": method.permission})
    assert said_by_http(await by_http(method, ALL_CASES[name].refused, actor=nobody)) == said_by_grpc(told)
