"""The tree of routes against the plain way, which tries every template; and what hostile paths cost it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from types import FrameType
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.gateway.router import ANY_METHOD, BadPath, Found, NotFound, Router, RouteTaken
from server.gateway.templates import MANY, ONE, Template, parse_template

METHODS = ("GET", "POST", ANY_METHOD)
SEGMENTS = st.sampled_from(["a", "b", "cc", ONE])
TAILS = st.lists(st.sampled_from(["a", "b"]), max_size=2)
PATHS = st.lists(st.sampled_from(["a", "b", "cc", "d", "", "%61", "a:go", "b:stay", "a%3Ago", "x:other"]), max_size=6)


@st.composite
def templates(draw: st.DrawFn) -> Template:
    segments = draw(st.lists(SEGMENTS, max_size=4))
    if draw(st.booleans()):
        segments += [MANY, *draw(TAILS)]
    verb = draw(st.sampled_from(["", "", ":go", ":stay"])) if segments else ""
    return parse_template(f"/{'/'.join(segments)}{verb}")


def router_with(*routes: tuple[str, str]) -> Router[str]:
    router: Router[str] = Router()
    for method, text in routes:
        router.add(method, parse_template(text), f"{method} {text}")
    return router


def target(router: Router[str], method: str, path: str) -> str | frozenset[str]:
    found = router.find(method, path)
    return found.target if isinstance(found, Found) else found.allowed


def plainly(routes: Sequence[tuple[str, Template]], method: str, path: str) -> tuple[str, Template] | frozenset[str]:
    """The best route by trying every template; the methods that the path has when none is of this one."""
    segments = path.split("/")[1:]
    if segments and segments[-1] == "":
        segments.pop()
    verb, verbs = "", {template.verb for _, template in routes} - {""}
    if segments and segments[-1].rpartition(":")[2] in verbs and ":" in segments[-1]:
        segments[-1], _, verb = segments[-1].rpartition(":")
    decoded = [unquote(segment) for segment in segments]
    fitting = [(m, t) for m, t in routes if t.verb == verb and matches(t.segments, decoded)]
    mine = [(m, t) for m, t in fitting if m in {method, ANY_METHOD}]
    if mine:
        return min(mine, key=lambda route: (rank(route[1]), route[0] == ANY_METHOD))
    return frozenset(m for m, _ in fitting)


def matches(segments: Sequence[str], path: Sequence[str]) -> bool:
    if not segments:
        return not path
    if segments[0] == MANY:
        return any(matches(segments[1:], path[at:]) for at in range(len(path) + 1))
    return (
        bool(path)
        and (segments[0] == path[0] != "" or (segments[0] == ONE and path[0] != ""))
        and matches(segments[1:], path[1:])
    )


def rank(template: Template) -> list[tuple[int, int]]:
    """Compares as precedence says, from the left: a literal, `*`, the end, `**` with the most literals behind it."""
    ranks: list[tuple[int, int]] = []
    for at, segment in enumerate(template.segments):
        if segment == MANY:
            return [*ranks, (3, -len(template.segments[at + 1 :]))]
        ranks.append((1, 0) if segment == ONE else (0, 0))
    return [*ranks, (2, 0)]


@given(st.lists(st.tuples(st.sampled_from(METHODS), templates()), max_size=12), PATHS, st.booleans())
@settings(max_examples=300, deadline=None)
def test_it_finds_what_trying_every_template_finds(
    drawn: list[tuple[str, Template]], pieces: list[str], slash: bool
) -> None:
    unique = {(method, template.segments, template.verb): (method, template) for method, template in drawn}
    routes = list(unique.values())
    router: Router[tuple[str, Template]] = Router()
    for method, template in routes:
        router.add(method, template, (method, template))
    path = "/" + "/".join(pieces) + ("/" if slash and pieces else "")
    for method in ("GET", "POST", "PUT"):
        found = router.find(method, path)
        expected = plainly(routes, method, path)
        if isinstance(found, Found):
            assert found.target == expected
        else:
            assert found.allowed == expected


def test_two_routes_of_one_shape_are_refused_whatever_their_variables_are_called() -> None:
    router = router_with(("GET", "/v1/{a}"))
    with pytest.raises(RouteTaken):
        router.add("GET", parse_template("/v1/{other=*}"), "again")
    router.add("POST", parse_template("/v1/{a}"), "another method is another route")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/budgets/mine", "GET /v1/budgets/mine"),
        ("/v1/budgets/mine/", "GET /v1/budgets/mine"),
        ("/v1/budgets/%6Dine", "GET /v1/budgets/mine"),
        ("/v1/budgets/7", "GET /v1/budgets/{id}"),
        ("/v1/budgets/mine:send", "GET /v1/budgets/{id}:send"),
        ("/v1/budgets/7:other", "GET /v1/budgets/{id}"),
        ("/v1/budgets/7%3Asend", "GET /v1/budgets/{id}"),
        ("/v1/budgets/7/8", "GET /v1/{rest=**}"),
        ("/v1/budgets/7/end", "GET /v1/**/end"),
        ("/v1/far/away/end", "GET /v1/**/end"),
        ("/v1/very/far/the/end", "GET /v1/**/the/end"),
        ("/v1", "GET /v1/{rest=**}"),
        ("/v1//budgets", "GET /v1/{rest=**}"),
    ],
)
def test_the_most_exact_route_is_taken(path: str, expected: str) -> None:
    router = router_with(
        ("GET", "/v1/{rest=**}"),
        ("GET", "/v1/**/end"),
        ("GET", "/v1/**/the/end"),
        ("GET", "/v1/budgets/{id}:send"),
        ("GET", "/v1/budgets/{id}"),
        ("GET", "/v1/budgets/mine"),
    )
    assert target(router, "GET", path) == expected


def test_a_method_that_a_path_lacks_is_told_from_a_path_that_is_unknown() -> None:
    router = router_with(("GET", "/v1/{id}"), ("POST", "/v1/mine"), ("*", "/any"))
    assert target(router, "DELETE", "/v1/mine") == frozenset({"GET", "POST"})
    assert target(router, "GET", "/v1/mine") == "GET /v1/{id}"
    assert target(router, "BREW", "/any") == "* /any"
    assert router.find("GET", "/v2") == NotFound(frozenset())
    assert router.find("GET", "/v1/a/b") == NotFound(frozenset())
    assert router.find("GET", "/v1//") == NotFound(frozenset())


@pytest.mark.parametrize("path", ["/%", "/%4", "/é", "/a/%zz", "/%C3", "/%ED%A0%80", "/%FF/x"])
def test_an_escape_that_is_none_is_a_bad_path(path: str) -> None:
    with pytest.raises(BadPath):
        router_with(("GET", "/{a=**}")).find("GET", path)


def steps_of(call: Callable[[], Any]) -> int:
    """How many lines of the gateway run during a call: a clock would measure the machine."""
    steps = 0

    def count(frame: FrameType, event: str, _: object) -> Any:
        nonlocal steps
        if not frame.f_code.co_filename.endswith(("router.py", "templates.py")):
            return None
        steps += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        call()
    finally:
        sys.settrace(before)
    return steps


def crowded(routes: int) -> Router[str]:
    """So many routes beside each other."""
    texts = (f"/v1/things{number}/{{id}}/parts/{{part}}" for number in range(routes))
    return router_with(*(("GET", text) for text in texts))


def test_a_look_up_costs_the_same_among_thousands_of_routes_as_among_ten() -> None:
    few, many = crowded(10), crowded(5000)
    for path in ("/v1/things7/1/parts/2", "/v1/things7/1/parts", "/v1/none", "/"):
        assert steps_of(lambda: many.find("GET", path)) == steps_of(lambda: few.find("GET", path))  # noqa: B023
    assert target(many, "GET", "/v1/things4999/1/parts/2/") == "GET /v1/things4999/{id}/parts/{part}"


def branching(depth: int) -> Iterable[tuple[str, str]]:
    """Templates where each segment of a path fits a literal and a wildcard, and none fits to the end."""
    for at in range(depth):
        yield "GET", f"/{'a/' * at}*/{'a/' * (depth - at)}end"


HOSTILE = {
    "16 KiB of slashes": "/" * 16_384,
    "thousands of segments": "/a" * 8000,
    "thousands of escapes": "/" + "%61" * 5000,
    "thousands of verbs": "/a" + ":go" * 5000,
    "a deep way that ends nowhere": "/a" * 12,
    "a deep way with an end": "/a" * 8000 + "/end",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_path_costs_no_more_than_its_length_and_the_tree(name: str) -> None:
    path = HOSTILE[name]
    router = router_with(*branching(11), ("GET", "/{rest=**}/end"), ("GET", "/{a}:go"), ("GET", "/{rest=**}/a/end"))
    segments = path.count("/")
    assert steps_of(lambda: router.find("GET", path)) < 40 * (segments + 200)
