"""`make images`: build every image, run each as production would, and write down what they are.

    python -m tests.images [--base IMAGE] [--network MODE] [--report]

Needs a Docker engine with BuildKit on Linux. Containers use the host's network, and the embedded
broker and database on it, so that workers come to be ready. `--base` names a local image where no
registry can be reached; `--network host` helps builds on machines whose containers reach nobody.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from shared.adapters.embedded import HOST, EmbeddedBroker, EmbeddedDatabase, free_port
from shared.contracts.catalog import SERVICES
from tests.images.engine import ROOT, EngineFailed, build, command_line, docker, inspected, run_options

REPORT: Final = ROOT / "docs" / "reports" / "images.md"
READY_SECONDS: Final = 180.0
STOP_SECONDS: Final = 20
_LOOK: Final = """
import json, pathlib, services
there = pathlib.Path(services.__file__).parent.glob("*/__init__.py")
contents = json.loads(pathlib.Path("/opt/orderlink/sbom.cdx.json").read_text())
print(json.dumps([sorted(each.parent.name for each in there), len(contents["components"])]))
"""
TOKEN: Final = "a-token-for-images-only"
MB: Final = 1_000_000


@dataclass(frozen=True)
class Ran:
    """What a container was like."""

    role: str
    ready_seconds: float
    memory: str
    stop_seconds: float
    exit_code: int


@dataclass(frozen=True)
class Image:
    """What an image is."""

    name: str
    size_bytes: int
    packages: int
    services: tuple[str, ...]
    ran: tuple[Ran, ...]


class ImagesWrong(Exception):
    """An image is not what it has to be. The text says how."""


def tag(service: str) -> str:
    """The name of an image."""
    return f"orderlink-{service}:local"


def main() -> int:
    """Build, run, report."""
    told = command_line("make images", "Images, built and run.", REPORT).parse_args()
    try:
        base, images = asyncio.run(_all(told.base, told.network))
    except (EngineFailed, ImagesWrong) as problem:
        sys.stderr.write(f"make images: {problem}\n")
        return 1
    page = report(base, images)
    sys.stdout.write(page)
    if told.report:
        REPORT.write_text(page, "utf-8")
    return 0


async def _all(base: str, network: str | None) -> tuple[dict[str, Any], list[Image]]:
    names = (*SERVICES, "cli", "sandbox")
    for name in names:
        began = time.monotonic()
        build(name, tag(name), base, network)
        sys.stderr.write(f"built {tag(name)} in {time.monotonic() - began:.0f} s\n")
    found = inspected(base, "image")
    with TemporaryDirectory() as directory:
        async with EmbeddedBroker(Path(directory)) as broker, EmbeddedDatabase(Path(directory)) as database:
            environment = {
                "KAFKA_BOOTSTRAP_SERVERS": broker.address,
                "MONGODB_URL": database.url,
                "ORDERLINK_TOKENS": json.dumps({TOKEN: {"name": "t", "scopes": ["admin"], "shops": ["*"]}}),
                "ORDERLINK_SMTP_URL": f"smtp://{HOST}:9",
                "ORDERLINK_PAYMENTS_URL": f"http://{HOST}:9",
            }
            _once("cli", environment, "topics", "make", "--partitions", "4", "--replication", "1")
            _once("cli", environment, "topics", "check", "--partitions", "4")
            return found, [look(name, environment) for name in names]


def look(name: str, environment: dict[str, str]) -> Image:
    """Run an image in all its roles and say what it is. Raises `ImagesWrong`."""
    about = inspected(tag(name), "image")
    if about["Config"]["User"] in ("", "0", "root"):
        raise ImagesWrong(f"{name}: expected a user without rights, got {about['Config']['User']!r}")
    _once(name, environment, "--help") if name != "sandbox" else None
    roles = ("api", "worker") if name in SERVICES else ("serve",) if name == "sandbox" else ()
    ran = tuple(_run(name, role, environment) for role in roles)
    found, packages = _inside(name)
    wanted = (name,) if name in SERVICES else SERVICES if name == "cli" else ()
    if sorted(found) != sorted(wanted):
        raise ImagesWrong(f"{name}: expected the services {wanted} inside, got {found}")
    return Image(name, int(about["Size"]), packages, found, ran)


def _once(name: str, environment: dict[str, str], *arguments: str) -> str:
    container = f"orderlink-once-{free_port()}"
    return docker("run", "--rm", *run_options(container, environment), tag(name), *arguments)


def _inside(name: str) -> tuple[tuple[str, ...], int]:
    """The services in an image, and how many packages its list of contents has."""
    options = run_options(f"orderlink-once-{free_port()}", {})
    python = ("--entrypoint", "/opt/orderlink/bin/python")
    services, packages = json.loads(docker("run", "--rm", *options, *python, tag(name), "-c", _LOOK))
    return tuple(services), int(packages)


def _run(name: str, role: str, environment: dict[str, str]) -> Ran:
    container, port = f"orderlink-{name}-{role}-{free_port()}", free_port()
    own = {"ORDERLINK_API_PORT": str(port), "ORDERLINK_WORKER_PORT": str(port)}
    if name == "sandbox":
        own |= {"ORDERLINK_SANDBOX_PORT": str(port), "ORDERLINK_SANDBOX_DIR": "/tmp/sandbox"}
        own["ORDERLINK_SANDBOX_SMTP_PORT"] = str(free_port())
    arguments = [] if name == "sandbox" else [role]
    health = ["--health-interval", "1s"]
    docker("run", "-d", *health, *run_options(container, {**environment, **own}), tag(name), *arguments)
    try:
        began = time.monotonic()
        while (state := inspected(container)["State"])["Health"]["Status"] != "healthy":
            if not state["Running"] or time.monotonic() - began > READY_SECONDS:
                raise ImagesWrong(f"{container} is not ready:\n{_said(container)}")
            time.sleep(0.2)
        ready_seconds = time.monotonic() - began
        _without_rights(container, state)
        memory = docker("stats", "--no-stream", "--format", "{{.MemUsage}}", container).split(" / ")[0]
        began = time.monotonic()
        docker("stop", "-t", str(STOP_SECONDS), container)
        stop_seconds = time.monotonic() - began
        code = int(inspected(container)["State"]["ExitCode"])
        if code:
            raise ImagesWrong(f"{container} ended with {code}:\n{_said(container)}")
        return Ran(role, ready_seconds, memory, stop_seconds, code)
    finally:
        docker("rm", "-f", container)


def _without_rights(container: str, state: dict[str, Any]) -> None:
    status = Path(f"/proc/{state['Pid']}/status").read_text("utf-8")
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    if facts["Uid"].split()[0] == "0" or int(facts["CapEff"], 16):
        raise ImagesWrong(f"{container} runs as {facts['Uid'].split()[0]} with rights {facts['CapEff']}")


def _said(container: str) -> str:
    return docker("logs", "--tail", "20", container)


def report(base: dict[str, Any], images: list[Image]) -> str:
    """The page docs/reports/images.md."""
    base_bytes = int(base["Size"])
    sizes, runs = list[str](), list[str]()
    for image in images:
        ours, inside = (image.size_bytes - base_bytes) / MB, ", ".join(image.services) or "–"
        size = f"{image.size_bytes / MB:.0f} MB | {ours:.0f} MB"
        sizes.append(f"| `{image.name}` | {size} | {image.packages} | {inside} |")
        for ran in image.ran:
            times = f"{ran.ready_seconds:.1f} s | {ran.memory} | {ran.stop_seconds:.1f} s"
            runs.append(f"| `{image.name}` | {ran.role} | {times} |")
    name = base["RepoTags"][0] if base["RepoTags"] else base["Id"]
    origin = "from a registry" if base["RepoDigests"] else "made on that machine, not the registry's"
    told = {"base": f"`{name}` ({origin})", "images": "\n".join(sizes), "runs": "\n".join(runs)}
    return _PAGE.format(when=datetime.now(UTC).date(), size=base_bytes / MB, **told)


_PAGE: Final = """\
# Images

Made by `make images REPORT=1` on {when}.
The base was {base} with {size:.0f} MB.
Sizes are uncompressed; "ours" is what lies above the base, compiled Python included. "Packages" is the
length of the list of contents (CycloneDX, `/opt/orderlink/sbom.cdx.json`).

| image | size | ours | packages | services inside |
| --- | ---: | ---: | ---: | --- |
{images}

Each was run as user 10001 without any capability, `no-new-privileges`, on a read-only root with a
`/tmp` in memory, and with its shells taken away. `ready` is until the image's own health check said so.

| image | role | ready | memory then | end after SIGTERM |
| --- | --- | ---: | ---: | ---: |
{runs}
"""


if __name__ == "__main__":
    sys.exit(main())
