"""`make compose`: start deploy/compose.yaml as a whole, use it, break it, stop it, and write down how it was.

    python -m tests.composed [--base IMAGE] [--network MODE] [--stand-ins] [--report]

Needs a Docker engine with BuildKit on Linux and `docker compose`; the file's ports must be free. It
runs as a project of its own, of which nothing is left. `--base` and `--network` are those of `make
images`; `--stand-ins` builds broker and database here, where no registry can be reached.
"""

import asyncio
import json
import os
import re
import sys
import time
from typing import Final

import yaml

from shared.adapters.embedded import EmbeddedError
from shared.cli.system import Addresses, System, SystemFailed
from shared.contracts.catalog import SERVICES
from tests.composed.project import FILE, UP_SECONDS, ComposeWrong, Project, Stop, composed, overridden
from tests.composed.report import REPORT, Crash, Found, Restart, page
from tests.composed.standins import build_stand_ins
from tests.composed.told import AMOUNT, Told, all_paid, all_there, one_story, traffic, until
from tests.images.engine import EngineFailed, command_line, docker, pip_secrets

CRASHED: Final = "aftersales-worker"
"""The one that pays."""
CALM_SECONDS: Final = 20.0
"""How long orders come before anything is broken, and after it."""
_KILL: Final = "import os, signal, sys; os.kill(int(sys.argv[1]), signal.SIGKILL)"


def main() -> int:
    """Start, use, break, stop, report."""
    parser = command_line("make compose", "deploy/compose.yaml, really run.", REPORT)
    parser.add_argument("--stand-ins", action="store_true", help="build broker and database here")
    wanted = parser.parse_args()
    try:
        with pip_secrets() as secrets:
            images = build_stand_ins(wanted.base, secrets, wanted.network) if wanted.stand_ins else {}
            with composed(overridden(wanted.base, wanted.network, secrets, images)) as project:
                found = asyncio.run(_all(project))
    except (ComposeWrong, EmbeddedError, EngineFailed, SystemFailed) as problem:
        sys.stderr.write(f"make compose: {problem}\n")
        return 1
    text = page(found, images)
    sys.stdout.write(text)
    if wanted.report:
        REPORT.write_text(text, "utf-8")
    return 0


async def _all(project: Project) -> Found:
    composition = yaml.safe_load(FILE.read_text("utf-8"))
    token = next(iter(json.loads(composition["x-environment"]["ORDERLINK_TOKENS"])))
    apis = {service: f"http://127.0.0.1:{8001 + place}" for place, service in enumerate(SERVICES)}
    addresses = Addresses(apis=apis, workers={}, kafka="127.0.0.1:9092", token=token, partitions=16)
    engine = docker("version", "--format", "{{.Server.Version}}")
    found = Found(versions=f"Docker {engine} and Compose {docker('compose', 'version', '--short')}")
    async with System(addresses) as system:
        told = Told(system)
        since = time.time()
        found.first = await _up(project, "--build")
        _say(f"all is up after {found.first:.0f} s")
        found.ready = {service: project.ready_seconds(service, since) for service in project.containers()}
        found.story = await one_story(told)
        _say("an order went through all four services")
        found.commands = _commands(project)
        found.memory = _memory(project)
        await _broken(project, told, found)
        await _nothing_lost(project, told)
        found.memory_after = _memory(project)
        events = _events(project)
        for ending in ("stop", "down"):
            found.stops[ending] = await _ended(project, ending)
            found.again[ending] = await _up(project)
            await _nothing_lost(project, told)
            if (now := _events(project)) != events:
                raise ComposeWrong(
                    f"after {ending} and up: expected {events} events on the topics, got {now}"
                )
            _say(f"after {ending} and up everything is there")
        found.facts, found.refunds, found.events = told.facts, len(told.refunds_owed), events
    return found


async def _up(project: Project, *how: str) -> float:
    """Start everything as the README says; seconds until all of it takes work."""
    began = time.monotonic()
    await asyncio.to_thread(project, "up", *how, "--wait", seconds=UP_SECONDS)
    return time.monotonic() - began


