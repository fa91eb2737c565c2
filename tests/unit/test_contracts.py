"""What the server refuses to start with: an rpc nobody may call, a write without an answer, an identity for play."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from google.api import annotations_pb2
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from pydantic import SecretStr

from acerto.access.v1 import policy_pb2
from acerto.billing.v1 import billing_service_pb2 as pb
from server.access.development import DevelopmentIdentity, InsecureIdentity
from server.access.signing_key import signing_key
from server.rpc.billing import BillingServicer
from server.rpc.claims import ClaimServicer
from server.rpc.claims_compatibility_rpcs import ClaimsCompatibilityServicer
from server.rpc.compatibility_rpcs import CompatibilityServicer
from server.rpc.eligibility import EligibilityServicer
from server.rpc.eligibility_compatibility_rpcs import EligibilityCompatibilityServicer
from server.rpc.methods import ContractError, Method, methods_of
from tests.support.served import (
    BILLING,
    CLAIMS,
    COMPATIBILITY,
    ELIGIBILITY,
    OLD_CLAIMS,
    OLD_ELIGIBILITY,
    SERVICES,
    Scene,
)

OLD = (COMPATIBILITY, OLD_CLAIMS, OLD_ELIGIBILITY)

SERVICERS = {
    BILLING.full_name: BillingServicer,
    COMPATIBILITY.full_name: CompatibilityServicer,
    CLAIMS.full_name: ClaimServicer,
    OLD_CLAIMS.full_name: ClaimsCompatibilityServicer,
    ELIGIBILITY.full_name: EligibilityServicer,
    OLD_ELIGIBILITY.full_name: EligibilityCompatibilityServicer,
}


def a_service(name: str, policy: policy_pb2.Policy | None, **streaming: bool) -> ServiceDescriptor:
    """A service of one rpc with this policy; `client_streaming` and `server_streaming` as a descriptor has them."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{name}.proto", package="test", syntax="proto3")
    file.dependency.append(policy_pb2.DESCRIPTOR.name)
    file.message_type.add(name=f"{name}Message")
    method = file.service.add(name=name).method.add(
        name="Do", input_type=f".test.{name}Message", output_type=f".test.{name}Message", **streaming
    )
    if policy is not None:
        method.options.Extensions[policy_pb2.policy].CopyFrom(policy)
    pool: Any = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    service: ServiceDescriptor = pool.FindServiceByName(f"test.{name}")
    return service


def http_rules(rpc: MethodDescriptor) -> list[tuple[str, str, str]]:
    """The verb, the path and the body of each of an rpc's rules for HTTP."""
    extension: Any = annotations_pb2.http
    first: Any = rpc.GetOptions().Extensions[extension]
    return [
        (verb, getattr(rule, verb), rule.body)
        for rule in (first, *first.additional_bindings)
        for verb in (str(rule.WhichOneof("pattern")),)
    ]


def permission_of(name: str) -> str:
    return {method.name: method.permission for method in methods_of([BILLING, CLAIMS, ELIGIBILITY]).values()}[name]


def test_every_rpc_of_billing_says_who_may_call_it_and_what_it_does() -> None:
    methods = methods_of(SERVICES)
    get = methods["/acerto.billing.v1.BillingService/GetBudget"]
    assert (get.permission, get.writes, get.request, get.has_request_id) == (
        "budgets.get",
        False,
        pb.GetBudgetRequest,
        False,
    )
    writes = {method.name for method in methods.values() if method.writes and method.service == BILLING.full_name}
    assert writes == {
        *("CreateBudget", "UpdateBudget", "ReviseBudget", "SendBudget", "ApproveBudget", "RejectBudget"),
        *("CancelBudget", "UpsertServicePrice", "UpdateWorkOrderStatus"),
        *("StartPayment", "CancelPayment", "RefundPayment", "RetryRefund"),
    }


