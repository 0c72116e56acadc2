"""What operators' commands stand on: the broker, the database and the engine of a service by name.

The environment says where broker and database are, as it does for the services. Where it says
nothing, what `orderlink up` left in `.orderlink/running.json` is used: the embedded pair.
"""

import json
import os
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from shared.adapters.clock import SystemClock
from shared.adapters.database import database_from
from shared.adapters.kafka_admin import KafkaAdmin
from shared.adapters.kafka_broker import broker_from
from shared.adapters.kafka_publisher import KafkaPublisher
from shared.adapters.motor_store import MotorStore
from shared.adapters.profile_files import ProfilesWrong
from shared.adapters.restrained import Restrained
from shared.adapters.settings import CommonSettings, SettingsWrong, from_environment
from shared.adapters.wiring import profiles_from
from shared.cli.loading import NotInstalled, load_services
from shared.contracts.catalog import SERVICES, dead_letter_topic
from shared.runtime.engine import Engine
from shared.runtime.metrics import NoMetrics
from shared.runtime.parked import ReadLetters
from shared.runtime.ports import PortError, Publisher
from shared.runtime.work import Contended

RUNNING: Final = Path(".orderlink") / "running.json"

FAILURES: Final = (PortError, Contended, ProfilesWrong, NotInstalled, ValueError, OSError)
"""What a command says in one line instead of a traceback."""


def remember_servers(directory: Path, kafka: str, mongodb: str) -> None:
    """Leave word of where broker and database are, for commands in the same directory."""
    path = directory / RUNNING.name
    path.write_text(json.dumps({"kafka": kafka, "mongodb": mongodb}))
    path.chmod(0o600)


def settings_now() -> CommonSettings:
    """The settings of the environment, with the embedded pair where it names no servers.

    Raises `SettingsWrong`.
    """
    settings = from_environment(CommonSettings)
    if "KAFKA_BOOTSTRAP_SERVERS" in os.environ or "MONGODB_URL" in os.environ or not RUNNING.is_file():
        return settings
    running = json.loads(RUNNING.read_text())
    found = {
        "kafka_bootstrap_servers": running["kafka"],
        "mongodb_url": SecretStr(running["mongodb"]),
    }
    return settings.model_copy(update=found)


@contextmanager
def plainly(command: str) -> Generator[None]:
    """Say what went wrong in a line, and end with 1."""
    try:
        yield
    except SettingsWrong as wrong:
        typer.echo(wrong.block(f"orderlink {command}"), err=True)
        raise typer.Exit(2) from wrong
    except FAILURES as problem:
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(f"[red]orderlink {command}:[/red] {problem}")
        raise typer.Exit(1) from problem


def admin_of(settings: CommonSettings) -> KafkaAdmin:
    """The broker's administration."""
    return KafkaAdmin(broker_from(settings))


def letters_of(service: str, settings: CommonSettings) -> ReadLetters:
    """Reads the dead letters of a service."""
    admin = admin_of(settings)
    return lambda start: admin.read_all(dead_letter_topic(service), start)


@asynccontextmanager
async def engine_of(
    service_name: str, settings: CommonSettings, *, only_letters: bool = False
) -> AsyncGenerator[Engine]:
    """A service's engine on its real files and topics, in this process.

    With `only_letters` it writes dead letters and no events: those wait for the workers.
    """
    (service,) = load_services(service_name)
    database = f"{settings.mongodb_database_prefix}{service_name}"
    store = MotorStore(database_from(settings), database, service.listed_by)
    publisher: Publisher = KafkaPublisher(broker_from(settings), client_id="orderlink-operator")
    if only_letters:
        publisher = Restrained(publisher, (dead_letter_topic(service_name),))
    profiles = profiles_from(settings)
    try:
        await store.ping()
        # Nobody stays here to clear later what the broker has taken.
        limits = settings.model_copy(update={"clear_after_seconds": 0.0})
        yield Engine(service, store, publisher, SystemClock(), profiles.of, limits, NoMetrics())
    finally:
        await publisher.close()
        await store.close()


@contextmanager
def progress(what: str) -> Generator[Callable[[int, int], None]]:
    """A bar on stderr: call it with how much is done and how much there is."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(what, total=None)

        def show(done: int, total: int) -> None:
            bars.update(bar, completed=done, total=total)

        yield show


def known_service(name: str) -> str:
    """A service's name as an option. Raises `typer.BadParameter`."""
    if name not in SERVICES:
        raise typer.BadParameter(f"expected one of {', '.join(SERVICES)}, got {name!r}")
    return name
