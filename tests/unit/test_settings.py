"""Settings: what the environment may say, and how a bad word is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.billing.rules import BillingRules
from domain.money import Money
from server.settings import SettingsError, load, unknown

KEY = "0123456789abcdef0123456789abcdef"
MERCADO_PAGO = {
    "ACERTO_PAYMENT_PROVIDER": "mercadopago",
    "ACERTO_MERCADOPAGO_ACCESS_TOKEN": "token",
    "ACERTO_MERCADOPAGO_WEBHOOK_SECRET": "secret",
}


def test_an_empty_environment_is_the_development_default() -> None:
    settings = load({})
    assert (settings.env, settings.grpc_address, settings.http_address) == (
        "development",
        "127.0.0.1:50051",
        "127.0.0.1:8080",
    )
    assert (settings.billing_rules.default_amount, settings.default_workshop) == (Money(10_000), "main")


def test_an_empty_variable_is_as_good_as_none_but_an_empty_amount_means_no_default() -> None:
    settings = load({"ACERTO_DATABASE_URL": "", "ACERTO_GRPC_ADDRESS": " ", "ACERTO_DEFAULT_BUDGET_AMOUNT": ""})
    assert (settings.database_url, settings.grpc_address) == (None, "127.0.0.1:50051")
    assert settings.billing_rules.default_amount is None


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("ACERTO_ENV", "prod", "production"),
        ("ACERTO_GRPC_ADDRESS", "50051", "host:port"),
        ("ACERTO_HTTP_ADDRESS", "localhost:99999", "host:port"),
        ("ACERTO_DEFAULT_BUDGET_AMOUNT", "1.005", "at most two"),
        ("ACERTO_DEFAULT_BUDGET_AMOUNT", "-1", "negative"),
        ("ACERTO_DATABASE_URL", "mysql://example.com", "postgresql://"),
        ("ACERTO_BROKER_URL", "postgresql://example.com/x", "amqp://"),
        ("ACERTO_SIGNING_KEY", "short", "32 characters"),
        ("ACERTO_MAX_CONCURRENT_REQUESTS", "0", "greater than or equal to 1"),
        ("ACERTO_MAX_STREAMS", "0", "greater than or equal to 1"),
        ("ACERTO_LOG_FORMAT", "xml", "json"),
        ("ACERTO_SINGLE_ACTIVE_CONSUMER", "perhaps", "boolean"),
        ("ACERTO_PAYMENT_PROVIDER", "cash", "sandbox"),
        ("ACERTO_PAYMENT_VALIDITY_HOURS", "0.9", "greater than or equal to 1"),
        ("ACERTO_LATE_CONFIRMATION", "maybe", "accept_if_due"),
        ("ACERTO_APPROVAL_LINK", "https://example.com/decide", "{token}"),
    ],
)
def test_a_bad_value_is_one_line_that_names_its_variable(variable: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load({variable: value})
    text = str(refused.value)
    assert variable in text
    assert says in text
    assert "\n" not in text


def test_all_bad_values_are_named_at_once() -> None:
    with pytest.raises(SettingsError, match=r"ACERTO_GRPC_ADDRESS.*ACERTO_LOG_LEVEL"):
        load({"ACERTO_GRPC_ADDRESS": "x", "ACERTO_LOG_LEVEL": "LOUD"})


@pytest.mark.parametrize("env", ["production", "Production", "staging"])
def test_outside_development_the_signing_key_is_required(env: str) -> None:
    with pytest.raises(SettingsError, match="ACERTO_SIGNING_KEY"):
        load({"ACERTO_ENV": env})
    assert load({"ACERTO_ENV": env, "ACERTO_SIGNING_KEY": KEY, **MERCADO_PAGO}).env == env.lower()


def test_a_budget_that_approves_itself_need_not_be_sent() -> None:
    assert load({"ACERTO_REQUIRE_SEND": "true"}).billing_rules.require_send
    with pytest.raises(SettingsError, match=r"ACERTO_AUTO_APPROVE.*ACERTO_REQUIRE_SEND"):
        load({"ACERTO_REQUIRE_SEND": "true", "ACERTO_AUTO_APPROVE": "true"})


def test_production_takes_real_money() -> None:
    with pytest.raises(SettingsError, match="ACERTO_PAYMENT_PROVIDER"):
        load({"ACERTO_ENV": "production", "ACERTO_SIGNING_KEY": KEY})
    rules = load({"ACERTO_ENV": "production", "ACERTO_SIGNING_KEY": KEY, **MERCADO_PAGO}).billing_rules
    assert (rules.live, rules.provider) == (True, "mercadopago")


def test_the_settings_become_the_rules_of_billing() -> None:
    given = {
        "ACERTO_AUTO_APPROVE": "true",
        "ACERTO_CHARGE_ON_APPROVAL": "true",
        "ACERTO_BUDGET_VALIDITY_DAYS": "3",
        "ACERTO_MAX_ATTEMPTS": "2",
        "ACERTO_LATE_CONFIRMATION": "always_refund",
        "ACERTO_PAYMENT_VALIDITY_HOURS": "1.5",
    }
    assert load(given).billing_rules == BillingRules(
        default_amount=Money(10_000),
        validity_days=3,
        auto_approve=True,
        charge_on_approval=True,
        max_attempts=2,
        accept_late=False,
        payment_validity=timedelta(hours=1.5),
    )


def test_secrets_are_in_no_text_of_the_settings_nor_of_their_errors() -> None:
    given = {"ACERTO_SIGNING_KEY": KEY, "ACERTO_DATABASE_URL": "postgresql://acerto:hunter2@example.com/acerto"}
    text = repr(load(given)) + str(load(given))
    assert KEY not in text
    assert "hunter2" not in text
    with pytest.raises(SettingsError) as refused:
        load({"ACERTO_DATABASE_URL": "mysql://acerto:hunter2@example.com/acerto"})
    assert "hunter2" not in str(refused.value)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load({}).__setattr__("env", "production")


def test_a_misspelt_variable_is_found_and_those_of_the_tests_are_not() -> None:
    environ = {"ACERTO_DATABSE_URL": "x", "ACERTO_ENV": "test", "ACERTO_TEST_AMQP_URL": "y", "PATH": "z"}
    assert unknown(environ) == ["ACERTO_DATABSE_URL"]