@pytest.mark.parametrize("method", methods_of(SERVICES).values(), ids=lambda method: method.name)
def test_every_rpc_is_served_and_its_policy_names_a_collection_and_a_verb(method: Method) -> None:
    served = getattr(SERVICERS[method.service], method.name)
    assert served.__module__.startswith("server.rpc.")
    assert re.fullmatch(r"[a-z_]+\.[a-z_]+", method.permission)
    assert method.has_request_id == method.writes


def test_every_rpc_of_claims_that_changes_something_takes_a_key_and_none_that_reads_does() -> None:
    methods = methods_of([CLAIMS]).values()
    reads = {method.name for method in methods if not method.writes}
    assert {name for name in reads if not name.startswith(("Get", "List"))} == {"ValidateClaim"}
    assert all(name.startswith(("Get", "List", "Validate")) for name in reads)


def test_every_rpc_of_claims_that_changes_what_there_is_takes_an_etag() -> None:
    for method in methods_of([CLAIMS]).values():
        fields = CLAIMS.methods_by_name[method.name].input_type.fields_by_name
        assert ("etag" in fields) == (method.writes and not method.name.startswith("Create")), method.name


@pytest.mark.parametrize("rpc", [rpc for service in SERVICES for rpc in service.methods], ids=lambda rpc: rpc.name)
def test_every_rpc_has_http_rules_whose_variables_are_fields_of_its_request(rpc: MethodDescriptor) -> None:
    for verb, path, body in http_rules(rpc):
        assert path.startswith("/v1/") == (rpc.containing_service not in OLD)
        assert (verb == "get") == (not body)
        named = {variable.split(".")[0] for variable in re.findall(r"{([a-z_.]+)}", path)}
        assert named <= set(rpc.input_type.fields_by_name)


def test_no_two_rpcs_share_a_verb_and_a_path() -> None:
    rules = [rule for service in SERVICES for rpc in service.methods for rule in http_rules(rpc)]
    places = [(verb, re.sub(r"{[^}]+}", "*", path)) for verb, path, _ in rules]
    assert len(set(places)) == len(places)


def test_every_old_path_is_open_marked_deprecated_and_under_the_permission_of_what_it_does() -> None:
    carried = {
        "CreateOrcamento": "CreateBudget",
        "GetOrcamento": "GetBudget",
        "ApproveOrcamento": "ApproveBudget",
        "StartPagamento": "StartPayment",
        "CreatePagamento": "StartPayment",
        "GetPagamento": "GetPayment",
        "UpdateStatusOs": "UpdateWorkOrderStatus",
        "CreateLegacyClaim": "CreateClaim",
        "GetLegacyClaim": "GetClaim",
        "ListLegacyClaims": "ListClaims",
        "UpdateLegacyClaim": "AdjudicateClaim",
        "CreateLegacyInvoice": "CreateInvoice",
        "GetLegacyInvoice": "GetInvoice",
        "ListLegacyInvoices": "ListInvoices",
        "SettleLegacyInvoice": "SettleInvoice",
        "UpdateLegacyInvoice": "CancelInvoice",
        "CheckLegacyEligibility": "CheckEligibility",
        "ListLegacyEligibilityHistory": "ListEligibilityChecks",
    }
    old = methods_of(OLD)
    assert {method.name: method.permission for method in old.values()} == {
        name: permission_of(does) for name, does in carried.items()
    }
    rpcs = [rpc for service in OLD for rpc in service.methods]
    assert [rpc.name for rpc in rpcs if not rpc.GetOptions().deprecated] == []
    open_paths = {(verb, path) for rpc in rpcs for verb, path, _ in http_rules(rpc)}
    assert open_paths >= {
        ("post", "/api/billing/orcamento"),
        ("post", "/orcamento"),
        ("get", "/billing/budgets/{os_id}"),
        ("get", "/api/billing/budgets/{os_id}"),
        ("get", "/budgets/{os_id}"),
        ("post", "/api/billing/budgets/{os_id}/approve"),
        ("post", "/billing/budgets/{os_id}/approve"),
        ("post", "/api/billing/payments/{os_id}/start"),
        ("post", "/billing/payments/{os_id}/start"),
        ("post", "/pagamento"),
        ("post", "/api/billing/pagamento"),
        ("get", "/api/billing/pagamento/{id}"),
        ("get", "/pagamento/{id}"),
        ("put", "/api/billing/status-os"),
        *((verb, f"/{nouns}") for nouns in ("claims", "invoices") for verb in ("get", "post")),
        *((verb, f"/{nouns}/{{id}}") for nouns in ("claims", "invoices") for verb in ("get", "patch")),
        ("post", "/invoices/{id}/settle"),
        ("post", "/eligibility/check"),
        ("get", "/eligibility/history"),
    }


