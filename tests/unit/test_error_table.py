"""Every refusal has a status in both transports, and a reason that the contracts list."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import grpc
import pytest
from google.rpc import error_details_pb2 as details_pb2

import domain
import server.gateway
import server.rpc
from acerto.billing.v1 import errors_pb2 as billing_errors
from acerto.claims.v1 import errors_pb2 as claims_errors
from acerto.common.v1 import errors_pb2 as common_errors
from acerto.eligibility.v1 import errors_pb2 as eligibility_errors
from domain.errors import DomainError, Kind, Overloaded, Violation
from server.gateway.refusals import DOOR
from server.rpc.errors import OUTSIDE, TABLE, MalformedMessage, refusal_of, refusal_outside
from server.rpc.page_tokens import InvalidPageToken

PREFIX = "ERROR_REASON_"
ENUMS = (
    common_errors.ErrorReason,
    billing_errors.ErrorReason,
    claims_errors.ErrorReason,
    eligibility_errors.ErrorReason,
)
REASONS = {name.removeprefix(PREFIX) for enum in ENUMS for name in enum.keys()}  # noqa: SIM118 -- no dictionary


def modules_of(package: ModuleType) -> None:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(found.name)


def descendants(parent: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in parent.__subclasses__():
        yield child
        yield from descendants(child)


def all_errors() -> list[type[DomainError]]:
    modules_of(domain)
    modules_of(server.gateway)
    modules_of(server.rpc)
    return [error for error in descendants(DomainError) if error.__module__.startswith(("domain.", "server."))]


@pytest.mark.parametrize("error", all_errors(), ids=lambda error: error.__name__)
def test_every_refusal_has_a_status_and_a_reason_in_the_contracts(error: type[DomainError]) -> None:
    refusal = refusal_of(error())
    assert refusal.status is TABLE[error.kind]
    assert refusal.reason in REASONS
    detail = refusal.details[0]
    assert isinstance(detail, details_pb2.ErrorInfo)
    assert (detail.reason, detail.domain) == (error.code, "acerto")


def test_every_kind_has_a_status_of_its_own_in_grpc() -> None:
    assert set(TABLE) == set(Kind)
    assert len({status.grpc for status in TABLE.values()}) == len(Kind)


@pytest.mark.parametrize("reason", sorted(OUTSIDE))
def test_what_no_domain_error_says_is_in_the_contracts_too(reason: str) -> None:
    assert reason in REASONS
    assert refusal_outside(reason, "text").status.grpc is not grpc.StatusCode.OK


def test_every_reason_in_the_contracts_is_given_by_something() -> None:
    assert REASONS - {"UNSPECIFIED"} == {error.code for error in all_errors()} | set(OUTSIDE) | set(DOOR)


def test_violations_come_as_a_bad_request_with_their_paths() -> None:
    error = InvalidPageToken(violations=[Violation("page_token", "is not ours", "rule")])
    (detail,) = [d for d in refusal_of(error).details if isinstance(d, details_pb2.BadRequest)]
    (violation,) = detail.field_violations
    assert (violation.field, violation.description, violation.reason) == ("page_token", "is not ours", "rule")


def test_a_time_to_wait_comes_as_retry_info() -> None:
    (detail,) = [d for d in refusal_of(Overloaded(retry_after=1.5)).details if isinstance(d, details_pb2.RetryInfo)]
    assert (detail.retry_delay.seconds, detail.retry_delay.nanos) == (1, 500_000_000)


def test_a_broken_rule_comes_as_a_precondition_failure() -> None:
    broken = next(error for error in all_errors() if error.kind is Kind.RULE)
    assert any(isinstance(detail, details_pb2.PreconditionFailure) for detail in refusal_of(broken()).details)


def test_the_sentence_is_the_class_own_unless_one_is_given() -> None:
    assert refusal_of(MalformedMessage()).message == "The bytes are not a message of the rpc's request type."
    assert refusal_of(MalformedMessage("other")).message == "other"
