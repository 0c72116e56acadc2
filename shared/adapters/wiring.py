"""What the settings of a process come to, read as a whole, so that everything wrong is told at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from shared.adapters.credentials import Line
from shared.adapters.database import Database, database_from
from shared.adapters.http.auth import Door, door_from
from shared.adapters.inlet_settings import OpenInlet, inlets_from
from shared.adapters.kafka_broker import Broker, broker_from
from shared.adapters.payments import payment_channel
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


def wiring_of(service: Service, settings: CommonSettings, role: Role, clock: Clock) -> Wiring:
    """What this process needs in its role. Raises `SettingsWrong` with all that is wrong."""
    lines: list[Line] = []

    def tried(make: Callable[[], Made]) -> Made | None:
        try:
            return make()
        except SettingsWrong as wrong:
            lines.extend(wrong.lines)
            return None

    serves, works = role in ("api", "all"), role in ("worker", "all")
    broker = tried(lambda: broker_from(settings))
    database = tried(lambda: database_from(settings))
    door = tried(lambda: door_from(settings)) if serves else None
    inlets = tried(lambda: inlets_from(settings, service)) if serves else {}
    outsides = tried(lambda: outsides_from(service, settings, clock)) if works else {}
    if broker is None or database is None or inlets is None or outsides is None or lines:
        raise SettingsWrong(*lines)
    return Wiring(broker, database, door, inlets, outsides)


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