def _commands(project: Project) -> list[tuple[str, str]]:
    """Operators' commands, and what they said last."""
    asked = (
        ("topics", "check", "--partitions", "16"),
        ("topics", "lag"),
        ("audit",),
        ("dead-letters", "list"),
    )
    said = [(" ".join(words), project.run(*words)) for words in asked]
    board = project.console()
    if "Orders: 1 " not in board or f"{AMOUNT} EUR paid back" not in board:
        raise ComposeWrong(f"expected one order on the console, and its money paid back:\n{board}")
    return [*said, ("console", board)]


def _events(project: Project) -> int:
    """How many events stand on the topics; the audit fails where a number is missing or out of order."""
    return sum(int(topic["events"]) for topic in json.loads(project.run("audit", "--json")).values())


async def _nothing_lost(project: Project, told: Told) -> None:
    """Everything was paid once, heard by everybody, in order, and nothing was parked."""
    await all_paid(told.refunds_owed)
    await all_there(told)

    async def heard() -> bool:
        said = await asyncio.to_thread(project.run, "topics", "lag")
        return all(line.rstrip().endswith(" 0") for line in said.splitlines() if re.search(r"\.v1\b", line))

    await until("end of the lag", heard)
    _events(project)
    parked = json.loads(project.run("dead-letters", "list", "--json"))
    if any(each["sources"] for each in parked.values()):
        raise ComposeWrong(f"dead letters: {parked}")


async def _broken(project: Project, told: Told, found: Found) -> None:
    """Each service restarted and one worker killed, while orders come."""
    services = [name for name, it in project.containers().items() if it["State"]["Running"]]
    async with traffic(told):
        await asyncio.sleep(CALM_SECONDS)
        found.calm_seconds = told.longest_seconds
        for service in services:
            found.restarts[service] = await _restarted(project, told, service)
            found.loads.append(os.getloadavg()[0])
            _say(f"{service} was restarted")
        found.crash = await _crashed(project, told)
        _say(f"{CRASHED} was killed")
        await asyncio.sleep(CALM_SECONDS)


async def _restarted(project: Project, told: Told, service: str) -> Restart:
    told.longest_seconds, since = 0.0, time.time()
    await asyncio.to_thread(project, "restart", service)
    await asyncio.to_thread(project.until_healthy, service)
    stop = project.stopped(service, since)
    return Restart(stop, project.ready_seconds(service, since), told.longest_seconds)


async def _crashed(project: Project, told: Told) -> Crash:
    """Kill the process behind the engine's back: it is the engine that has to start it again."""
    before, since = project.containers()[CRASHED], time.time()
    options = ("--rm", "--pid", "host", "--user", "10001", "--entrypoint", "/opt/orderlink/bin/python")
    kill = ("run", *options, "orderlink-cli", "-c", _KILL, str(before["State"]["Pid"]))
    await asyncio.to_thread(docker, *kill)
    await asyncio.to_thread(project.until_restarted, CRASHED, int(before["RestartCount"]))
    await asyncio.to_thread(project.until_healthy, CRASHED)
    await all_paid(set(told.refunds_owed))
    paid, died = time.time(), project.died_at(CRASHED, since)
    return Crash(project.ready_seconds(CRASHED, since), paid - died)


async def _ended(project: Project, ending: str) -> dict[str, Stop]:
    """Stop everything, by `stop` or `down`; how each container ended."""
    services = [name for name, it in project.containers().items() if it["State"]["Running"]]
    since = time.time()
    await asyncio.to_thread(project, ending)
    return {service: project.stopped(service, since) for service in services}


def _memory(project: Project) -> dict[str, str]:
    """What each container holds now."""
    names = {it["Name"].removeprefix("/"): service for service, it in project.containers().items()}
    said = docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}")
    lines = (line.split(" / ")[0].split(maxsplit=1) for line in said.splitlines())
    return {names[name]: used for name, used in lines if name in names}


def _say(what: str) -> None:
    sys.stderr.write(f"{what}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
