"""How contracts become an OpenAPI document, on a contract of the tests that has everything once."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from protos.compiler import PROTOS, ContractError
from protos.openapi.document import openapi, openapi_json

LIBRARY = Path(__file__).resolve().parents[1] / "support" / "library.proto"
Json = dict[str, Any]


def contracts(folder: Path, text: str) -> Path:
    """Acerto's contracts with one more."""
    copied = shutil.copytree(PROTOS / "acerto", folder / "acerto")
    (copied / "tests/v1").mkdir(parents=True)
    (copied / "tests/v1/library.proto").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Json:
    folder = contracts(tmp_path_factory.mktemp("contracts"), LIBRARY.read_text(encoding="utf-8"))
    return openapi(folder)


@pytest.fixture
def schemas(document: Json) -> Json:
    found: Json = document["components"]["schemas"]
    return found


def wrong(document: Json, name: str, value: Any) -> bool:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return not Draft202012Validator(schema).is_valid(value)


def a_book(**changes: Any) -> Json:
    book = {"pages": 1, "mainKind": "KIND_NOVEL", "shelf": "A", "email": "reader@example.com", "editions": {"en": 1}}
    return {name: value for name, value in (book | changes).items() if value is not None}


def test_the_document_of_everything_is_valid(document: Json) -> None:
    validate(document)


def test_two_runs_make_the_same_bytes(tmp_path: Path) -> None:
    folder = contracts(tmp_path, LIBRARY.read_text(encoding="utf-8"))
    assert openapi_json(folder) == openapi_json(folder)


def test_a_template_of_several_segments_becomes_a_parameter_for_each_wildcard(document: Json) -> None:
    one = document["paths"]["/v1/shelves/{name_1}/books/{name_2}"]["get"]
    assert [parameter["name"] for parameter in one["parameters"][:2]] == ["name_1", "name_2"]
    many = document["paths"]["/v1/papers/{name}:read"]["get"]
    assert "slashes" in many["parameters"][0]["description"]


def test_additional_bindings_are_numbered_and_every_one_of_an_old_rpc_is_deprecated(document: Json) -> None:
    found = {
        told["operationId"]: told.get("deprecated", False)
        for item in document["paths"].values()
        for told in item.values()
        if "books.get" in told.get("x-acerto-permission", "")
    }
    assert found == {"GetBook": True, "GetBook_2": True, "GetBook_3": True}
    assert "deprecated" not in document["paths"]["/v1/books"]["get"]


def test_the_first_sentence_is_the_summary_and_the_rest_with_the_policy_the_description(document: Json) -> None:
    told = document["paths"]["/v1/books/{name}"]["get"]
    assert told["summary"] == "One book."
    assert told["description"].startswith("There is no other like it. Refusals: ")
    limits = "the caller's workshops and the customer that the caller is"
    assert told["description"].endswith(f"Needs the permission `books.get`, and is limited to {limits}.")
    assert told["x-acerto-limited-by"] == ["workshop", "customer"]


def test_refusals_are_listed_those_of_another_rpc_too(document: Json) -> None:
    answers = document["paths"]["/v1/books/{name}"]["get"]["responses"]
    shared = document["components"]["responses"]
    told = {
        status: shared.get(answers[status].get("$ref", "").rpartition("/")[2], answers[status]) for status in answers
    }
    assert "`BUDGET_NOT_FOUND`" in told["404"]["description"]
    assert "`INVALID_PAGE_TOKEN`" in told["400"]["description"]
    assert "409" not in told


def test_a_query_goes_down_into_messages_and_leaves_out_maps_and_what_never_ends(document: Json) -> None:
    told = document["paths"]["/v1/books"]["get"]
    found = {one["name"]: one for one in told["parameters"] if one.get("in") == "query"}
    assert set(found) == {"kinds", "author.givenName", "writeTime"}
    assert found["kinds"]["explode"] is True
    assert found["kinds"]["schema"]["items"]["not"] == {"enum": ["KIND_UNSPECIFIED"]}
    assert found["writeTime"]["description"] == "Since when, see `author.givenName`."


def test_a_response_body_is_the_field_alone(document: Json) -> None:
    content = document["paths"]["/v1/books"]["get"]["responses"]["200"]["content"]
    schema = content["application/json"]["schema"]
    assert (schema["type"], schema["items"]) == ("array", {"$ref": "#/components/schemas/Book"})


def test_a_stream_is_lines_of_results_or_events_and_has_no_etag(document: Json) -> None:
    told = document["paths"]["/v1/books:watch"]["post"]
    assert told["x-acerto-stream"] is True
    answer = told["responses"]["200"]
    line = answer["content"]["application/x-ndjson"]["schema"]
    assert line["properties"]["result"] == {"$ref": "#/components/schemas/Book"}
    assert {"$ref": "#/components/schemas/Book"} in answer["content"]["text/event-stream"]["schema"]["anyOf"]
    assert "ETag" not in answer["headers"]
    assert "304" not in told["responses"]


def test_the_body_leaves_out_what_the_path_gives(document: Json, schemas: Json) -> None:
    told = document["paths"]["/v1/books/{name}"]["patch"]
    assert told["requestBody"]["required"] is True
    assert told["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/BookInput")
    assert "name" not in schemas["BookInput"]["properties"]
    assert "name" in schemas["Book"]["properties"]
    assert [one["name"] for one in told["parameters"] if one.get("in") == "query"] == ["updateMask", "etag"]


