"""The page docs/reports/compose.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.chaos.report import machine
from tests.composed.project import Stop

REPORT: Final = Path(__file__).parents[2] / "docs" / "reports" / "compose.md"


@dataclass(frozen=True)
class Restart:
    """A service that was restarted while orders came."""

    stop: Stop
    ready_seconds: float | None
    """From its new start until it said that it takes work."""
    longest_seconds: float
    """The longest that a fact took meanwhile to be accepted, asking again included."""


@dataclass(frozen=True)
class Crash:
    """A worker that was killed while orders came."""

    ready_seconds: float | None
    """From its new start until it said that it takes work."""
    caught_up_seconds: float
    """From its death until all refunds were paid that were owed when it was back."""


@dataclass
class Found:
    """What a run has seen."""

    versions: str = ""
    loads: list[float] = field(default_factory=list[float])
    first: float = 0.0
    ready: dict[str, float | None] = field(default_factory=dict[str, float | None])
    story: list[str] = field(default_factory=list[str])
    commands: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    memory: dict[str, str] = field(default_factory=dict[str, str])
    memory_after: dict[str, str] = field(default_factory=dict[str, str])
    calm_seconds: float = 0.0
    restarts: dict[str, Restart] = field(default_factory=dict[str, Restart])
    crash: Crash = Crash(0.0, 0.0)
    stops: dict[str, dict[str, Stop]] = field(default_factory=dict[str, dict[str, Stop]])
    again: dict[str, float] = field(default_factory=dict[str, float])
    facts: int = 0
    refunds: int = 0
    events: int = 0


def page(found: Found, images: Mapping[str, str]) -> str:
    """It as Markdown."""
    kept = [service for service in found.ready if service in found.restarts]
    starts = [
        f"| `{service}` | {_seconds(found.ready[service])} | {found.memory[service]} | "
        f"{found.memory_after[service]} |"
        for service in kept
    ]
    restarts = [
        f"| `{service}` | {_stop(it.stop)} | {_seconds(it.ready_seconds)} | {it.longest_seconds:.1f} s |"
        for service, it in found.restarts.items()
    ]
    stops = [
        f"| `{service}` | {_stop(found.stops['stop'][service])} | {_stop(found.stops['down'][service])} |"
        for service in kept
    ]
    commands = [f"$ orderlink {asked}\n{_trimmed(said)}\n" for asked, said in found.commands]
    return _PAGE.format(
        when=datetime.now(UTC).date(),
        parts=_BUILT_HERE if images else _PULLED,
        versions=found.versions,
        machine="\n".join(machine(found.loads)),
        first=found.first,
        starts="\n".join(starts),
        story="\n".join(found.story),
        commands="\n".join(commands).rstrip(),
        calm=found.calm_seconds,
        restarts="\n".join(restarts),
        crash=found.crash,
        crash_ready=_seconds(found.crash.ready_seconds),
        facts=found.facts,
        refunds=found.refunds,
        events=found.events,
        stops="\n".join(stops),
        again=found.again,
    )


def _trimmed(said: str) -> str:
    return "\n".join(line.rstrip() for line in said.strip("\n").splitlines())


def _seconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.1f} s"


def _stop(stop: Stop) -> str:
    return f"{stop.seconds:.1f} s, {stop.exit_code}"


_PULLED: Final = "Broker and database were the images that the file names."
_BUILT_HERE: Final = (
    "No registry could be reached: the broker was Apache Kafka of the file's version in an image built\n"
    "there, **the database not MongoDB** but the embedded one in a container."
)

_PAGE: Final = """\
# The compose file, run

Made by `make compose REPORT=1` on {when}, with {versions}.
{parts}
{machine}

## Start

`docker compose -f deploy/compose.yaml up --build --wait` came back after {first:.0f} s, images that had
to be built included. `ready` is from a container's own start; its health is asked every five or ten
seconds, so that is how fine it is. Memory is after the first order, and after all orders below.

| container | ready | memory | memory, later |
| --- | ---: | ---: | ---: |
{starts}

## An order through all four services

Told and asked through the published ports; an agent claims and completes the task. The order's timeline as
`GET /orders/{{id}}/timeline` of notifications has it, and what the sandbox shows:

```
{story}
```

## The command line

Each by `docker compose -f deploy/compose.yaml run --rm cli …`:

```
{commands}
```

## Restarts under traffic

Two orders a second were placed, paid and wanted back; each is owed one refund. With nothing broken a
fact was accepted within {calm:.1f} s. `docker compose restart` of one container after the other: the
seconds from SIGTERM to its end with its exit code, those of its next start, and the longest that a fact
took meanwhile until it was accepted, told again and again as a shop's platform would.

| container | ended, exit code | ready again | longest fact |
| --- | ---: | ---: | ---: |
{restarts}

Then the worker of aftersales, who pays, was killed with SIGKILL. The engine started it again, which took
{crash_ready}; all refunds owed by then were paid {crash.caught_up_seconds:.0f} s after its death.

**Nothing was lost and nothing done twice**: {facts} facts accepted, {refunds} refunds owed and paid once
each, {events} events on the topics in order and without gaps, no dead letter.

## Stop, and start again

`docker compose stop`, then `up --wait` ({again[stop]:.0f} s); `docker compose down`, then `up --wait`
({again[down]:.0f} s), volumes kept. After each all of it was there, asked and audited again.

| container | stop: ended, exit code | down: ended, exit code |
| --- | ---: | ---: |
{stops}

143 is how a Java machine says that it ended cleanly after SIGTERM.
"""
