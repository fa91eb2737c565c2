"""Every setting, read once from the environment. A bad value stops the start with one line that names its variable."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from domain.billing.rules import BillingRules
from domain.money import Money
from server.ports import host_and_port

PREFIX: Final = "ACERTO_"
_FOR_TESTS: Final = "ACERTO_TEST_"
_EMPTY_MEANS_NONE: Final = "default_budget_amount"
_SCHEMES: Final = {
    "database_url": ("postgresql://", "postgres://"),
    "broker_url": ("amqp://", "amqps://"),
    "cache_url": ("redis://", "rediss://"),
}


_ORIGIN: Final = re.compile(r"https?://[^/?#@\s]+")


class SettingsError(Exception):
    """The environment cannot be used; the text is one line that names each variable and what is wrong with it."""


class Settings(BaseModel):
    """The settings; the variable of a field is its name in capitals after `ACERTO_`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    env: Literal["development", "test", "staging", "production"] = "development"
    """What is convenient and what is refused; only development migrates, applies the topology and makes a key."""
    data_dir: Path = Path(".acerto")
    """The embedded database's folder, and what development makes for itself."""

    database_url: SecretStr | None = None
    """PostgreSQL, as postgresql://user:password@host:port/database; unset: the embedded one."""
    database_pool: int = Field(default=10, ge=1, le=200)
    """Connections of each of two pools, reads and writes, at most; a few more serve notices and the relay."""
    broker_url: SecretStr | None = None
    """RabbitMQ, as amqp://user:password@host:port/vhost; unset: the broker inside PostgreSQL."""
    cache_url: SecretStr | None = None
    """Redis, as redis://host:port/0; unset: a cache in the process."""
    single_active_consumer: bool = True
    """Whether one consumer at a time reads `billing-events`; the others stand by."""

    grpc_address: str = "127.0.0.1:50051"
    grpc_share_port: bool = False
    """Whether other processes may listen on the same gRPC port; `api --workers` sets it for its own."""
    http_address: str = "127.0.0.1:8080"
    http_share_port: bool = False
    """As grpc_share_port, for HTTP."""
    http_own_address: str | None = None
    """A second HTTP address, of this process alone: metrics and health of one of several that share a port."""
    cors_origins: tuple[str, ...] = ()
    """Origins whose pages may call the API, parted by commas, as https://app.example.com; `*` for any; unset: none."""
    max_concurrent_requests: int = Field(default=256, ge=1)
    """Requests served at once; more are refused and asked to come back."""
    max_streams: int = Field(default=256, ge=1)
    """Streams open at once, beside the requests; more are refused and asked to come back."""
    request_timeout: float = Field(default=15.0, gt=0)
    """Seconds for a request whose caller sets no deadline; a stream then has none."""
    shutdown_grace: float = Field(default=20.0, ge=0)
    """Seconds for everything to end after the first signal."""

    signing_key: SecretStr | None = None
    """Signs page tokens and links: at least 32 characters, the same for every replica."""
    default_workshop: str = Field(default="main", min_length=1, max_length=64)
    """The workshop of what names none."""
    default_budget_amount: str | None = "100.00"
    """The price when nothing else has one, as decimal text; empty: such a budget waits without a price."""
    budget_validity_days: int = Field(default=10, ge=1, le=365)
    """Days that an offered budget stands, unless it says otherwise."""
    require_send: bool = False
    """Whether a budget must be sent to the customer before it can be approved."""
    auto_approve: bool = False
    """Whether a budget with a price is approved as it is made, as the first BillingService did."""
    charge_on_approval: bool = False
    """Whether an approval starts a payment, as the first BillingService did."""
    approval_link: str | None = None
    """The address of a page where customers decide, with `{token}` in it; unset: only the token is given."""

    payment_provider: Literal["sandbox", "mercadopago", "mercadopago_payments"] = "sandbox"
    """Who takes the money: the sandbox, or Mercado Pago by its Orders API or its older Payments API."""
    payment_validity_hours: float = Field(default=24.0, ge=1.0, le=720.0)
    """How long a PIX code can be paid."""
    max_attempts: int = Field(default=5, ge=1, le=100)
    """Attempts to pay one budget."""
    late_confirmation: Literal["accept_if_due", "always_refund"] = "accept_if_due"
    """What becomes of money that comes after its attempt was over."""
    merchant_name: str = Field(default="ACERTO", min_length=1, max_length=25)
    merchant_city: str = Field(default="SAO PAULO", min_length=1, max_length=15)
    """What a customer's bank shows of the sandbox's PIX codes."""
    mercadopago_access_token: SecretStr | None = None
    """What the worker, and nobody else, calls Mercado Pago with."""
    mercadopago_webhook_secret: SecretStr | None = None
    """What Mercado Pago signs its webhooks with; for the roles that serve HTTP to it."""
    mercadopago_url: str = "https://api.mercadopago.com"
    mercadopago_notification_url: str = ""
    """Where Mercado Pago's Payments API shall send webhooks; empty: where its panel says."""
    mercadopago_payer_email: str = ""
    """The payer's address for customers who have none, since Mercado Pago wants one."""
    webhook_tolerance: float = Field(default=3600.0, gt=0)
    """Seconds that a webhook's signature may be old, or early: repeats come after 15 minutes, perhaps signed before."""
    task_lease: float = Field(default=60.0, ge=1.0)
    """Seconds that a worker has for one piece of due work before another may take it; more than a provider's 10."""
    sandbox_webhook_url: str | None = None
    """Where the sandbox sends its webhooks; unset: this process's own HTTP address."""

    insurer_services: tuple[str, ...] = ()
    """Origins of insurers' own services that may be called, parted by commas, as https://checks.example.com."""
    insurer_tokens: SecretStr | None = None
    """A bearer token for each of them that wants one, as https://checks.example.com=token, parted by commas."""
    insurer_timeout: float = Field(default=3.0, gt=0, le=60)
    """Seconds for one answer of an insurer's service."""

    eligibility_history_days: int = Field(default=1825, ge=1, le=36_500)
    """Days for which checks of eligibility are kept: five years, in which an insurer's debt can be claimed."""

    protobuf_events: bool = False
    """Whether each event goes out as protobuf too, on its routing key with `.pb` behind it."""
    otlp_endpoint: str | None = None
    """Where spans go: an OpenTelemetry collector's HTTP address, as http://127.0.0.1:4318; unset: no spans."""
    failpoints: str = ""
    """Where a fault test stops the world, as relay.mid_wave=kill; refused in production."""

    log_format: Literal["auto", "json", "console"] = "auto"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def billing_rules(self) -> BillingRules:
        """What this installation decides about its billing."""
        return BillingRules(
            default_amount=Money.parse(self.default_budget_amount) if self.default_budget_amount else None,
            validity_days=self.budget_validity_days,
            require_send=self.require_send,
            auto_approve=self.auto_approve,
            charge_on_approval=self.charge_on_approval,
            max_attempts=self.max_attempts,
            accept_late=self.late_confirmation == "accept_if_due",
            provider=self.payment_provider,
            live=self.env == "production",
            payment_validity=timedelta(hours=self.payment_validity_hours),
        )

    @field_validator("env", mode="before")
    @classmethod
    def _lower(cls, value: str) -> str:
        return value.lower()

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: str) -> str:
        return value.upper()

    @field_validator("grpc_address", "http_address", "http_own_address")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None:
            host_and_port(value)
        return value

    @property
    def tokens_of_insurers(self) -> dict[str, SecretStr]:
        """The token of each origin."""
        given = self.insurer_tokens.get_secret_value() if self.insurer_tokens else ""
        pairs = (one.strip().partition("=") for one in given.split(",") if one.strip())
        return {origin.strip().lower(): SecretStr(token.strip()) for origin, _, token in pairs}

    @field_validator("cors_origins", "insurer_services", mode="before")
    @classmethod
    def _parted(cls, value: str | tuple[str, ...]) -> tuple[str, ...]:
        if not isinstance(value, str):
            return value
        return tuple(one for part in value.split(",") if (one := part.strip()))

    @field_validator("cors_origins", "insurer_services")
    @classmethod
    def _origins(cls, value: tuple[str, ...], field: ValidationInfo) -> tuple[str, ...]:
        for at, one in enumerate(value, 1):
            # Not quoted: a user and a password before the host are a mistake that happens.
            if not _ORIGIN.fullmatch(one) and (one, field.field_name) != ("*", "cors_origins"):
                raise ValueError(f"number {at} is no origin, as https://app.example.com")
        return tuple(one.lower() for one in value)

    @field_validator("default_budget_amount")
    @classmethod
    def _amount(cls, value: str | None) -> str | None:
        if value and Money.parse(value).cents < 0:
            raise ValueError("must not be negative")
        return value or None

    @field_validator("database_url", "broker_url", "cache_url")
    @classmethod
    def _scheme(cls, value: SecretStr | None, field: ValidationInfo) -> SecretStr | None:
        schemes = _SCHEMES[field.field_name or ""]
        if value and not value.get_secret_value().startswith(schemes):
            raise ValueError(f"must be a URL that begins with {schemes[0]}")
        return value

    @field_validator("signing_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value and len(value.get_secret_value()) < 32:
            raise ValueError("must have at least 32 characters")
        return value

    @field_validator("approval_link")
    @classmethod
    def _place_for_the_token(cls, value: str | None) -> str | None:
        if value and "{token}" not in value:
            raise ValueError("must have {token} in it, where the token goes")
        return value

    @model_validator(mode="after")
    def _nothing_is_missing_together(self) -> Settings:
        if problems := list(self._missing()):
            raise ValueError("; ".join(problems))
        return self

    def _missing(self) -> Iterator[str]:
        """What other settings make necessary."""
        if self.signing_key is None and self.env != "development":
            yield "ACERTO_SIGNING_KEY: must be set when ACERTO_ENV is not development, to 32 characters or more"
        if self.payment_provider == "sandbox" and self.env == "production":
            yield "ACERTO_PAYMENT_PROVIDER: the sandbox takes no real money, and production needs to"
        for at, (origin, token) in enumerate(self.tokens_of_insurers.items(), 1):
            if origin not in self.insurer_services or not token.get_secret_value():
                yield f"ACERTO_INSURER_TOKENS: number {at} is no token of a listed service, as https://host=token"
        if self.auto_approve and self.require_send:
            yield "ACERTO_AUTO_APPROVE: cannot go with ACERTO_REQUIRE_SEND, since nobody sends what approves itself"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings in the environment; an empty variable is as good as none. Raises SettingsError."""
    environ = os.environ if environ is None else environ
    names = {PREFIX + name.upper(): name for name in Settings.model_fields}
    given = {names[key]: value.strip() for key, value in environ.items() if key in names}
    given = {name: value for name, value in given.items() if value or name == _EMPTY_MEANS_NONE}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        problems = "; ".join(_problem(one["loc"], one["msg"]) for one in error.errors(include_url=False))
        raise SettingsError(f"bad settings: {problems}") from None


def environment() -> dict[str, str]:
    """The whole environment, for a process of our own to inherit."""
    return dict(os.environ)


def unknown(environ: Mapping[str, str] | None = None) -> list[str]:
    """The `ACERTO_` variables that mean nothing: probably misspelt, worth a warning."""
    environ = os.environ if environ is None else environ
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    return sorted(
        key for key in environ if key.startswith(PREFIX) and key not in known and not key.startswith(_FOR_TESTS)
    )


def _problem(where: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ")
    return f"{PREFIX}{str(where[0]).upper()}: {text}" if where else text
