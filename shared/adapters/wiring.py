"""What the settings of a process come to, read as a whole, so that everything wrong is told at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from shared.adapters.clock import FileClock, SystemClock
from shared.adapters.credentials import Line
from shared.adapters.database import Database, database_from
from shared.adapters.http.auth import Door, door_from
from shared.adapters.inlet_settings import OpenInlet, inlets_from
from shared.adapters.kafka_broker import Broker, broker_from
from shared.adapters.payments import payment_channel
from shared.adapters.profile_files import ProfilesWrong, load_profiles
from shared.adapters.profiles import Profiles
from shared.adapters.setting_values import PREFIX
from shared.adapters.settings import CommonSettings, PaymentSettings, SettingsWrong, SmtpSettings
from shared.adapters.smtp import SmtpChannel, mail_server
from shared.runtime.ports import Clock, Outside
from shared.runtime.service import Service

Role = Literal["api", "worker", "all"]
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Wiring:
    """Whom a process speaks to, and who may speak to it."""

    broker: Broker
    database: Database
    door: Door | None
    """None: everybody may do everything, or it serves no API."""
    inlets: dict[str, OpenInlet]
    outsides: dict[str, Outside]
    clock: Clock
    profiles: Profiles


def wiring_of(service: Service, settings: CommonSettings, role: Role) -> Wiring:
    """What this process needs in its role. Raises `SettingsWrong` with all that is wrong."""
    lines: list[Line] = []

    def tried(make: Callable[[], Made]) -> Made | None:
        try:
            return make()
        except SettingsWrong as wrong:
            lines.extend(wrong.lines)
            return None

    serves, works = role in ("api", "all"), role in ("worker", "all")
    clock = tried(lambda: clock_from(settings))
    profiles = tried(lambda: profiles_from(settings))
    broker = tried(lambda: broker_from(settings))
    database = tried(lambda: database_from(settings))
    door = tried(lambda: door_from(settings)) if serves else None
    inlets = tried(lambda: inlets_from(settings, service)) if serves else {}
    outsides = tried(lambda: outsides_from(service, settings, clock or SystemClock())) if works else {}
    if (
        lines
        or clock is None
        or profiles is None
        or broker is None
        or database is None
        or inlets is None
        or outsides is None
    ):
        raise SettingsWrong(*lines)
    return Wiring(broker, database, door, inlets, outsides, clock, profiles)


def clock_from(settings: CommonSettings) -> Clock:
    """The machine's clock, or the test's. Raises `SettingsWrong`."""
    if settings.test_clock_file is None:
        return SystemClock()
    try:
        clock = FileClock(settings.test_clock_file)
        clock.now()
    except (OSError, ValueError, RuntimeError, OverflowError):
        wanted = "a clock's file, as `orderlink up --test-clock` writes one"
        got = repr(str(settings.test_clock_file))
        raise SettingsWrong(("ORDERLINK_TEST_CLOCK_FILE", wanted, got)) from None
    return clock


def profiles_from(settings: CommonSettings) -> Profiles:
    """The profiles and shops that the settings name. Raises `SettingsWrong`."""
    try:
        return load_profiles(settings.profiles_dir, settings.shops_file)
    except ProfilesWrong as wrong:
        is_of_shops = settings.shops_file is not None and str(wrong).startswith(str(settings.shops_file))
        kind, variable = ("shops", "SHOPS_FILE") if is_of_shops else ("profiles", "PROFILES_DIR")
        raise SettingsWrong((f"{PREFIX}{variable}", f"{kind} that can be used", str(wrong))) from wrong


def outsides_from(service: Service, settings: CommonSettings, clock: Clock) -> dict[str, Outside]:
    """The channels for the effects that a service asks for. Raises `SettingsWrong` for one that has none."""
    found: dict[str, Outside] = {}
    for kind in service.effects:
        match kind:
            case "mail" if isinstance(settings, SmtpSettings):
                server = mail_server(settings)
                if server is None:
                    raise SettingsWrong(
                        ("ORDERLINK_SMTP_URL", "smtp://host:port of your mail server", "nothing")
                    )
                found[kind] = SmtpChannel(server, clock)
            case "refund" if isinstance(settings, PaymentSettings):
                channel = payment_channel(settings)
                if channel is None:
                    raise SettingsWrong(
                        ("ORDERLINK_PAYMENTS_URL", "the address of your payment provider", "nothing")
                    )
                found[kind] = channel
            case _:
                raise ValueError(f"there is no channel for effects of kind {kind}")
    return found