@pytest.mark.parametrize(
    ("name", "policy", "says"),
    [
        ("Open", None, "no option"),
        ("Nameless", policy_pb2.Policy(effect=policy_pb2.EFFECT_READ), "no permission"),
        ("Vague", policy_pb2.Policy(permission="x.do"), "no effect"),
    ],
)
def test_an_rpc_without_a_whole_policy_stops_the_start(name: str, policy: policy_pb2.Policy | None, says: str) -> None:
    with pytest.raises(ContractError) as refused:
        methods_of([a_service(name, policy)])
    assert f"test.{name}.Do" in str(refused.value)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("name", "effect", "streaming", "says"),
    [
        ("Upload", policy_pb2.EFFECT_READ, {"client_streaming": True}, "takes a stream"),
        ("Talk", policy_pb2.EFFECT_READ, {"client_streaming": True, "server_streaming": True}, "takes a stream"),
        ("Drip", policy_pb2.EFFECT_WRITE, {"server_streaming": True}, "only an rpc that reads"),
    ],
)
def test_an_rpc_that_streams_otherwise_than_an_answer_to_a_read_stops_the_start(
    name: str, effect: policy_pb2.Effect.ValueType, streaming: dict[str, bool], says: str
) -> None:
    with pytest.raises(ContractError, match=rf"test\.{name}\.Do .*{says}"):
        methods_of([a_service(name, policy_pb2.Policy(permission="x.do", effect=effect), **streaming)])


def test_the_rpcs_that_stream_are_known() -> None:
    assert [method.name for method in methods_of(SERVICES).values() if method.streams] == ["WatchWorkOrder"]


def test_a_write_whose_servicer_does_not_say_how_a_repeat_is_answered_stops_the_start() -> None:
    method = methods_of(SERVICES)["/acerto.billing.v1.BillingService/CreateBudget"]
    with pytest.raises(ContractError, match="CreateBudget"):
        Scene().pipeline.add(method, SimpleNamespace(CreateBudget=None))


def test_production_refuses_the_development_identity() -> None:
    with pytest.raises(InsecureIdentity, match="ACERTO_ENV=production"):
        DevelopmentIdentity("production", ["budgets.get"])


async def test_the_development_identity_may_do_what_the_contracts_know() -> None:
    actor = await DevelopmentIdentity("development", ["budgets.get"])({}, lambda: "peer")
    assert (actor.id, actor.permissions, actor.workshops) == ("development", frozenset({"budgets.get"}), None)


def test_development_makes_its_signing_key_once(tmp_path: Path) -> None:
    folder = tmp_path / "not yet there"
    made = signing_key(None, folder)
    assert signing_key(None, folder) == made
    assert len(made) >= 32
    assert [(file.name, file.stat().st_mode & 0o777) for file in folder.iterdir()] == [("signing.key", 0o600)]


def test_a_signing_key_that_was_set_is_used(tmp_path: Path) -> None:
    assert signing_key(SecretStr("k" * 32), tmp_path) == b"k" * 32
    assert list(tmp_path.iterdir()) == []
