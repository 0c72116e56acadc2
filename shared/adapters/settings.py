"""The environment, typed: what every service is told, checked before anything starts.

A service's own `settings.py` extends `CommonSettings`. Every size and time has its unit in the
name. A wrong value ends the process with code 2 and one block of text that names the variable,
what was expected and what came.
"""

import os
import sys
from typing import Annotated, ClassVar, Final, Literal, NoReturn, TypeVar, get_args

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode

from shared.adapters.connection_settings import KafkaSettings, MongoSettings
from shared.adapters.setting_values import (
    CONFIG,
    PREFIX,
    Directory,
    HttpUrl,
    Port,
    ReadableFile,
    Seconds,
    listed,
    with_scheme,
)
from shared.runtime.limits import Limits

EXIT_CODE: Final = 2
_SHOWN_MAX_CHARS: Final = 60

JwtAlgorithm = Literal["RS256", "ES256", "EdDSA"]


class CommonSettings(Limits, MongoSettings, KafkaSettings):
    """What every service is told by its environment. The engine's limits are among it."""

    model_config = CONFIG

    SERVICE: ClassVar[str] = ""
    """The service that these settings are of."""

    shops_file: ReadableFile | None = None
    """Your shops, a YAML list like `shared/profiles/shops.yaml`; without it, that file."""
    profiles_dir: Directory | None = None
    """Further profiles, one YAML file for each version; those that ship are always there."""

    api_host: str = "127.0.0.1"
    """The address that the HTTP API listens on; `0.0.0.0` for all."""
    api_port: Port = 8080
    """The HTTP API's port; 0 takes any free one."""
    api_publishes: Literal["on", "off"] = "on"
    """`off`: what an API commits waits for the workers to publish it, as while topics are migrated."""
    worker_port: Port = 9080
    """The worker's port for `/livez`, `/readyz` and `/metrics`."""
    worker_instance_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")] | None = None
    """A fixed name of this worker in its group: restarted, it has its partitions back at once."""
    fetch_max_bytes: Annotated[int, Field(ge=1_048_576, le=268_435_456)] = 8_388_608
    """What a worker holds of the stream beside its batch, shared out over its partitions; a single record
    that is larger than its partition's share passes."""
    drain_max_seconds: Annotated[float, Field(gt=0, le=60)] = 8.0
    """After SIGTERM: how long what was begun may take to end."""
    drain_announce_seconds: Annotated[float, Field(ge=0, le=60)] = 0.0
    """After SIGTERM: how long an API goes on taking requests while `/readyz` says that it ends, and
    before that time runs. 0 where something waits before SIGTERM, such as a preStop hook."""

    body_max_bytes: Annotated[int, Field(ge=1024, le=16_777_216)] = 1_048_576
    """A larger request body is answered with 413."""
    body_read_max_seconds: Seconds = 10.0
    """A body that takes longer to arrive is answered with 408."""
    json_depth_max: Annotated[int, Field(ge=4, le=100)] = 32
    """How deep objects and arrays may be nested in a request body."""
    requests_in_flight_max: Annotated[int, Field(ge=1, le=10_000)] = 200
    """More requests than this at once are answered with 503 and Retry-After."""
    bodies_max_bytes: Annotated[int, Field(ge=1_048_576, le=1_073_741_824)] = 33_554_432
    """Bodies of requests being answered, together; what comes beyond is answered likewise."""
    page_size: Annotated[int, Field(ge=1, le=1000)] = 50
    """Items on a page of a list unless `limit` says otherwise."""
    page_size_max: Annotated[int, Field(ge=1, le=1000)] = 200
    """The largest `limit`."""
    fact_max_future_seconds: Annotated[int, Field(ge=0, le=31_622_400)] = 300
    """A fact further ahead of the service's clock is refused as implausible."""
    fact_max_past_days: Annotated[int, Field(ge=1, le=36_600)] = 400
    """A fact older than this by the service's clock is refused as implausible."""

    clear_after_seconds: Annotated[float, Field(ge=0, le=0.5)] = 0.02
    """How long events that the broker has taken may stay noted as pending, so that they are cleared
    together. Nobody waits for it; after a crash they are published once more."""

    auth: Literal["on", "off"] = "on"
    """`off` lets everybody do everything. It must be said."""
    tokens: SecretStr | None = None
    """Static bearer tokens, a JSON object: token or `sha256:<hex>` → {name, scopes, shops}."""
    tokens_file: ReadableFile | None = None
    """The same in a file."""
    inlets: SecretStr | None = None
    """Other systems that may post here, a JSON list of {name, system, shop_id, secrets}: docs/inlets.md."""
    inlets_file: ReadableFile | None = None
    """The same in a file, YAML or JSON. One file can serve all services."""
    inlet_facts_max: Annotated[int, Field(ge=1, le=10_000)] = 500
    """A delivery that tells more facts than this is answered with 422."""
    jwks_url: HttpUrl | None = None
    """Where the issuer of JWTs publishes its keys."""
    jwks_file: ReadableFile | None = None
    """The same keys in a file; it is read again when an unknown key is named."""
    jwks_refresh_min_seconds: Seconds = 30.0
    """Keys are fetched again for an unknown key id, but not more often than this."""
    jwks_max_age_seconds: Annotated[float, Field(gt=0, le=86_400)] = 3600.0
    """Keys older than this are fetched again."""
    jwt_issuer: str | None = None
    """The `iss` that a JWT must have; required with JWKS."""
    jwt_audience: str | None = None
    """The `aud` that a JWT must have; required with JWKS."""
    jwt_algorithms: Annotated[
        tuple[JwtAlgorithm, ...], NoDecode, BeforeValidator(listed), Field(min_length=1)
    ] = ("RS256", "ES256", "EdDSA")
    """The signature algorithms that are accepted, separated by commas."""
    jwt_leeway_seconds: Annotated[float, Field(ge=0, le=300)] = 30.0
    """How far clocks may differ when `exp` and `nbf` are checked."""
    jwt_shops_claim: str = "shops"
    """The claim with the shops that a JWT is good for; `*` for all. Without the claim: none."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The lowest level that is logged."""
    otlp_endpoint: HttpUrl | None = Field(default=None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    """The collector that traces are sent to, by OTLP over HTTP; without it there are none. The other
    variables of OpenTelemetry, such as `OTEL_TRACES_SAMPLER`, hold as it says."""
    test_clock_file: ReadableFile | None = None
    """Test mode: time comes from this file, and `/testing/status` is served. Never in production."""

    @property
    def database(self) -> str:
        """The name of the service's own database."""
        return f"{self.mongodb_database_prefix}{self.SERVICE}"


class SmtpSettings(CommonSettings):
    """What a service that sends mail is told beside."""

    smtp_url: Annotated[SecretStr, with_scheme("smtp", "smtps")] | None = None
    """The mail server: `smtp://user:password@host:587`, or `smtps://` for TLS from the start."""
    smtp_starttls: Literal["never", "when-offered", "always"] | None = None
    """Whether `smtp://` is encrypted first. Not set: always where there is a password, else when offered."""
    smtp_max_seconds: Seconds = 20.0
    """How long one mail may take until it is tried again later."""


class PaymentSettings(CommonSettings):
    """What a service that pays money back is told beside."""

    payments_url: HttpUrl | None = None
    """The payment provider: refunds are posted to `<url>/refunds`."""
    payments_token: SecretStr | None = None
    """Sent to the payment provider as bearer token."""
    payments_max_seconds: Seconds = 15.0
    """How long one refund may take until it is tried again later."""


class SettingsWrong(Exception):
    """Settings that can't be used. `lines` has (variable, what was expected, what came)."""

    def __init__(self, *lines: tuple[str, str, str]) -> None:
        super().__init__(
            "; ".join(f"{name}: expected {expected}, got {got}" for name, expected, got in lines)
        )
        self.lines = lines

    def block(self, program: str) -> str:
        """The text that a person reads."""
        count = len(self.lines)
        said = "1 setting is wrong" if count == 1 else f"{count} settings are wrong"
        parts = [f"{program} does not start: {said}."]
        for name, expected, got in self.lines:
            parts.append(f"  {name}\n    expected {expected}\n    got {got}")
        parts.append("All settings: docs/settings.md")
        return "\n".join(parts)


AnySettings = TypeVar("AnySettings", bound=BaseSettings)
AnyServices = TypeVar("AnyServices", bound=CommonSettings)


def variable(settings: type[BaseSettings], name: str) -> str:
    """The environment variable of a field."""
    field = settings.model_fields.get(name)
    alias = field.validation_alias if field is not None else None
    return alias if isinstance(alias, str) else PREFIX + name.upper()


def from_environment(settings: type[AnySettings]) -> AnySettings:
    """Read the settings from the process's environment. Raises `SettingsWrong`."""
    try:
        return settings()
    except ValidationError as problem:
        errors = problem.errors(include_url=False, include_input=False)
        raise SettingsWrong(*(_line(settings, error) for error in errors)) from None


def load_settings(settings: type[AnyServices]) -> AnyServices:
    """Read the settings from the process's environment, or end it with a readable block and code 2."""
    try:
        return from_environment(settings)
    except SettingsWrong as wrong:
        stop(wrong, f"orderlink {settings.SERVICE}".strip())


def stop(wrong: SettingsWrong, program: str) -> NoReturn:
    """End the process because its settings can't be used."""
    sys.stderr.write(wrong.block(program) + "\n")
    raise SystemExit(EXIT_CODE) from None


def is_secret(field: FieldInfo) -> bool:
    """Whether the field's value must not be shown."""
    return (
        field.annotation is SecretStr
        or SecretStr in get_args(field.annotation)
        or any(SecretStr in get_args(part) for part in get_args(field.annotation))
    )


def _line(settings: type[BaseSettings], error: ErrorDetails) -> tuple[str, str, str]:
    first = str(error["loc"][0]) if error["loc"] else ""
    named = {variable(settings, name): name for name in settings.model_fields}
    name = named.get(first, first)
    env = variable(settings, name)
    return env, _expected(error), _shown(settings.model_fields.get(name), os.environ.get(env))


def _expected(error: ErrorDetails) -> str:
    message = error["msg"]
    for start in ("Value error, ", "Input should be "):
        message = message.removeprefix(start)
    return message[:1].lower() + message[1:]


def _shown(field: FieldInfo | None, value: str | None) -> str:
    if value is None:
        return "nothing"
    if field is None or is_secret(field):
        return "a value that is not shown, since it is a secret"
    if len(value) > _SHOWN_MAX_CHARS:
        return repr(value[:_SHOWN_MAX_CHARS]) + "…"
    return repr(value)
