"""What a PATCH without a mask means to change: the paths that its body gives."""

from __future__ import annotations

from typing import Any

import pytest

from server.gateway.masks import changed_by, infers_mask
from server.gateway.rules import Rule, rules_of
from server.rpc.methods import methods_of
from tests.support.workbench import service


def rule(name: str, http_method: str = "PATCH") -> Rule:
    methods = methods_of([service()]).values()
    (found,) = (one for one in rules_of(methods) if one.method.name == name and one.http_method == http_method)
    return found


def test_only_a_patch_whose_body_has_fields_gets_a_mask() -> None:
    assert infers_mask(rule("Change"))
    assert infers_mask(rule("Amend"))
    assert not infers_mask(rule("Amend", "GET"))
    assert not infers_mask(rule("Retag"))


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({}, []),
        ({"displayName": "x", "words": []}, ["display_name", "words"]),
        ({"displayName": None}, ["display_name"]),
        ({"inner": {"firstText": "x", "inner": {"number": 1}}}, ["inner.first_text", "inner.inner.number"]),
        ({"inner": {}}, ["inner"]),
        ({"free": {"a": {"bC": 1}, "d": []}}, ["free.a.bC", "free.d"]),
    ],
)
def test_a_body_that_is_the_resource_changes_its_leaves(body: dict[str, Any], paths: list[str]) -> None:
    assert list(changed_by(rule("Change"), {"resource": body})) == paths


def test_a_body_that_is_no_object_changes_nothing() -> None:
    assert changed_by(rule("Change"), {"resource": None}) == ()
    assert changed_by(rule("Change"), {}) == ()


def test_a_body_that_is_the_request_changes_its_own_fields_but_not_what_it_is_called_by() -> None:
    taken = {"name": "a", "etag": '"1"', "inner": {"number": 1}, "displayName": ""}
    assert set(changed_by(rule("Amend"), taken)) == {"display_name", "inner"}
