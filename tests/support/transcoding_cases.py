"""The facts of tests/contract/transcoding_cases.json, and how one is played: as a request, and what must come of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from google.api import annotations_pb2, http_pb2
from google.protobuf import json_format
from google.protobuf.message import Message

from tests.support.environment import ROOT
from tests.support.lab import Refused, services

FILE: Final[Path] = ROOT / "tests" / "contract" / "transcoding_cases.json"
AGREED: Final = "all"
_PARAMETERS: Final = "/v1/params"
_UNAUTHORIZED: Final = "/v1/example/echo_unauthorized"


@dataclass(frozen=True)
class Case:
    """One fact. `consensus` is "all" where every transcoder that we know of agrees."""

    id: str
    kind: str
    rule: Any
    request: Any
    expect: Any
    consensus: str

    @property
    def agreed(self) -> bool:
        return self.consensus == AGREED


@dataclass(frozen=True)
class Played:
    """A request to one of the lab's services, and what the servant is told to refuse it with."""

    service: str
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes | None
    refusal: Refused | None = None


@cache
def cases(*kinds: str) -> list[Case]:
    """The facts of these kinds; of all without any."""
    told = json.loads(FILE.read_text(encoding="utf-8"))["cases"]
    fields = ("id", "kind", "rule", "request", "expect", "consensus")
    return [Case(**{name: one[name] for name in fields}) for one in told if not kinds or one["kind"] in kinds]


def played(case: Case) -> Played:
    """A case whose request an HTTP client can send."""
    if case.kind == "param":
        target = f"{_PARAMETERS}?{case.rule['field']}={case.request['query_value'].replace(' ', '%20')}"
        return Played("Values", "GET", target, {}, None)
    request, body = case.request, _body(case)
    headers = dict(request.get("headers", {}))
    if body is not None:
        headers.setdefault("content-type", "application/json")
    return Played(
        service=service_of(case.rule),
        method=request["method"],
        target=request["path"] + (f"?{request['query']}" if request["query"] else ""),
        headers=headers,
        body=body,
        refusal=_refusal(case),
    )


def expected(case: Case, received: Message) -> Message:
    """The message that must have reached the servant, as one of the received one's type."""
    value = case.expect["message"] if "message" in case.expect else {case.rule["field"]: case.expect["json"]}
    return json_format.ParseDict(value, type(received)())


@cache
def _rules() -> dict[str, str]:
    """The services by their rules, as text."""
    found: dict[str, str] = {}
    for service in services().values():
        for rpc in service.methods:
            http: Any = annotations_pb2.http
            rule: http_pb2.HttpRule = rpc.GetOptions().Extensions[http]
            for one in (rule, *rule.additional_bindings):
                found.setdefault(_text(json_format.MessageToDict(one, preserving_proto_field_name=True)), service.name)
    return found


def service_of(rule: Mapping[str, Any]) -> str:
    """The short name of the service that has this rule. Raises KeyError when none has."""
    if "unauthenticated" in str(rule):
        rule = {"get": _UNAUTHORIZED}
    return _rules()[_text(rule)]


def _text(rule: Mapping[str, Any]) -> str:
    return json.dumps({name: rule[name] for name in rule if name != "additional_bindings"}, sort_keys=True)


def _body(case: Case) -> bytes | None:
    """A text is the body itself, anything else is its JSON."""
    body = case.request["body"]
    if body is None:
        return None
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def _refusal(case: Case) -> Refused | None:
    if "grpc_status" in case.expect:
        code, sentence = case.expect["grpc_status"]
        return Refused(code, sentence)
    return Refused(16, "who are you?") if case.expect.get("http_status") == 401 else None
