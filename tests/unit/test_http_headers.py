"""HTTP headers as the pipeline's metadata, deadline and conditions: what is believed, made, and refused."""

from __future__ import annotations

from uuid import UUID

import pytest

from server.gateway.headers import Asked, metadata_headers, read_headers
from tests.support.fakes import FakeIds


def asked(*headers: tuple[str, str]) -> Asked:
    return read_headers([(name.encode(), value.encode("latin-1")) for name, value in headers], FakeIds())


def test_ids_that_are_missing_are_made_and_reach_the_pipeline() -> None:
    made = asked()
    assert (made.request_id, made.correlation_id) == (str(UUID(int=1)), str(UUID(int=2)))
    assert made.metadata == {"x-request-id": made.request_id, "correlation-id": made.correlation_id}


@pytest.mark.parametrize("unusable", ["", " ", "two words", "x" * 129, "é", "tab\there"])
def test_ids_that_cannot_be_used_are_made_anew(unusable: str) -> None:
    assert asked(("x-request-id", unusable), ("correlation-id", "mine")).request_id == str(UUID(int=1))
    assert asked(("x-request-id", "mine"), ("correlation-id", unusable)).correlation_id == str(UUID(int=1))


def test_an_id_that_is_sent_twice_is_none() -> None:
    assert asked(("x-request-id", "a"), ("x-request-id", "b")).request_id == str(UUID(int=1))


def test_metadata_of_any_name_is_passed_without_its_prefix() -> None:
    said = asked(("grpc-metadata-tenant", "a"), ("grpc-metadata-key-bin", "/-8"[:1] + "w=="), ("cookie", "b"))
    assert said.metadata["tenant"] == "a"
    assert said.metadata["key-bin"] == b"\xff"
    assert "cookie" not in said.metadata


def test_a_header_of_its_own_beats_the_same_as_metadata() -> None:
    said = asked(("grpc-metadata-authorization", "Bearer a"), ("authorization", "Bearer b"))
    assert said.metadata["authorization"] == "Bearer b"


@pytest.mark.parametrize("text", ["?", "a", "a b", "é", "=", "\xff"])
def test_binary_metadata_that_is_none_is_refused_by_its_header(text: str) -> None:
    problem = asked(("grpc-metadata-key-bin", text)).problem
    assert problem is not None
    assert [violation.field for violation in problem.violations] == ["grpc-metadata-key-bin"]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([("grpc-timeout", "1H")], 3600.0),
        ([("grpc-timeout", "2M")], 120.0),
        ([("grpc-timeout", "3S")], 3.0),
        ([("grpc-timeout", "250m")], 0.25),
        ([("grpc-timeout", "99999999u")], 99.999999),
        ([("grpc-timeout", "1000n")], 0.000001),
        ([("x-request-timeout", "0.5")], 0.5),
        ([("x-request-timeout", "3")], 3.0),
        ([("x-request-timeout", "3"), ("grpc-timeout", "2S")], 2.0),
        ([], None),
    ],
)
def test_the_sooner_deadline_counts(headers: list[tuple[str, str]], seconds: float | None) -> None:
    assert asked(*headers).timeout == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("grpc-timeout", text) for text in ("", "1", "S", "1s", "-1S", "1.5S", "123456789S", "1S, 2S", "²S")),
        *(("x-request-timeout", text) for text in ("", "-1", "1s", "nan", "inf", "1e3", ".5", "1.", "123456789")),
        *(("if-match", text) for text in ("", "3", '"3', '"a", "b"', '"a" x', "**")),
    ],
)
def test_a_deadline_or_condition_that_cannot_be_read_is_a_problem(name: str, text: str) -> None:
    problem = asked((name, text)).problem
    assert problem is not None
    assert [violation.field for violation in problem.violations] == [name]


@pytest.mark.parametrize(
    ("text", "etag"), [('"3"', '"3"'), ('W/"3"', '"3"'), (' "3" ', '"3"'), ("*", None), (" * ", None)]
)
def test_a_condition_is_one_etag_or_any(text: str, etag: str | None) -> None:
    said = asked(("if-match", text))
    assert (said.if_match, said.problem) == (etag, None)


def test_what_a_client_has_already_is_a_set_of_etags() -> None:
    assert asked(("if-none-match", 'W/"1", "2"'), ("if-none-match", '"3"')).if_none_match == {'"1"', '"2"', '"3"'}


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("gzip", True),
        ("br, gzip;q=0.5", True),
        ("GZIP", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip ; Q=0.000, br", False),
        ("br, gzip;q=0.0", False),
        ("gzip;q=0.01", True),
    ],
)
def test_compression_is_for_those_who_ask_for_it(text: str, accepted: bool) -> None:
    assert asked(("accept-encoding", text)).accepts_gzip is accepted


@pytest.mark.parametrize(("text", "length"), [("12", 12), ("x", 0), ("-1", 0), ("", 0), ("9" * 5000, 10**18)])
def test_a_length_is_digits_and_never_breaks_the_reading(text: str, length: int) -> None:
    found = asked(("content-length", text)).content_length
    assert found >= length if length else found == 0


def test_metadata_goes_back_as_headers_but_for_the_ids() -> None:
    assert metadata_headers([("x-request-id", "a"), ("acerto-replayed", "true")]) == [(b"acerto-replayed", b"true")]
