"""The JSON of messages that are not ours, which proto3 gives a shape of their own, in words of our own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Schema = dict[str, Any]

INTEGER_TEXT: Final = r"^-?[0-9]+$"

_WRAPPED: Final[Mapping[str, Schema]] = {
    "Bool": {"type": "boolean"},
    "String": {"type": "string"},
    "Bytes": {"type": "string", "contentEncoding": "base64"},
    "Double": {"type": "number", "format": "double"},
    "Float": {"type": "number", "format": "float"},
    "Int32": {"type": "integer", "format": "int32"},
    "UInt32": {"type": "integer", "minimum": 0},
    "Int64": {"type": "string", "format": "int64", "pattern": INTEGER_TEXT},
    "UInt64": {"type": "string", "format": "uint64", "pattern": r"^[0-9]+$"},
}

INLINE: Final[Mapping[str, Schema]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$"},
    "google.protobuf.FieldMask": {"type": "string"},
    "google.protobuf.Struct": {"type": "object", "additionalProperties": True},
    "google.protobuf.ListValue": {"type": "array", "items": {}},
    "google.protobuf.Value": {},
    "google.protobuf.Empty": {"type": "object"},
    "google.protobuf.Any": {"type": "object", "properties": {"@type": {"type": "string"}}, "required": ["@type"]},
    **{f"google.protobuf.{name}Value": schema for name, schema in _WRAPPED.items()},
}
"""Schemas that stand where they are used."""

_UNITS: Final = {
    "type": "string",
    "format": "int64",
    "pattern": INTEGER_TEXT,
    "description": "Whole units of the currency.",
}
_NANOS: Final = {
    "type": "integer",
    "format": "int32",
    "minimum": -999_999_999,
    "maximum": 999_999_999,
    "description": "The rest in billionths of a unit, with the sign of `units`: 0.50 is 500000000.",
}
_CURRENCY: Final = {
    "type": "string",
    "pattern": "^[A-Z]{3}$",
    "description": "The currency in three capital letters (ISO 4217): `BRL`.",
}

COMPONENTS: Final[Mapping[str, Schema]] = {
    "google.type.Money": {
        "type": "object",
        "description": "An amount of money, exact: `units` plus `nanos` billionths, in one currency.",
        "properties": {"currencyCode": _CURRENCY, "units": _UNITS, "nanos": _NANOS},
    },
    "google.type.Date": {
        "type": "object",
        "description": "A day of the calendar, without a time and a time zone.",
        "properties": {
            "year": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 9999},
            "month": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 12},
            "day": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 31},
        },
    },
}
"""Schemas of messages with fields, which are components."""

NEEDED: Final[Mapping[str, list[str]]] = {"google.type.Money": ["currencyCode"]}
"""What a caller must give of them; an answer always has all of it."""
