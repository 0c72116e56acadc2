"""Every setting of every service, given something that it can't be: told by name before anything starts."""

import os
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path

import annotated_types
import pytest
from pydantic.fields import FieldInfo
from typer.testing import CliRunner

from shared.adapters.clock import FileClockWriter, SystemClock
from shared.adapters.connection_settings import KafkaSettings
from shared.adapters.settings import CommonSettings, SettingsWrong, from_environment, is_secret, variable
from shared.adapters.wiring import Wiring, wiring_of
from shared.cli.loading import load_services
from shared.cli.main import app
from shared.contracts.catalog import SERVICES
from tests.kit.certificates import Authority

ANY_TEXT_WILL_DO = {
    "jwt_issuer",
    "jwt_audience",
    "jwt_shops_claim",
    "api_host",  # whether one can listen there is found out by trying
    "payments_token",
    "kafka_sasl_username",
    "kafka_sasl_password",
    "mongodb_username",
    "mongodb_password",
}
RUBBISH = "no such thing \N{SNOWMAN}"

settings_of: Mapping[str, type[CommonSettings]] = {
    service: import_module(f"services.{service}.settings").Settings for service in SERVICES
}


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("ORDERLINK_", "KAFKA_", "MONGODB_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ORDERLINK_SMTP_URL", "smtp://localhost:25")
    monkeypatch.setenv("ORDERLINK_PAYMENTS_URL", "http://localhost:9")
    monkeypatch.setenv(
        "ORDERLINK_TOKENS", '{"0123456789abcdef": {"name": "t", "scopes": ["admin"], "shops": ["*"]}}'
    )


def wired(name: str) -> Wiring:
    """What a process of a service would find at its start. Raises `SettingsWrong`."""
    (service,) = load_services(name)
    return wiring_of(service, from_environment(settings_of[name]), "all")


def bad_values(field: FieldInfo) -> Iterator[str]:
    """Values that this field can't have: of another kind, and on either side of its bounds."""
    yield RUBBISH
    numbers = [kind for kind in (int, float) if field.annotation is kind]
    if not numbers:
        return
    yield from ("nan", "inf", "1e999")
    for bound in field.metadata:
        match bound:
            case annotated_types.Ge(ge=least):
                yield str(float(str(least)) - 1) if numbers == [float] else str(int(str(least)) - 1)
            case annotated_types.Gt(gt=least):
                yield str(least)
            case annotated_types.Le(le=most):
                yield str(float(str(most)) + 1) if numbers == [float] else str(int(str(most)) + 1)
            case _:
                pass


CASES = [
    pytest.param(service, name, value, id=f"{service} {name} {value!a:.20}")
    for service in SERVICES
    for name, field in settings_of[service].model_fields.items()
    if name not in ANY_TEXT_WILL_DO
    and (service == SERVICES[0] or name not in CommonSettings.model_fields or name.endswith("_port"))
    for value in bad_values(field)
]