def test_a_condition_can_be_lost_where_the_request_has_an_etag_and_an_answer_kept_where_it_has_one(
    document: Json,
) -> None:
    write, get = document["paths"]["/v1/books/{name}"]["patch"], document["paths"]["/v1/books/{name}"]["get"]
    assert {"$ref": "#/components/parameters/IfMatch"} in write["parameters"]
    assert "412" in write["responses"]
    assert "304" not in write["responses"]
    assert {"$ref": "#/components/parameters/IfNoneMatch"} in get["parameters"]
    assert "304" in get["responses"]
    assert "412" not in get["responses"]


def test_bytes_of_any_type_are_taken_and_answered_as_they_are(document: Json) -> None:
    told = document["paths"]["/v1/books/{name}/cover"]["put"]
    assert told["requestBody"]["content"] == {"*/*": {}}
    assert told["responses"]["201"]["content"] == {"*/*": {}}
    assert "415" not in told["responses"]
    assert "413" in told["responses"]


def test_an_answer_has_the_one_status_of_its_rpc(document: Json) -> None:
    told = document["paths"]["/v1/books/{name}/cover"]["put"]["responses"]
    assert [status for status in told if status < "300"] == ["201"]


def test_an_answer_has_every_field_without_presence_and_no_constraint(schemas: Json) -> None:
    book = schemas["Book"]
    assert {"name", "pages", "letters", "words", "owners", "here"} <= set(book["required"])
    assert not {"weight", "writeTime", "copies", "shelf"} & set(book["required"])
    assert "minLength" not in book["properties"]["name"]
    assert "additionalProperties" not in book


def test_a_request_needs_what_the_constraints_refuse_to_be_without(schemas: Json) -> None:
    assert set(schemas["BookInput"]["required"]) == {"pages", "mainKind", "editions", "email"}


@pytest.mark.parametrize(
    "changes",
    [
        {"unknown": 1},
        {"pages": 0},
        {"pages": 9001},
        {"letters": -1},
        {"letters": "-1"},
        {"weight": 20},
        {"mainKind": "KIND_UNSPECIFIED"},
        {"mainKind": "KIND_POEM"},
        {"editions": {}},
        {"editions": {"eng": 1}},
        {"editions": {"en": 0}},
        {"owners": {"x": {}}},
        {"words": ["a", "a"]},
        {"words": ["a", "b", "c", "d"]},
        {"words": ["1"]},
        {"borrower": {"givenName": "Ada"}},
        {"shelf": None},
        {"readingTime": "3"},
        {"copies": 3},
        {"publishDate": {"month": 13}},
    ],
    ids=str,
)
def test_what_a_constraint_or_the_mapping_refuses_breaks_the_schema(document: Json, changes: Json) -> None:
    assert not wrong(document, "BookInput", a_book())
    assert wrong(document, "BookInput", a_book(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"pages": 9000, "letters": "18", "ink": "18446744073709551615", "weight": 19.9},
        {"readingTime": "3.5s", "writeTime": "2026-11-24T12:00:00Z", "publishDate": {"year": 2026}},
        {"notes": {"a": [1]}, "note": None, "copies": "3", "owners": {"-1": {"teacher": {"teacher": {}}}}},
        {"shelf": None, "borrower": {}},
        {"words": ["a", "b"], "cover": "AAE="},
    ],
    ids=str,
)
def test_what_proto3_writes_keeps_the_schema(document: Json, changes: Json) -> None:
    assert not wrong(document, "BookInput", a_book(**changes))


def test_what_no_schema_can_say_is_said_in_words(schemas: Json) -> None:
    told = schemas["BookInput"]["properties"]
    assert told["email"] == {"type": "string", "format": "email", "description": "To ask. Must be short."}
    assert told["letters"]["description"] == "Large. At least 0."
    assert told["lendTime"]["description"] == "Before now. Constraint `timestamp.lt_now`: True."
    assert told["isbn"]["deprecated"] is True
    assert told["code"]["x-re2-pattern"] == "(?i)^[a-z]*$"
    assert "pattern" not in told["code"]
    assert schemas["Kind"]["description"].endswith("- `KIND_ESSAY`: Thought out.")


def test_a_mask_takes_the_paths_it_may_name_in_the_spelling_of_json(document: Json) -> None:
    told = document["paths"]["/v1/books/{name}"]["patch"]["parameters"]
    mask = next(one for one in told if one.get("name") == "updateMask")
    assert mask["schema"]["pattern"] == "^((pages|mainKind)(,(pages|mainKind))*)?$"


@pytest.mark.parametrize(
    ("written", "instead", "problem"),
    [
        ("Refusals: INVALID_PAGE_TOKEN", "Refusals: INVALID_PAGE_TOKENS", "INVALID_PAGE_TOKENS is no known reason"),
        ("and as FindBooks", "and as FindThings", "refuses as FindThings does, which is no rpc"),
        ("rpc PaintCover", "rpc GetBudget", "have one operation id"),
        ('put: "/v1/books/{name}/cover"', 'custom: {kind: "*" path: "/v1/x/{name}"}', "OpenAPI cannot say"),
    ],
    ids=lambda text: text[:20],
)
def test_what_cannot_be_documented_stops_the_generation(
    tmp_path: Path, written: str, instead: str, problem: str
) -> None:
    text = LIBRARY.read_text(encoding="utf-8")
    assert written in text
    with pytest.raises(ContractError, match=problem):
        openapi(contracts(tmp_path, text.replace(written, instead)))
