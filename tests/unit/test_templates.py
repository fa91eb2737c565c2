"""Path templates as http.proto has them: taken apart or refused, and what each variable takes of a path."""

from __future__ import annotations

import pytest

from server.gateway.templates import MANY, ONE, Template, TemplateError, Variable, parse_template


def taken(text: str, path: str) -> dict[str, str]:
    parts = parse_template(text).variable_parts(path.split("/")[1:])
    return {variable.field_path: "/".join(segments) for variable, segments in parts}


def test_a_template_of_literals_is_its_segments() -> None:
    assert parse_template("/v1/work-orders") == Template("/v1/work-orders", ("v1", "work-orders"), "", ())


def test_the_root_has_no_segments() -> None:
    assert parse_template("/").segments == ()


def test_a_variable_without_a_pattern_is_one_segment() -> None:
    template = parse_template("/v1/{budget.id}")
    assert (template.segments, template.variables) == (("v1", ONE), (Variable("budget.id", 1, 2, several=False),))


def test_a_pattern_is_a_part_of_the_template() -> None:
    template = parse_template("/v1/{name=shelves/*/books/**}/pages:read")
    assert template.segments == ("v1", "shelves", ONE, "books", MANY, "pages")
    assert (template.verb, template.variables) == ("read", (Variable("name", 1, 5, several=True),))


@pytest.mark.parametrize(
    ("text", "several"),
    [("/{a}", False), ("/{a=*}", False), ("/{a=x}", False), ("/{a=**}", True), ("/{a=x/*}", True)],
)
def test_only_a_variable_of_more_than_one_segment_takes_several(text: str, several: bool) -> None:
    (variable,) = parse_template(text).variables
    assert variable.several is several


def test_escapes_in_literals_and_verbs_are_decoded() -> None:
    template = parse_template("/caf%C3%A9:l%69re")
    assert (template.segments, template.verb) == (("café",), "lire")


def test_a_colon_inside_a_pattern_is_no_verb() -> None:
    with pytest.raises(TemplateError):
        parse_template("/v1/{name=a:b}")


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("/v1/{a}/x/{b}", "/v1/1/x/2", {"a": "1", "b": "2"}),
        ("/v1/{name=shelves/*}/books/{id}", "/v1/shelves/1/books/2", {"name": "shelves/1", "id": "2"}),
        ("/v1/{name=**}", "/v1", {"name": ""}),
        ("/v1/{name=**}", "/v1/a/b", {"name": "a/b"}),
        ("/v1/{a}/{name=x/**}/y/{b=z}", "/v1/1/x/2/3/y/z", {"a": "1", "name": "x/2/3", "b": "z"}),
        ("/v1/**/{last=end}", "/v1/a/b/end", {"last": "end"}),
        ("/{name=**}/end", "/a%2Fb/c/end", {"name": "a%2Fb/c"}),
    ],
)
def test_each_variable_takes_its_own_part_of_a_path(text: str, path: str, expected: dict[str, str]) -> None:
    assert taken(text, path) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v1/x",
        "//",
        "/v1/",
        "/v1//x",
        "/v1/{}",
        "/v1/{a",
        "/v1/a}",
        "/v1/{a={b}}",
        "/v1/{a.}",
        "/v1/{.a}",
        "/v1/{1a}",
        "/v1/{a=}",
        "/v1/{a=x//y}",
        "/v1/{a=/x}",
        "/v1/x{a}",
        "/v1/{a}x",
        "/v1/{a}{b}",
        "/v1/x*",
        "/v1/***",
        "/v1/**/*",
        "/v1/**/x/**",
        "/v1/{a=**}/{b}",
        "/v1/{a}/{a}",
        "/v1/x:",
        "/v1/{a}:",
        "/v1/x:*",
        "/v1/a b",
        "/v1/%zz",
        "/v1/é",
        "/v1/x?y",
    ],
)
def test_what_is_no_template_is_refused_by_its_text(text: str) -> None:
    with pytest.raises(TemplateError) as refused:
        parse_template(text)
    assert str(refused.value).startswith(f"{text}: ")