@pytest.mark.parametrize(("service", "name", "value"), CASES)
def test_a_value_that_cannot_be_is_told_with_its_variable(
    service: str, name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of[service]
    env = variable(settings, name)
    monkeypatch.setenv(env, value)
    with pytest.raises(SettingsWrong) as wrong:
        wired(service)
    ((told, expected, got),) = wrong.value.lines
    assert told == env
    assert expected
    assert got
    if is_secret(settings.model_fields[name]):
        assert value not in wrong.value.block("orderlink")


def test_every_setting_is_tried_but_those_that_can_be_any_text() -> None:
    tried = {case.values[1] for case in CASES}
    for settings in settings_of.values():
        assert set(settings.model_fields) - tried <= ANY_TEXT_WILL_DO


Environment = Callable[[Authority, Path], dict[str, str]]
TOGETHER: Mapping[str, tuple[Environment, dict[str, str]]] = {
    "a user is missing": (
        lambda ca, _: {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_TLS_CA_FILE": str(ca.file)},
        {"KAFKA_SASL_USERNAME": "since KAFKA_SECURITY_PROTOCOL is SASL_SSL", "KAFKA_SASL_PASSWORD": "_FILE"},
    ),
    "a password where nobody asks for one": (
        lambda _ca, _: {"KAFKA_SASL_USERNAME": "orders", "KAFKA_SASL_PASSWORD": "p4ssword"},
        {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL, since KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD are set"},
    ),
    "a password in the open": (
        lambda _ca, _: {
            "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "KAFKA_SASL_MECHANISM": "PLAIN",
            "KAFKA_SASL_USERNAME": "orders",
            "KAFKA_SASL_PASSWORD": "p4ssword",
        },
        {"KAFKA_SASL_MECHANISM": "PLAIN would send the password unencrypted"},
    ),
    "a password twice": (
        lambda ca, _: {
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_USERNAME": "orders",
            "KAFKA_SASL_PASSWORD": "p4ssword",
            "KAFKA_SASL_PASSWORD_FILE": str(ca.file),
        },
        {"KAFKA_SASL_PASSWORD_FILE": "nothing, since KAFKA_SASL_PASSWORD is set"},
    ),
    "an empty password": (
        lambda _ca, empty: {
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_USERNAME": "orders",
            "KAFKA_SASL_PASSWORD_FILE": str(empty),
        },
        {"KAFKA_SASL_PASSWORD_FILE": "a file with a password"},
    ),
    "a CA without TLS": (
        lambda ca, _: {"KAFKA_TLS_CA_FILE": str(ca.file), "MONGODB_TLS_CA_FILE": str(ca.file)},
        {
            "KAFKA_SECURITY_PROTOCOL": "SSL or SASL_SSL, since KAFKA_TLS_CA_FILE is set",
            "MONGODB_TLS": "'on', since MONGODB_TLS_CA_FILE is set",
        },
    ),
    "files that are no certificates": (
        lambda _ca, empty: {
            "KAFKA_SECURITY_PROTOCOL": "SSL",
            "KAFKA_TLS_CA_FILE": str(empty),
            "KAFKA_TLS_CERT_FILE": str(empty),
            "KAFKA_TLS_KEY_FILE": str(empty),
            "MONGODB_TLS": "on",
            "MONGODB_TLS_CA_FILE": str(empty),
            "MONGODB_TLS_CERT_KEY_FILE": str(empty),
        },
        {
            "KAFKA_TLS_CA_FILE": "PEM",
            "KAFKA_TLS_CERT_FILE": "PEM",
            "MONGODB_TLS_CA_FILE": "PEM",
            "MONGODB_TLS_CERT_KEY_FILE": "PEM",
        },
    ),
    "a certificate without its key": (
        lambda ca, _: {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_TLS_CERT_FILE": str(ca.sign("me").cert)},
        {"KAFKA_TLS_KEY_FILE": "since KAFKA_TLS_CERT_FILE is set"},
    ),
    "another's key": (
        lambda ca, _: {
            "KAFKA_SECURITY_PROTOCOL": "SSL",
            "KAFKA_TLS_CERT_FILE": str(ca.sign("me").cert),
            "KAFKA_TLS_KEY_FILE": str(ca.sign("you").key),
        },
        {"KAFKA_TLS_CERT_FILE": "whose key, without a passphrase, is in KAFKA_TLS_KEY_FILE"},
    ),
    "a key with a passphrase": (
        lambda ca, _: {
            "KAFKA_SECURITY_PROTOCOL": "SSL",
            "KAFKA_TLS_CERT_FILE": str(ca.sign("me", passphrase=b"p4ssword").cert),
            "KAFKA_TLS_KEY_FILE": str(ca.file.parent / "me.key.pem"),
        },
        {"KAFKA_TLS_CERT_FILE": "without a passphrase"},
    ),
    "a database's password without a user": (
        lambda _ca, _: {"MONGODB_PASSWORD": "p4ssword"},
        {"MONGODB_USERNAME": "the user whose password is in MONGODB_PASSWORD"},
    ),
    "a database's user without a password": (
        lambda _ca, _: {"MONGODB_USERNAME": "orders"},
        {"MONGODB_PASSWORD": "MONGODB_PASSWORD_FILE"},
    ),
    "two users of the database": (
        lambda _ca, _: {
            "MONGODB_URL": "mongodb://me:p4ssword@db",
            "MONGODB_USERNAME": "orders",
            "MONGODB_PASSWORD": "p4ssword",
        },
        {"MONGODB_USERNAME": "nothing, since MONGODB_URL names a user"},
    ),
    "an address with a password that is not encoded": (
        lambda _ca, _: {"MONGODB_URL": "mongodb://me:p4ssword%@db"},
        {"MONGODB_URL": "%40"},
    ),
    "an address that lets secondaries be read that are not too far behind": (
        lambda _ca, _: {"MONGODB_URL": "mongodb://db/?readPreference=secondary&maxStalenessSeconds=120"},
        {"MONGODB_URL": "every read asks the primary"},
    ),
    "an address that lets tagged servers be read": (
        lambda _ca, _: {"MONGODB_URL": "mongodb://db/?readPreference=nearest&readPreferenceTags=dc:ny"},
        {"MONGODB_URL": "every read asks the primary"},
    ),
    "files that are not what they should be": (
        lambda _ca, empty: {
            "ORDERLINK_TOKENS_FILE": str(empty),
            "ORDERLINK_INLETS_FILE": str(empty),
            "ORDERLINK_SHOPS_FILE": str(empty),
            "ORDERLINK_TEST_CLOCK_FILE": str(empty),
        },
        {
            "ORDERLINK_TOKENS_FILE": "",
            "ORDERLINK_INLETS_FILE": "",
            "ORDERLINK_SHOPS_FILE": "",
            "ORDERLINK_TEST_CLOCK_FILE": "--test-clock",
        },
    ),
    "keys that are none": (
        lambda _ca, empty: {
            "ORDERLINK_JWKS_FILE": str(empty),
            "ORDERLINK_JWT_ISSUER": "i",
            "ORDERLINK_JWT_AUDIENCE": "a",
        },
        {"ORDERLINK_JWKS_FILE": "a JWKS"},
    ),
}


@pytest.mark.parametrize(("environment", "wanted"), TOGETHER.values(), ids=TOGETHER)
def test_values_that_do_not_go_together_are_told_with_what_is_to_be_mended(
    environment: Environment, wanted: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    for name, value in environment(Authority(tmp_path / "tls"), empty).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsWrong) as wrong:
        wired("orders")
    told = {name: expected for name, expected, _ in wrong.value.lines}
    assert told.keys() == wanted.keys()
    assert all(words in told[name] for name, words in wanted.items())
    assert "p4ssword" not in wrong.value.block("orderlink")


def test_what_goes_together_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    mine = authority.sign("me")
    password = tmp_path / "password"
    password.write_text("p4ssword\n")
    clock = tmp_path / "clock"
    with FileClockWriter(clock, SystemClock().now()):
        pass
    told = {
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_USERNAME": "orders",
        "KAFKA_SASL_PASSWORD_FILE": password,
        "KAFKA_TLS_CA_FILE": authority.file,
        "KAFKA_TLS_CERT_FILE": mine.cert,
        "KAFKA_TLS_KEY_FILE": mine.key,
        "MONGODB_URL": "mongodb+srv://db.example.net/?authSource=orders",
        "MONGODB_USERNAME": "orders",
        "MONGODB_PASSWORD_FILE": password,
        "MONGODB_TLS_CA_FILE": authority.file,
        "MONGODB_TLS_CERT_KEY_FILE": mine.both,
        "ORDERLINK_TEST_CLOCK_FILE": clock,
    }
    for name, value in told.items():
        monkeypatch.setenv(name, str(value))
    wiring = wired("orders")
    assert (wiring.broker.password, wiring.database.password) == ("p4ssword", "p4ssword")
    assert wiring.broker.options()["sasl_mechanism"] == "SCRAM-SHA-512"
    assert wiring.database.options() == {
        "username": "orders",
        "password": "p4ssword",
        "tlsCAFile": str(authority.file),
        "tlsCertificateKeyFile": str(mine.both),
    }
    assert "p4ssword" not in repr(wiring)


@pytest.mark.parametrize("name", [*KafkaSettings.model_fields, "mongodb_url", "mongodb_tls"])
def test_the_command_line_tells_its_settings_in_the_same_way(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(variable(CommonSettings, name), RUBBISH)
    said = CliRunner().invoke(app, ["topics", "lag"])
    assert said.exit_code == 2
    assert "orderlink topics does not start: 1 setting is wrong" in said.output
    assert variable(CommonSettings, name) in said.output
