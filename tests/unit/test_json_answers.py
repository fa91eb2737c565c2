"""What the gateway writes as JSON is what google's json_format writes, for every message of the contracts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from google.api import httpbody_pb2
from google.protobuf import json_format, message_factory, struct_pb2, timestamp_pb2, wrappers_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from acerto.billing.v1 import billing_service_pb2, budget_pb2, compatibility_service_pb2, payment_pb2
from acerto.claims.v1 import compatibility_service_pb2 as old_claims_pb2
from acerto.eligibility.v1 import compatibility_service_pb2 as old_eligibility_pb2
from server.gateway.json_answers import for_people, writer_of

FILES = (billing_service_pb2, compatibility_service_pb2, old_claims_pb2, old_eligibility_pb2)
NULL = struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
WIDTHS = {FieldDescriptor.CPPTYPE_INT32: 31, FieldDescriptor.CPPTYPE_INT64: 63}
UNSIGNED = {FieldDescriptor.CPPTYPE_UINT32: 32, FieldDescriptor.CPPTYPE_UINT64: 64}


def answers() -> Iterator[Descriptor]:
    for file in FILES:
        for service in file.DESCRIPTOR.services_by_name.values():
            yield from (each.output_type for each in service.methods if each.output_type.name != "HttpBody")


def by_library(message: Message) -> Any:
    return json_format.MessageToDict(message, always_print_fields_with_no_presence=True)


def texts() -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def scalars(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    """Values of one field, the odd ones too."""
    if field.enum_type is not None:
        return st.sampled_from([*field.enum_type.values_by_number, 77])
    if field.cpp_type in WIDTHS:
        bound = 2 ** WIDTHS[field.cpp_type]
        return st.integers(-bound, bound - 1)
    if field.cpp_type in UNSIGNED:
        return st.integers(0, 2 ** UNSIGNED[field.cpp_type] - 1)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return st.booleans()
    if field.cpp_type in {FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT}:
        return st.floats(width=32)
    return st.binary(max_size=8) if field.type == FieldDescriptor.TYPE_BYTES else texts()


@st.composite
def messages(draw: st.DrawFn, descriptor: Descriptor) -> Any:
    """A message with any of its fields."""
    if descriptor.full_name == "google.protobuf.Timestamp":
        return timestamp_pb2.Timestamp(seconds=draw(st.integers(-62_135_596_800, 253_402_300_799)))
    if descriptor.full_name == "google.protobuf.Value":
        return struct_pb2.Value(string_value=draw(texts()))
    message: Any = message_factory.GetMessageClass(descriptor)()
    for field in descriptor.fields:
        many = draw(st.integers(0, 2 if field.is_repeated else 1))
        for _ in range(many):
            if field.message_type is not None:
                part = draw(messages(field.message_type))
                into = getattr(message, field.name)
                (into.add() if field.is_repeated else into).CopyFrom(part)
            elif field.is_repeated:
                getattr(message, field.name).append(draw(scalars(field)))
            else:
                setattr(message, field.name, draw(scalars(field)))
    return message


@pytest.mark.parametrize("descriptor", {one.full_name: one for one in answers()}.values(), ids=lambda one: one.name)
@given(source=st.data())
@settings(max_examples=40, deadline=None)
def test_every_answer_of_the_contracts_is_written_as_the_library_writes_it(
    descriptor: Descriptor, source: st.DataObject
) -> None:
    message = source.draw(messages(descriptor))
    assert json.loads(writer_of(descriptor)(message)) == by_library(message)


@pytest.mark.parametrize(
    "message",
    [
        struct_pb2.Struct(
            fields={"a": struct_pb2.Value(number_value=1.5), "b": struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)}
        ),
        struct_pb2.ListValue(values=[struct_pb2.Value(bool_value=True)]),
        wrappers_pb2.Int64Value(value=-1),
        httpbody_pb2.HttpBody(content_type="text/plain", data=b"\x00\xff"),
    ],
    ids=lambda message: message.DESCRIPTOR.name,
)
def test_types_with_rarer_fields_are_the_librarys_to_write(message: Any) -> None:
    assert json.loads(writer_of(message.DESCRIPTOR)(message)) == by_library(message)


def test_the_answers_that_are_asked_for_most_are_written_here() -> None:
    library = writer_of(struct_pb2.Struct.DESCRIPTOR)
    assert library is writer_of(wrappers_pb2.Int64Value.DESCRIPTOR)
    assert library not in {writer_of(budget_pb2.Budget.DESCRIPTOR), writer_of(payment_pb2.Payment.DESCRIPTOR)}


@pytest.mark.parametrize("nanos", [0, 1, 20, 1_000, 20_000, 1_000_000, 20_000_000, 999_999_999])
@pytest.mark.parametrize("seconds", [-62_135_596_800, -1, 0, 1_700_000_000, 253_402_300_799])
def test_an_instant_has_as_many_digits_as_the_library_gives_it(seconds: int, nanos: int) -> None:
    instant = timestamp_pb2.Timestamp(seconds=seconds, nanos=nanos)
    assert json.loads(writer_of(instant.DESCRIPTOR)(instant)) == instant.ToJsonString()


@pytest.mark.parametrize("off", [{"nanos": -1}, {"nanos": 1_000_000_000}, {"seconds": 253_402_300_800}])
def test_what_is_no_instant_is_not_written(off: dict[str, int]) -> None:
    with pytest.raises((ValueError, OverflowError)):
        writer_of(timestamp_pb2.Timestamp.DESCRIPTOR)(timestamp_pb2.Timestamp(**off))


def test_one_field_of_a_message_is_written_alone_and_is_null_where_it_is_not_there() -> None:
    budget = budget_pb2.Budget(description="Óleo", allowed_actions=["SEND"])
    fields = budget.DESCRIPTOR.fields_by_name
    written = {name: writer_of(budget.DESCRIPTOR, fields[name])(budget) for name in ("description", "total", "items")}
    assert written == {"description": '"Óleo"', "total": "null", "items": "[]"}


def test_json_is_one_line_and_utf_8_or_indented_for_people() -> None:
    revision = budget_pb2.Budget(description='ç"\n', allowed_actions=["SEND"])
    text = writer_of(revision.DESCRIPTOR)(revision)
    assert '"description":"ç\\"\\n"' in text
    assert "\n" not in text
    assert json.loads(for_people(text)) == json.loads(text)
    assert for_people(text).count("\n") > 3
