"""The whole OpenAPI document: the contracts' operations beside the other routes, and what all of them share."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from protos.compiler import PROTOS
from protos.openapi import other_routes, shared
from protos.openapi.contracts import Contracts, contracts_in
from protos.openapi.examples import FILE, examples_in
from protos.openapi.operations import Operations, operation_ids
from protos.openapi.reasons import reasons_of
from protos.openapi.schemas import Schemas
from server.gateway.problems import PROBLEM_TYPE, title_of

Json = dict[str, Any]

_PROJECT: Final = PROTOS.parent / "pyproject.toml"
_SHARED_BY: Final = 2
"""From how many operations on a response is a component."""
_GUIDE: Final = """\
JSON over HTTP/1.1, from the same contracts as gRPC.

- Names are lowerCamelCase; the contracts' own spelling is taken too. 64-bit integers are strings, instants RFC 3339 \
texts, enums names. An answer has every field, also those that are empty; one that can be absent (a message, an \
optional value) is left out while it is. A field that there is not, or that is given twice, is refused.
- Every refusal is `application/problem+json`; programs decide by its `reason`.
- A call that changes something is safe to repeat with an `Idempotency-Key`.
- A resource's `etag` comes as `ETag` too: send it as `If-Match` to change only what you read, as `If-None-Match` to \
read only what changed.
- Lists come a page at a time: send `nextPageToken` as `pageToken`, with the same filters, until it is empty.
- `X-Request-Timeout` (seconds) or `Grpc-Timeout` (`10S`, `250m`) is the deadline. `traceparent` and `tracestate` are \
handed on, and `Grpc-Metadata-<name>` is metadata of that name.
- Each GET answers HEAD, and each path OPTIONS. Answers of 1 KiB and more are compressed when `Accept-Encoding` has \
`gzip`. A body has at most 4 MiB, a target 16 KiB, all headers 32 KiB."""


def openapi(folder: Path = PROTOS, examples: Path = FILE) -> Json:
    """The document for the contracts of a folder. Raises ContractError for what cannot be said."""
    contracts = contracts_in(folder)
    schemas = Schemas(contracts.comments, (method.descriptor.output_type for method in contracts.methods))
    found = examples_in(examples)
    problem = schemas.add("Problem", shared.PROBLEM | {"examples": [found.of("Problem")]})
    paths = other_routes.other_paths()
    operations = Operations(contracts, schemas, reasons_of(contracts), problem, found)
    for rule, operation_id in operation_ids(contracts.rules):
        path, operation = operations.of(rule, operation_id)
        paths.setdefault(path, {})[rule.http_method.lower()] = operation
    for name, schema in other_routes.COMPONENTS.items():
        schemas.add(name, schema)
    return {
        "openapi": "3.1.0",
        "info": _info(),
        "servers": [{"url": "/", "description": "Where this document comes from."}],
        "security": [{"bearer": []}],
        "tags": [*_tags(contracts), *other_routes.TAGS],
        "paths": {path: dict(sorted(item.items())) for path, item in sorted(paths.items())},
        "components": {
            "schemas": dict(sorted(schemas.components.items())),
            "responses": _shared_responses(paths),
            "parameters": shared.PARAMETERS,
            "headers": shared.HEADERS,
            "securitySchemes": {"bearer": _BEARER},
        },
    }


def openapi_json(folder: Path = PROTOS, examples: Path = FILE) -> bytes:
    """The document as its file has it."""
    return (json.dumps(openapi(folder, examples), ensure_ascii=False, indent=2) + "\n").encode()


_BEARER: Final = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "A token of the installation's issuer. It may be left out in development (`ACERTO_ENV`).",
}


def _info() -> Json:
    project = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]
    return {
        "title": "Acerto",
        "summary": f"{project['description']}.",
        "description": _GUIDE,
        "license": {"name": "Apache License 2.0", "identifier": project["license"]},
        "version": project["version"],
    }


def _tags(contracts: Contracts) -> Iterable[Json]:
    for service in contracts.services:
        yield {"name": service.name, "description": contracts.comments.of(service.full_name)}


def _shared_responses(paths: Mapping[str, Json]) -> Json:
    """The most common refusal of each status, out of the operations and into components."""
    places: dict[tuple[str, str], list[Json]] = {}
    for responses, status, response in _refusals(paths):
        places.setdefault((status, json.dumps(response)), []).append(responses)
    shared_: Json = {}
    for (status, text), holders in sorted(places.items(), key=lambda one: (one[0][0], -len(one[1]), one[0][1])):
        name = _response_name(int(status))
        if name in shared_ or len(holders) < _SHARED_BY:
            continue
        shared_[name] = json.loads(text)
        for responses in holders:
            responses[status] = {"$ref": f"#/components/responses/{name}"}
    return dict(sorted(shared_.items()))


def _refusals(paths: Mapping[str, Json]) -> Iterable[tuple[Json, str, Json]]:
    """Each refusal with its status and the responses that it is among."""
    operations = (operation for _, item in sorted(paths.items()) for operation in item.values())
    for responses in (operation["responses"] for operation in operations):
        for status, response in responses.items():
            if PROBLEM_TYPE in response.get("content", {}):
                yield responses, status, response


def _response_name(status: int) -> str:
    return title_of(status).replace(" ", "")
