"""Fields as paths and queries name them: which names lead somewhere, and which texts are values."""

from __future__ import annotations

from typing import Any

import pytest

from server.gateway.fields import UnknownField, field_path, json_of
from tests.support.workbench import message_type

EVERYTHING: Any = message_type("Everything").DESCRIPTOR


@pytest.mark.parametrize(
    ("text", "spelled", "scalar"),
    [
        ("some_text", "some_text", True),
        ("someText", "some_text", True),
        ("inner.inner.firstText", "inner.inner.first_text", True),
        ("price.currencyCode", "price.currency_code", True),
        ("atTime", "at_time", True),
        ("mask", "mask", True),
        ("wrappedNumber", "wrapped_number", True),
        ("inner", "inner", False),
        ("labels", "labels", False),
        ("free", "free", False),
        ("any", "any", False),
    ],
)
def test_a_path_is_followed_in_either_spelling(text: str, spelled: str, scalar: bool) -> None:
    path = field_path(EVERYTHING, text)
    assert (path.text, path.scalar) == (spelled, scalar)


@pytest.mark.parametrize(
    "text",
    ["", ".", "nothing", "inner.", ".inner", "inner..number", "some_text.x", "words.0", "inners.number", "labels.key"],
)
def test_a_path_that_leads_nowhere_is_refused(text: str) -> None:
    with pytest.raises(UnknownField):
        field_path(EVERYTHING, text)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("flag", "true", True),
        ("wrapped_flag", "false", False),
        ("small", "-1", "-1"),
        ("fine", "NaN", "NaN"),
        ("fine", "1e5", "1e5"),
        ("color", "COLOR_RED", "COLOR_RED"),
        ("color", "1", "1"),
        ("some_text", "", ""),
        ("at_time", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"),
        ("wrapped_text", "null", "null"),
    ],
)
def test_a_text_is_the_value_that_json_would_have(name: str, text: str, value: Any) -> None:
    assert json_of(EVERYTHING.fields_by_name[name], text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("flag", "True"),
        ("flag", "1"),
        ("flag", ""),
        ("small", "1_0"),
        ("small", "+1"),
        ("small", "NaN"),
        ("large_number", "٣"),
        ("fine", "inf"),
        ("color", "red"),
        ("color", "1_0"),
        ("blob", "?"),
        ("wrapped_number", "x"),
    ],
)
def test_a_text_that_is_no_such_value_is_refused(name: str, text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        json_of(EVERYTHING.fields_by_name[name], text)
