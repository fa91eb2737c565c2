"""Our HTTP door beside Envoy's transcoder, the same requests to the same servant: nothing differs that is not listed.

Compared are status, message that reached the servant, and answer where it is 200; what is listed has its own beside it.
Not compared is how a refusal is written: ours is RFC 9457, Envoy's a line of text or google.rpc.Status.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from google.protobuf import json_format

from tests.support.envoy import Envoy
from tests.support.lab import Servant, Upstream, doors, image, services
from tests.support.lab.outcome import Outcome
from tests.support.lab.request import Request
from tests.support.lab.requests import requests
from tests.support.lab.verdicts import DIFFERENCES
from tests.support.raw_http import Answer, send
from tests.support.transcoding_cases import cases, played

UNKNOWN_TO_ENVOY: Final = {"Checkouts": "a response_body that is no HttpBody, which Envoy refuses to register"}
SENT: Final = ("transcode", "param", "httpbody", "stream", "error", "patch_mask")


def every_request() -> list[Request]:
    facts = []
    for case in cases(*SENT):
        one = played(case)
        if one.service not in UNKNOWN_TO_ENVOY:
            facts.append(
                Request(f"fact: {case.id}", one.service, one.method, one.target, one.headers, one.body, one.refusal)
            )
    return [*facts, *requests()]


Pair = tuple[Outcome, Outcome]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Pair]:
    """Ours and Envoy's, by the request's name."""
    return asyncio.run(_play(tmp_path_factory.mktemp("envoy")))


@pytest.mark.parametrize("name", [request.name for request in every_request()])
def test_a_request_has_envoys_outcome_or_a_listed_one(name: str, outcomes: Mapping[str, Pair]) -> None:
    ours, theirs = outcomes[name]
    listed = DIFFERENCES.get(name)
    if listed is None:
        assert ours == theirs
    else:
        assert ours == listed.ours, listed.reason
        assert theirs != ours, f"listed as different ({listed.reason}), and is not: take it off the list"


def test_every_listed_difference_is_of_a_request_and_every_name_is_one() -> None:
    names = [request.name for request in every_request()]
    assert len(set(names)) == len(names)
    assert set(DIFFERENCES) <= set(names)


async def _play(folder: Path) -> dict[str, Pair]:
    servant = Servant()
    known = {name: service for name, service in services().items() if name not in UNKNOWN_TO_ENVOY}
    listeners = {name: [service.full_name] for name, service in known.items()}
    async with doors(servant, known.values()) as ours, Upstream(servant, known.values()) as upstream:
        with Envoy(folder, upstream=upstream.port, descriptors=image(), services=listeners) as envoy:
            return {
                request.name: (
                    await _outcome(servant, ours[request.service], request),
                    await _outcome(servant, envoy.ports[request.service], request),
                )
                for request in every_request()
            }


async def _outcome(servant: Servant, port: int, request: Request) -> Outcome:
    servant.received.clear()
    servant.refusal = request.refusal
    answer = await send(port, request.method, request.target, headers=request.headers, body=request.body)
    received = [json_format.MessageToDict(message) for _, message in servant.received]
    return Outcome(answer.status, received[0] if received else None, _shown(answer))


def _shown(answer: Answer) -> Any:
    if answer.status != 200:
        return None
    content_type = answer.headers.get("content-type", "")
    return answer.json if content_type == "application/json" else (content_type, answer.body)
