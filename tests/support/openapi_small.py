"""A small OpenAPI document with one of everything the documentation pages show differently."""

from __future__ import annotations

import json

_ID = {"name": "budgetId", "in": "path", "required": True, "schema": {"type": "string"}}
_BUDGET = {"$ref": "#/components/schemas/Budget"}


def small_openapi() -> bytes:
    """Budgets: listed, made, and read by an old path."""
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": "A small API", "version": "1"},
            "paths": {
                "/v1/budgets": {
                    "get": _operation("ListBudgets", {"type": "array", "items": _BUDGET}),
                    "post": _operation("CreateBudget", _BUDGET)
                    | {"requestBody": {"content": {"application/json": {"schema": _BUDGET}}}},
                },
                "/budgets/{budgetId}": {
                    "get": _operation("OldBudget", _BUDGET) | {"deprecated": True, "parameters": [_ID]}
                },
            },
            "components": {
                "schemas": {"Budget": {"type": "object", "properties": {"budgetId": {"type": "string"}}}},
                "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            },
            "security": [{"bearer": []}],
        }
    ).encode()


def _operation(name: str, schema: object) -> dict[str, object]:
    answer = {"description": "Done.", "content": {"application/json": {"schema": schema}}}
    return {"operationId": name, "summary": f"What {name} does", "tags": ["Budgets"], "responses": {"200": answer}}
