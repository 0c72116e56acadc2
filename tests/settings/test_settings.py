"""Settings: read from the environment, and a wrong one told with its variable before anything starts."""

from pathlib import Path

import pytest

from services.aftersales.settings import Settings as AftersalesSettings
from services.notifications.settings import Settings as NotificationsSettings
from services.orders.settings import Settings
from shared.adapters.settings import SettingsWrong, from_environment, load_settings, variable
from shared.cli.settings import page, sections
from shared.runtime.limits import Limits

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("ORDERLINK_") or name in ("KAFKA_BOOTSTRAP_SERVERS", "MONGODB_URL"):
            monkeypatch.delenv(name)


def test_without_an_environment_everything_has_its_default() -> None:
    settings = from_environment(Settings)
    assert settings.api_port == 8001
    assert settings.database == "orderlink_orders"
    assert settings.kafka_bootstrap_servers == "127.0.0.1:9092"


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERLINK_BODY_MAX_BYTES", "2048")
    monkeypatch.setenv("ORDERLINK_JWT_ALGORITHMS", "RS256, EdDSA")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "a:9092, b:9092")
    monkeypatch.setenv("MONGODB_URL", "mongodb://user:secret@db1,db2:27018/?replicaSet=rs")
    settings = from_environment(Settings)
    assert settings.body_max_bytes == 2048
    assert settings.jwt_algorithms == ("RS256", "EdDSA")
    assert settings.kafka_bootstrap_servers == "a:9092,b:9092"
    assert "secret" not in repr(settings)


def test_the_engines_limits_are_settings_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERLINK_BATCH_MAX_RECORDS", "7")
    settings = from_environment(Settings)
    assert isinstance(settings, Limits)
    assert settings.batch_max_records == 7


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ORDERLINK_BODY_MAX_BYTES", "many", "valid integer"),
        ("ORDERLINK_BODY_MAX_BYTES", "10", "greater than or equal to 1024"),
        ("ORDERLINK_API_PORT", "65536", "less than or equal to 65535"),
        ("ORDERLINK_AUTH", "maybe", "'on' or 'off'"),
        ("ORDERLINK_BATCH_MAX_RECORDS", "0", "greater than or equal to 1"),
        ("ORDERLINK_JWT_ALGORITHMS", "HS256", "'RS256', 'ES256' or 'EdDSA'"),
        ("ORDERLINK_JWT_ALGORITHMS", ",", "at least 1 item"),
        ("ORDERLINK_SHOPS_FILE", "/nowhere", "a file that can be read"),
        ("ORDERLINK_JWKS_URL", "ftp://keys", "http:// or https://"),
        ("ORDERLINK_LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("KAFKA_BOOTSTRAP_SERVERS", "broker", "host:port"),
        ("KAFKA_BOOTSTRAP_SERVERS", "a:9092,,b:9092", "host:port"),
        ("KAFKA_BOOTSTRAP_SERVERS", "a:99092", "ports up to 65535"),
        ("MONGODB_URL", "postgres://db", "mongodb://"),
    ],
)
def test_a_wrong_setting_is_told_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsWrong) as wrong:
        from_environment(Settings)
    ((told, wanted, got),) = wrong.value.lines
    assert told == name
    assert expected in wanted
    assert value in got or "secret" in got


def test_all_wrong_settings_are_told_at_once_and_secrets_never(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORDERLINK_API_PORT", "x" * 500)
    monkeypatch.setenv("ORDERLINK_SMTP_URL", "smtp://user:p4ssword@")
    monkeypatch.setenv("MONGODB_URL", "mongo://user:p4ssword@db")
    with pytest.raises(SystemExit) as end:
        load_settings(NotificationsSettings)
    assert end.value.code == 2
    told = capsys.readouterr().err
    assert "3 settings are wrong" in told
    assert "p4ssword" not in told
    assert "Traceback" not in told
    assert all(len(line) < 160 for line in told.splitlines())


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERLINK_PAYMENTS_URL", "")
    assert from_environment(AftersalesSettings).payments_url is None


def test_every_setting_of_size_or_time_has_its_unit_in_the_name() -> None:
    units = ("_bytes", "_seconds", "_days", "_records", "_files", "_percent", "_file", "_max", "_port")
    counted = ("commit_attempts", "effect_attempts", "effects_at_once", "brake_in_a_row", "page_size")
    for name, field in Settings.model_fields.items():
        if field.annotation in (int, float):
            assert name.endswith(units) or name in counted, name


def test_the_page_of_settings_is_current() -> None:
    assert PAGE.read_text("utf-8") == page(), "make it anew: orderlink settings --markdown > docs/settings.md"


def test_every_setting_says_what_it_means() -> None:
    for title, rows in sections():
        for row in rows:
            assert row.meaning, (title, row.variable)


def test_a_fields_variable_is_its_name_with_the_prefix() -> None:
    assert variable(Settings, "body_max_bytes") == "ORDERLINK_BODY_MAX_BYTES"
    assert variable(Settings, "mongodb_url") == "MONGODB_URL"
