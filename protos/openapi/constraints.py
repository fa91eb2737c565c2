"""protovalidate's constraints as JSON Schema; what JSON Schema has no word for becomes a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from buf.validate import validate_pb2

Schema = dict[str, Any]

_TEXT: Final[Mapping[str, Callable[[Any], Schema]]] = {
    "const": lambda value: {"const": value},
    "len": lambda value: {"minLength": value, "maxLength": value},
    "min_len": lambda value: {"minLength": value},
    "max_len": lambda value: {"maxLength": value},
    "pattern": lambda value: {"pattern": _ecma(value)} if _ecma(value) else {"x-re2-pattern": value},
    "prefix": lambda value: {"pattern": f"^{_escaped(value)}"},
    "suffix": lambda value: {"pattern": f"{_escaped(value)}$"},
    "contains": lambda value: {"pattern": _escaped(value)},
    "in": lambda values: {"enum": list(values)},
    "not_in": lambda values: {"not": {"enum": list(values)}},
    "email": lambda _: {"format": "email"},
    "hostname": lambda _: {"format": "hostname"},
    "ipv4": lambda _: {"format": "ipv4"},
    "ipv6": lambda _: {"format": "ipv6"},
    "uri": lambda _: {"format": "uri"},
    "uri_ref": lambda _: {"format": "uri-reference"},
    "uuid": lambda _: {"format": "uuid"},
    "tuuid": lambda _: {"pattern": "^[0-9A-Fa-f]{32}$"},
}
_NUMBER: Final[Mapping[str, Callable[[Any], Schema]]] = {
    "const": lambda value: {"const": value},
    "lt": lambda value: {"exclusiveMaximum": value},
    "lte": lambda value: {"maximum": value},
    "gt": lambda value: {"exclusiveMinimum": value},
    "gte": lambda value: {"minimum": value},
    "in": lambda values: {"enum": list(values)},
    "not_in": lambda values: {"not": {"enum": list(values)}},
    "finite": lambda _: {},
}
_LIST: Final[Mapping[str, Callable[[Any], Schema]]] = {
    "min_items": lambda value: {"minItems": value},
    "max_items": lambda value: {"maxItems": value},
    "unique": lambda value: {"uniqueItems": bool(value)},
}
_MAP: Final[Mapping[str, Callable[[Any], Schema]]] = {
    "min_pairs": lambda value: {"minProperties": value},
    "max_pairs": lambda value: {"maxProperties": value},
}
_WRITTEN: Final = {"lt": "Below", "lte": "At most", "gt": "Above", "gte": "At least"}
"""Of integers that JSON writes as text, whose size a schema cannot limit."""
_BOOL: Final[Mapping[str, Callable[[Any], Schema]]] = {"const": lambda value: {"const": value}}
_MASK: Final[Mapping[str, Callable[[Any], Schema]]] = {"in": lambda paths: {"pattern": _mask_of(paths)}}
_SMALL_NUMBERS: Final = ("int32", "sint32", "sfixed32", "uint32", "fixed32", "float", "double")
_WORDS: Final[Mapping[str, Mapping[str, Callable[[Any], Schema]]]] = {
    "string": _TEXT,
    "bool": _BOOL,
    "repeated": _LIST,
    "map": _MAP,
    "field_mask": _MASK,
    **dict.fromkeys(_SMALL_NUMBERS, _NUMBER),
}
_CLASSES: Final = {
    "alpha": "A-Za-z",
    "digit": "0-9",
    "alnum": "A-Za-z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "xdigit": "0-9A-Fa-f",
}
_ABSENT_IN_ECMA: Final = re.compile(r"\(\?[imsU-]+[:)]|\\[QE]|\\p[A-Z]\b|\[\[:")


def constrained(field: FieldDescriptor, rules: Any, schema: Schema) -> tuple[Schema, list[str]]:
    """The schema of a field's value under these FieldRules, and sentences of what it cannot say."""
    if rules.ignore == validate_pb2.IGNORE_ALWAYS:
        return schema, []
    told = [_sentence(rule.message or f"must satisfy `{rule.expression}`") for rule in rules.cel]
    told += [_sentence(f"must satisfy `{expression}`") for expression in rules.cel_expression]
    kind = rules.WhichOneof("type")
    if kind is None:
        return schema, told
    for word, value in getattr(rules, kind).ListFields():
        schema, sentences = _applied(field, kind, word.name, value, schema)
        told += sentences
    return schema, told


def rules_of_field(field: FieldDescriptor) -> Any:
    """The field's FieldRules; empty where it has none."""
    return field.GetOptions().Extensions[validate_pb2.field]


def _applied(field: FieldDescriptor, kind: str, word: str, value: Any, schema: Schema) -> tuple[Schema, list[str]]:
    if kind == "repeated" and word == "items":
        items, told = constrained(field, value, schema["items"])
        return schema | {"items": items}, told
    if kind == "map" and word in {"keys", "values"}:
        place = "propertyNames" if word == "keys" else "additionalProperties"
        inner, told = constrained(field, value, schema.get(place, {}))
        return schema | {place: inner}, told
    if kind == "enum":
        return _with(schema, _of_enum(field, word, value)), []
    if schema.get("format") in {"int64", "uint64"} and word in _WRITTEN:
        unsigned = {"pattern": "^[0-9]+$"} if word in {"gt", "gte"} and value >= 0 else {}
        return schema | unsigned, [f"{_WRITTEN[word]} {value}."]
    translate = _WORDS.get(kind, {}).get(word)
    keywords = translate(value) if translate else None
    if keywords is None:
        return schema, [f"Constraint `{kind}.{word}`: {_shown(value)}."]
    return _with(schema, keywords), []


def _with(schema: Schema, keywords: Schema) -> Schema:
    """Both; a keyword that stands already is a condition more."""
    if schema.keys() & keywords.keys():
        return schema | {"allOf": [*schema.get("allOf", ()), keywords]}
    return schema | keywords


def _of_enum(field: FieldDescriptor, word: str, value: Any) -> Schema:
    """Numbers as the names that JSON has; that only defined values are taken, the list of names says already."""
    if word == "defined_only" or field.enum_type is None:
        return {}
    names = {number: one.name for number, one in field.enum_type.values_by_number.items()}
    if word == "const":
        return {"const": names[value]}
    listed = {"enum": [names[number] for number in value if number in names]}
    return listed if word == "in" else {"not": listed}


def _ecma(text: str) -> str:
    """RE2 in ECMAScript's words; empty where ECMAScript has none."""
    ecma = text.replace(r"\A", "^").replace(r"\z", "$").replace("(?P<", "(?<")
    for name, characters in _CLASSES.items():
        ecma = ecma.replace(f"[:{name}:]", characters)
    return "" if _ABSENT_IN_ECMA.search(ecma) else ecma


def _mask_of(paths: Iterable[str]) -> str:
    one = "|".join(re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), path).replace(".", r"\.") for path in paths)
    return f"^(({one})(,({one}))*)?$"


def _escaped(text: str) -> str:
    return re.sub(r"[\\^$.|?*+()\[\]{}/]", lambda found: "\\" + found[0], text)


def _shown(value: Any) -> str:
    if isinstance(value, Message):
        return str(value).strip().replace("\n", ", ")
    return (
        ", ".join(map(str, value)) if hasattr(value, "__iter__") and not isinstance(value, str | bytes) else str(value)
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
