"""Our transcoder against facts from the test suites of others: what all agree on, and what we chose elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final
from urllib.parse import unquote

import grpc
import pytest

from server.gateway.problems import PROBLEM_TYPE
from server.gateway.router import Found, Router
from server.gateway.templates import TemplateError, Variable, parse_template
from server.rpc.errors import HTTP
from tests.support.lab import Refused, Servant, doors, services
from tests.support.raw_http import Answer, send
from tests.support.transcoding_cases import Case, cases, expected, played

SENT: Final = ("transcode", "param", "httpbody", "stream", "error", "patch_mask")
"""The kinds whose request a client sends."""

NOT_OURS: Final = {
    "client_expand": "a client makes a URL of a message; we are a server, and ship no client that speaks HTTP",
}
POLICIES: Final = {
    "T015": "accepted, as Envoy does: literals may follow **, wildcards may not",
    "T067": "found, as http.proto says: ** stands for no segment too",
    "T071": "no route, as vanguard: an empty verb is nobody's, and `verb:` is another segment than `verb`",
    "T079": "400: what belongs to the body is not taken from the query, not even in part",
    "T081": "400: as T079",
    "T097": "400: an unknown parameter is refused",
    "T133": "400: there is no way through a repeated field",
    "T141": "400: as T079, where grpc-gateway drops the parameter unseen",
}
"""Our answer where the others differ; each has its test below."""

Play = Callable[[Case], Awaitable[Answer]]


@pytest.fixture
def servant() -> Servant:
    return Servant()


@pytest.fixture
async def play(servant: Servant) -> AsyncIterator[Play]:
    async with doors(servant, services().values()) as ports:

        async def played_at(case: Case) -> Answer:
            one = played(case)
            servant.refusal = one.refusal
            return await send(ports[one.service], one.method, one.target, headers=one.headers, body=one.body)

        yield played_at


def agreed(*kinds: str) -> list[Any]:
    return [pytest.param(case, id=case.id) for case in cases(*kinds) if case.agreed]


def case_of(name: str) -> Case:
    (case,) = (one for one in cases() if one.id == name)
    return case


@pytest.mark.parametrize("case", agreed("template_reject"))
def test_a_template_that_http_proto_does_not_allow_is_refused(case: Case) -> None:
    with pytest.raises(TemplateError):
        parse_template(case.rule["template"])


@pytest.mark.parametrize("case", agreed("template_parse"))
def test_a_template_is_taken_apart(case: Case) -> None:
    template = parse_template(case.rule["template"])
    assert list(template.segments) == case.expect["segments"]
    assert template.verb == case.expect["verb"]
    ranges = {one.field_path: [one.start, one.end] for one in template.variables}
    assert ranges == case.expect["variables_start_end"]


@pytest.mark.parametrize("case", agreed("route"))
def test_a_path_finds_its_route(case: Case) -> None:
    match, bindings = routed(case)
    assert match == case.expect["match"]
    assert bindings == case.expect.get("bindings", {})


@pytest.mark.parametrize("case", agreed("transcode", "httpbody", "param", "stream"))
async def test_a_request_becomes_the_message_that_all_expect(case: Case, play: Play, servant: Servant) -> None:
    answer = await play(case)
    if case.expect.get("http_status", 200) != 200:
        assert_is_problem(answer, case.expect["http_status"])
    elif "message" in case.expect or "json" in case.expect:
        ((_, received),) = servant.received
        assert received == expected(case, received)
        assert answer.status == 200
    if case.expect.get("response") == {}:
        assert answer.json == {}
    if "raw_body" in case.expect:
        assert (answer.headers["content-type"], answer.body.decode()) == (
            case.expect["content_type"],
            case.expect["raw_body"],
        )


async def test_bytes_that_end_in_a_refusal_are_seen_to_be_cut(play: Play, servant: Servant) -> None:
    servant.cut = Refused(5, "gone")
    answer = await play(case_of("T091"))
    assert (answer.body.decode(), answer.complete) == (case_of("T091").expect["raw_body"], False)


@pytest.mark.parametrize("case", agreed("error"))
async def test_a_request_that_all_refuse_is_refused(case: Case, play: Play, servant: Servant) -> None:
    answer = await play(case)
    assert_is_problem(answer, case.expect["http_status"])
    header = case.expect.get("response_header_present")
    assert header is None or header.lower() in answer.headers
    assert bool(servant.received) == (servant.refusal is not None)


@pytest.mark.parametrize("case", agreed("patch_mask"))
async def test_a_patch_without_a_mask_changes_what_its_body_gives(case: Case, play: Play, servant: Servant) -> None:
    named = case.request["body"].get("uuid")
    if named:  # the path must name the same one here: another is a conflict, and refused
        case.request["path"] = case.request["path"].rpartition("/")[0] + f"/{named}"
    assert (await play(case)).status == 200
    received: Any = servant.received[0][1]
    assert sorted(received.update_mask.paths) == sorted(case.expect["mask_paths_any_order"])


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in cases("status_map")])
def test_a_code_of_grpc_has_the_status_that_all_give_it(case: Case) -> None:
    codes = {code.value[0]: code for code in grpc.StatusCode}
    assert HTTP[codes[case.request["grpc_code"]]] == case.expect["http_status"]


def test_literals_may_follow_two_stars() -> None:
    assert parse_template(case_of("T015").rule["template"]).segments == ("foo", "**", "bar")


def test_two_stars_stand_for_no_segment_too() -> None:
    match, bindings = routed(case_of("T067"))
    assert match == "/foo/bar/*/{thing.id}/{cat=**}"
    assert bindings == {"thing.id": "123", "cat": ""}


def test_an_empty_verb_finds_nothing() -> None:
    assert routed(case_of("T071"))[0] is None


@pytest.mark.parametrize("name", ["T079", "T081", "T097", "T133", "T141"])
async def test_what_others_take_or_drop_in_a_query_is_refused(name: str, play: Play, servant: Servant) -> None:
    assert_is_problem(await play(case_of(name)), 400)
    assert servant.received == []


def test_every_fact_is_played_or_said_not_to_be_ours() -> None:
    done = {*SENT, "template_reject", "template_parse", "route", "status_map"}
    left = {case.id for case in cases() if case.kind not in {*done, *NOT_OURS}}
    assert left == set()
    assert {case.id for case in cases(*NOT_OURS)} == {"T177", "T179"}
    differing = {case.id for case in cases(*done) if not case.agreed and case.kind != "status_map"}
    assert differing == set(POLICIES)


def routed(case: Case) -> tuple[str | None, dict[str, str]]:
    """The template that a case's path finds among its templates, which are all GET, and what its variables take."""
    router: Router[str] = Router()
    for text in case.rule["templates"]:
        router.add("GET", parse_template(text), text)
    found = router.find(case.request["method"], case.request["path"])
    if not isinstance(found, Found):
        return None, {}
    parts = found.template.variable_parts(found.segments)
    return found.target, {variable.field_path: _decoded(variable, "/".join(taken)) for variable, taken in parts}


def _decoded(variable: Variable, taken: str) -> str:
    return unquote(taken.replace("%2F", "%252F") if variable.several else taken)


def assert_is_problem(answer: Answer, status: int) -> None:
    """Refused, in our own form: the others answer google.rpc.Status, we RFC 9457."""
    assert answer.status == status, answer
    assert answer.headers["content-type"] == PROBLEM_TYPE
    assert answer.json["status"] == status
