"""A PATCH without a mask changes what its body gives; one with a mask changes what the mask says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.http import fields_in
from tests.support.workbench import Workbench

JSON = {"content-type": "application/json"}


async def mask(path: str, body: object) -> Any:
    answer = await Workbench().ask("PATCH", path, content=json.dumps(body).encode(), headers=JSON)
    assert answer.status_code == 200, answer.text
    return answer.json().get("updateMask")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"displayName": "x"}, "displayName"),
        ({"display_name": "x", "words": []}, "displayName,words"),
        ({"inner": {"firstText": "x", "inner": {"number": 1}}}, "inner.firstText,inner.inner.number"),
        ({}, None),
    ],
)
async def test_the_mask_is_what_a_resource_gives(body: object, expected: str | None) -> None:
    assert await mask("/v1/resources/a", body) == expected


async def test_a_mask_in_the_query_is_the_mask() -> None:
    body = {"displayName": "x", "words": ["a"]}
    assert await mask("/v1/resources/a?updateMask=displayName", body) == "displayName"
    assert await mask("/v1/resources/a?update_mask=words", body) == "words"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"displayName": "x"}, "displayName"),
        ({"name": "a", "etag": '"1"', "inner": {"number": 1}}, "inner"),
        ({"displayName": None}, "displayName"),
        ({"displayName": "x", "inner": {}, "updateMask": "inner"}, "inner"),
        ({"displayName": "x", "updateMask": None}, "displayName"),
    ],
)
async def test_the_mask_is_what_a_request_gives_but_for_its_own_mask(body: object, expected: str) -> None:
    assert await mask("/v1/amendments/a", body) == expected


async def test_only_a_patch_gets_a_mask_and_only_where_a_body_has_fields() -> None:
    assert (await Workbench().ask("GET", "/v1/amendments/a?displayName=x")).json().get("updateMask") is None
    assert await mask("/v1/tags/a", ["x"]) is None
    assert await mask("/v1/tags/a?updateMask=words", ["x"]) == "words"


async def test_what_is_wrong_with_a_patch_is_named() -> None:
    answer = await Workbench().ask("PATCH", "/v1/resources/a", content=b'{"name": "b", "x": 1}', headers=JSON)
    assert fields_in(answer) == ["resource.x", "resource.name"]
    assert fields_in(await Workbench().ask("PATCH", "/v1/resources/a", content=b"[]", headers=JSON)) == ["resource"]
