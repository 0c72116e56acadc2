"""deploy/compose.yaml as a project of its own, and what the engine says about its containers."""

import json
import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import yaml

from tests.images.engine import DOCKER, ROOT, docker, inspected

FILE: Final = ROOT / "deploy" / "compose.yaml"
NAME: Final = "orderlink-composed"
"""Beside a project of the file's own name: its volumes are somebody's."""
LABEL: Final = "com.docker.compose.service"
UP_SECONDS: Final = 1800.0
COMMAND_SECONDS: Final = 300.0
HEALTHY_SECONDS: Final = 180.0
NANO: Final = 1e9
STOPPED_WELL: Final = (0, 143)
"""A Java machine that SIGTERM has ended cleanly says 128 and the signal's number."""


class ComposeWrong(Exception):
    """The system did not do what it has to. The text says what."""


@dataclass(frozen=True)
class Happening:
    """One event of a container, as the engine tells it."""

    at: float
    """Seconds since 1970."""
    service: str
    what: str
    """`start`, `kill`, `die`, `health_status: healthy`."""
    exit_code: int | None = None


@dataclass(frozen=True)
class Stop:
    """How a container ended after SIGTERM."""

    seconds: float
    exit_code: int


class Project:
    """Commands of `docker compose` about it."""

    def __init__(self, override: Path, happened: Path) -> None:
        self._files = ("-f", str(FILE), "-f", str(override))
        self._happened = happened

    def __call__(self, *arguments: str, seconds: float = COMMAND_SECONDS) -> str:
        """Run a command; what it wrote to stdout comes back. Raises `EngineFailed`."""
        return docker("compose", "-p", NAME, *self._files, *arguments, seconds=seconds)

    def run(self, *arguments: str) -> str:
        """A command of Orderlink's command line, from its image."""
        return self("run", "--rm", "-T", "cli", *arguments)

    def console(self) -> str:
        """The board, as it looks in a terminal of a hundred columns."""
        return self("run", "--rm", "-T", "--env", "COLUMNS=100", "console")

    def containers(self) -> dict[str, dict[str, Any]]:
        """What the engine knows of each container, ended ones too, by service."""
        ids = self("ps", "--all", "--quiet").split()
        found = [inspected(one) for one in ids]
        return {each["Config"]["Labels"][LABEL]: each for each in found}

    def until_healthy(self, service: str) -> None:
        """Return when a service's container says that it takes work. Raises `ComposeWrong`."""
        (name,) = self("ps", "--all", "--quiet", service).split()
        until = time.monotonic() + HEALTHY_SECONDS
        while (state := inspected(name)["State"])["Status"] != "running" or (
            state["Health"]["Status"] != "healthy"
        ):
            if time.monotonic() > until:
                raise ComposeWrong(f"{service} is not ready:\n{self('logs', '--tail', '20', service)}")
            time.sleep(0.2)

    def until_restarted(self, service: str, restarts: int) -> None:
        """Return when the engine has started a service's container again. Raises `ComposeWrong`."""
        (name,) = self("ps", "--all", "--quiet", service).split()
        until = time.monotonic() + HEALTHY_SECONDS
        while int(inspected(name)["RestartCount"]) <= restarts:
            if time.monotonic() > until:
                raise ComposeWrong(f"{service} was not started again after it was killed")
            time.sleep(0.2)

    def ready_seconds(self, service: str, since: float) -> float | None:
        """From a container's start to its first word that it takes work; None where it says none."""
        return _seconds_between(self._happenings(service, since), "start", "health_status: healthy")

    def died_at(self, service: str, since: float) -> float:
        """When a service's container ended. Raises `ComposeWrong` where it did not."""
        died = [each.at for each in self._happenings(service, since) if each.what == "die"]
        if not died:
            raise ComposeWrong(f"{service} was killed and did not end")
        return died[0]

    def stopped(self, service: str, since: float) -> Stop:
        """How a container ended. Raises `ComposeWrong` where it did not, or not by itself."""
        happened = self._happenings(service, since)
        codes = [each.exit_code for each in happened if each.what == "die"]
        seconds = _seconds_between(happened, "kill", "die")
        if seconds is None or codes[-1] not in STOPPED_WELL:
            last = self("logs", "--tail", "20", service)
            raise ComposeWrong(f"{service} did not end well, exit code {codes}:\n{last}")
        return Stop(seconds, codes[-1])

    def _happenings(self, service: str, since: float) -> list[Happening]:
        """What happened to a service's container, in order."""
        found = [_happening(json.loads(line)) for line in self._happened.read_text("utf-8").splitlines()]
        return [each for each in found if each.at >= since and each.service == service]


def _happening(raw: Mapping[str, Any]) -> Happening:
    about = raw["Actor"]["Attributes"]
    code = about.get("exitCode")
    return Happening(raw["timeNano"] / NANO, about[LABEL], raw["Action"], None if code is None else int(code))


def _seconds_between(happened: list[Happening], first: str, then: str) -> float | None:
    began = next((each.at for each in happened if each.what == first), None)
    if began is None:
        return None
    return next((each.at - began for each in happened if each.what == then and each.at >= began), None)


def overridden(
    base: str, network: str | None, secrets: Mapping[str, Path], images: Mapping[str, str]
) -> dict[str, Any]:
    """A second compose file: what this machine's builds must be told, and images that are made here."""
    services: dict[str, Any] = {
        name: {"image": image, "pull_policy": "never"} for name, image in images.items()
    }
    build: dict[str, Any] = {"args": {"BASE": base}, "secrets": list(secrets)}
    if network is not None:
        build["network"] = network
    for name, it in yaml.safe_load(FILE.read_text("utf-8"))["services"].items():
        if "build" in it:
            services[name] = {"build": build}
    return {"services": services, "secrets": {name: {"file": str(file)} for name, file in secrets.items()}}


@contextmanager
def composed(override: Mapping[str, Any]) -> Generator[Project]:
    """The project, with nothing of it there before and nothing left afterwards."""
    with TemporaryDirectory() as directory:
        file, happened = Path(directory) / "compose.json", Path(directory) / "happened"
        file.write_text(json.dumps(override))
        project = Project(file, happened)
        remove = ("--profile", "tools", "down", "--volumes", "--remove-orphans", "--timeout", "5")
        project(*remove)
        with happened.open("wb") as said, _heard(said):
            try:
                yield project
            finally:
                project(*remove)


@contextmanager
def _heard(said: Any) -> Generator[None]:
    """Listen all the time: the engine remembers few events, and most are of health checks."""
    wanted = ("start", "kill", "die", "health_status")
    filters = [part for what in wanted for part in ("--filter", f"event={what}")]
    filters += ["--filter", f"label=com.docker.compose.project={NAME}"]
    command = [DOCKER, "events", *filters, "--format", "{{json .}}"]
    listening = subprocess.Popen(command, stdout=said, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        listening.terminate()
        listening.wait()
