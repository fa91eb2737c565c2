"""Every event's contract against the fact it is made of: the same members of the same types, published alike."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, get_args, get_origin, get_type_hints
from uuid import UUID

import pytest
from google.protobuf.descriptor import FieldDescriptor

from acerto.events.v1 import options_pb2, work_order_events_pb2
from domain.billing.events import BillingFact
from domain.events import Fact
from messaging.codec import contract_of, contracts, encode_json, encode_protobuf, must_be_read
from messaging.topology import OWN_EXCHANGE, PARTNER_KEYS
from tests.support.golden import BUDGET, STAMP

UNBOUND = {
    "BudgetCanceled",
    "BudgetSent",
    "BudgetExpired",
    "PaymentDisputed",
    "PaymentDisputeWon",
    "PaymentReversalFailed",
    "ClaimSubmitted",
    "ClaimAdjudicated",
    "ClaimCanceled",
    "InvoiceCreated",
    "InvoiceSettled",
    "InvoiceSettlementReversed",
}
"""The events whose keys nobody must bind: those with a `*` in billing.md A, and all of health.md A."""

WRITTEN_AS: dict[int, set[type]] = {
    FieldDescriptor.TYPE_STRING: {str, UUID, date},
    FieldDescriptor.TYPE_BOOL: {bool},
    FieldDescriptor.TYPE_INT32: {int},
    FieldDescriptor.TYPE_INT64: {int},
    FieldDescriptor.TYPE_ENUM: {int},
}
"""The types that a fact may have where its contract has this one."""
TIMESTAMP = "google.protobuf.Timestamp"


def facts(of: type[Fact] = Fact) -> Iterator[type[Fact]]:
    """Every fact that product code defines: those that nothing is made from, without the shadows that slots leave."""
    for subclass in of.__subclasses__():
        if not subclass.__subclasses__() and vars(sys.modules[subclass.__module__]).get(subclass.__name__) is subclass:
            yield subclass
        yield from facts(subclass)


def parts() -> Iterator[tuple[Any, type]]:
    """Every message of a contract, those inside of it too, each with the class that it tells of."""
    known = {fact.__name__: fact for fact in facts()}
    for name, contract in contracts().items():
        yield contract.message.DESCRIPTOR, known[name]
        for field in contract.message.DESCRIPTOR.fields:
            if is_nested(field):
                (kind,) = kinds_of(known[name], field.name)
                yield field.message_type, kind


def by_name(each: object) -> str:
    return each.__name__ if isinstance(each, type) else ""


def is_nested(field: Any) -> bool:
    return field.message_type is not None and field.message_type.full_name != TIMESTAMP


def hint_of(kind: type, name: str) -> Any:
    """What type a member has, a property's too."""
    found = getattr(kind, name, None)
    return get_type_hints(found.fget)["return"] if isinstance(found, property) else get_type_hints(kind)[name]


def kinds_of(kind: type, name: str) -> set[type]:
    """The types that one value of a member may have."""
    hint = hint_of(kind, name)
    found = get_args(hint)[:1] if get_origin(hint) is tuple else get_args(hint) or (hint,)
    return {each for each in found if each is not type(None)}


def told(kind: type) -> set[str]:
    """What a class has to tell, beyond what every fact has."""
    own = {field.name for field in fields(Fact)}
    counted = {name for name in dir(kind) if isinstance(getattr(kind, name), property)} - {"key", "os_id"}
    return ({field.name for field in fields(kind)} | counted) - own


def test_every_fact_has_a_contract_and_every_contract_a_fact() -> None:
    assert {fact.__name__ for fact in facts()} == contracts().keys()


@pytest.mark.parametrize(("message", "kind"), list(parts()), ids=by_name)
def test_a_contract_has_its_facts_very_fields(message: Any, kind: type) -> None:
    assert message.name == kind.__name__
    assert {field.name for field in message.fields} == told(kind)


@pytest.mark.parametrize(("message", "kind"), list(parts()), ids=by_name)
def test_a_field_is_of_its_facts_type_and_optional_exactly_when_the_fact_may_not_know(message: Any, kind: type) -> None:
    for field in message.fields:
        hint, kinds = hint_of(kind, field.name), kinds_of(kind, field.name)
        assert field.is_repeated == (get_origin(hint) is tuple)
        if is_nested(field):
            continue
        if field.message_type is not None:
            assert kinds == {datetime}
            continue
        number = field.GetOptions().Extensions[options_pb2.number]
        assert field.has_presence == (type(None) in get_args(hint))
        exact = {Decimal} if number and field.type == FieldDescriptor.TYPE_STRING else WRITTEN_AS[field.type]
        assert kinds <= exact


def test_no_contract_has_a_floating_point_field() -> None:
    floating = {FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT}
    incoming = work_order_events_pb2.DESCRIPTOR.message_types_by_name.values()
    for message in (*incoming, *(message for message, _ in parts())):
        assert not [field.full_name for field in message.fields if field.type in floating]


def test_a_number_is_made_of_centavos_or_of_a_decimal_and_of_nothing_else() -> None:
    numbers = [
        (field.full_name, field.type)
        for message, _ in parts()
        for field in message.fields
        if field.GetOptions().Extensions[options_pb2.number]
    ]
    assert numbers
    for name, kind in numbers:
        assert kind == (FieldDescriptor.TYPE_INT64 if name.endswith("_cents") else FieldDescriptor.TYPE_STRING)


def test_a_fact_without_a_contract_cannot_be_encoded() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class BudgetMisplaced(BillingFact):
        source: ClassVar[str] = "acerto/billing"

    fact = BudgetMisplaced(aggregate_id=BUDGET, aggregate_version=1, os_id=BUDGET)
    for encode in (encode_json, encode_protobuf):
        with pytest.raises(LookupError, match="BudgetMisplaced"):
            encode(fact, STAMP)


def test_exactly_the_keys_that_partners_bind_must_be_read() -> None:
    assert {name for name, contract in contracts().items() if not contract.must_be_read} == UNBOUND
    assert {contract.routing_key for contract in contracts().values() if contract.must_be_read} == set(PARTNER_KEYS)
    for contract in contracts().values():
        assert contract.exchange == OWN_EXCHANGE
        assert contract.must_be_read == (contract.routing_key in PARTNER_KEYS)
        assert must_be_read(contract.exchange, contract.routing_key) == contract.must_be_read
        assert not must_be_read(contract.exchange, f"{contract.routing_key}.pb")
    assert must_be_read(OWN_EXCHANGE, "nobody-knows")


def test_a_routing_key_is_the_events_name_in_lower_case_with_hyphens() -> None:
    for name, contract in contracts().items():
        assert contract.routing_key.replace("-", "") == name.lower()
        assert contract.routing_key.count("-") == sum(letter.isupper() for letter in name) - 1
        assert contract_of(name).version == 1
