"""Any rpc's request as the HTTP request that its own rule asks for: what a careful client would write by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from google.api import annotations_pb2
from google.protobuf import json_format
from google.protobuf.message import Message

from server.rpc.methods import Method

_VARIABLE = re.compile(r"\{([a-z_.]+)(?:=[^}]*)?\}")


@dataclass(frozen=True)
class HttpCall:
    """An HTTP request; `content` is None when it has no body."""

    method: str
    target: str
    content: bytes | None


def http_call(method: Method, request: Message) -> HttpCall:
    """The request by the rpc's first rule."""
    http: Any = annotations_pb2.http
    rule = method.descriptor.GetOptions().Extensions[http]
    kind = rule.WhichOneof("pattern")
    left: Any = json_format.MessageToDict(request)
    path = _VARIABLE.sub(lambda found: quote(str(_taken(left, found[1])), safe=""), getattr(rule, kind))
    content = None
    if rule.body == "*":
        content, left = json.dumps(left).encode(), {}
    elif rule.body:
        content = json.dumps(left.pop(_json_name(rule.body), {})).encode()
    query = urlencode(list(_parameters(left, "")))
    return HttpCall(kind.upper(), f"{path}?{query}" if query else path, content)


def _taken(left: dict[str, Any], path: str) -> Any:
    """What stands at a path, taken out."""
    *holders, leaf = [_json_name(name) for name in path.split(".")]
    for holder in holders:
        left = left.get(holder, {})
    return left.pop(leaf, "")


def _parameters(values: dict[str, Any], at: str) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _parameters(value, f"{at}{name}.")
        else:
            yield from ((at + name, str(one)) for one in (value if isinstance(value, list) else [value]))


def _json_name(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
