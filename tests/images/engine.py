"""The Docker engine, and what of this machine's ways to packages a build must be told."""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
DOCKER: Final = os.environ.get("DOCKER", "docker")
"""The program; another one where the first on the path is no good."""
BUILD_SECONDS: Final = 900.0
COMMAND_SECONDS: Final = 120.0
PASSED_ON: Final = ("index-url", "extra-index-url", "trusted-host", "timeout", "default-timeout", "proxy")
_SETTING: Final = re.compile(r"^[^.]*\.([a-z-]+)='(.*)'$")
_SHELLS: Final = ("/bin/sh", "/bin/dash", "/bin/bash")


class EngineFailed(Exception):
    """A command of the engine did not succeed. The text is its own."""


def command_line(program: str, description: str, report: Path) -> argparse.ArgumentParser:
    """The options of what builds images here: what they are built on, and whether a page is written."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--base", default=_default_base(), help="the image to build on (%(default)s)")
    parser.add_argument("--network", help="the network of the builds, as `docker build` knows it")
    parser.add_argument("--report", action="store_true", help=f"write {report.relative_to(ROOT)}")
    return parser


def _default_base() -> str:
    """What the Dockerfile builds on."""
    text = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    return next(line for line in text.splitlines() if line.startswith("ARG BASE=")).removeprefix("ARG BASE=")


def docker(*arguments: str, seconds: float = COMMAND_SECONDS, **environment: str) -> str:
    """Run a command of the engine; what it said comes back. Raises `EngineFailed`."""
    told = {**os.environ, **environment}
    try:
        done = subprocess.run(
            [DOCKER, *arguments], capture_output=True, text=True, timeout=seconds, check=False, env=told
        )
    except FileNotFoundError as problem:
        raise EngineFailed(
            f"there is no program {DOCKER}: install Docker, or name one in DOCKER"
        ) from problem
    except subprocess.TimeoutExpired as problem:
        raise EngineFailed(f"docker {arguments[0]} took longer than {seconds:.0f} s") from problem
    if done.returncode:
        raise EngineFailed(f"docker {' '.join(arguments[:2])}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout.strip("\n")


def inspected(name: str, kind: str = "container") -> dict[str, Any]:
    """What the engine knows of a container or an image."""
    (found,) = json.loads(docker(kind, "inspect", name))
    known: dict[str, Any] = found
    return known


def build(service: str, tag: str, base: str, network: str | None) -> None:
    """Build one image as deploy/Dockerfile says. Raises `EngineFailed`."""
    revision = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    told = {"SERVICE": service, "REVISION": revision or "unknown", "BASE": base}
    if service == "sandbox":
        told["PINS"] = "sandbox"
    with pip_secrets() as secrets:
        built_from(ROOT / "deploy" / "Dockerfile", ROOT, tag, told, secrets, network)


def built_from(
    dockerfile: Path,
    context: Path,
    tag: str,
    told: Mapping[str, str],
    secrets: Mapping[str, Path],
    network: str | None,
) -> None:
    """Build any image, with these arguments and secrets. Raises `EngineFailed`."""
    options = [option for name, value in told.items() for option in ("--build-arg", f"{name}={value}")]
    options += [option for name, file in secrets.items() for option in ("--secret", f"id={name},src={file}")]
    options += [] if network is None else ["--network", network]
    command = ("build", "-f", str(dockerfile), *options, "-t", tag, str(context))
    docker(*command, seconds=BUILD_SECONDS, DOCKER_BUILDKIT="1")


@contextmanager
def pip_secrets() -> Generator[dict[str, Path]]:
    """How pip finds packages on this machine, as secrets of a build by id; its folders are left out."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    matches = (_SETTING.match(line) for line in listed.splitlines())
    found: dict[str, str] = {match[1]: match[2] for match in matches if match}
    lines = [f"{name} = {found[name]}" for name in PASSED_ON if name in found]
    secrets: dict[str, Path] = {}
    if cert := found.get("cert"):
        lines.append("cert = /run/secrets/ca.pem")
        secrets["ca.pem"] = Path(cert)
    with TemporaryDirectory() as directory:
        conf = Path(directory) / "pip.conf"
        conf.write_text("\n".join(["[global]", *lines, ""]))
        yield {**secrets, "pip.conf": conf} if lines else {}


def run_options(name: str, environment: dict[str, str]) -> list[str]:
    """How every container is run here: no rights, nothing to write to but /tmp, and no shell."""
    options = ["--name", name, "--network", "host", "--read-only", "--tmpfs", "/tmp"]
    options += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    options += [part for shell in _SHELLS for part in ("--volume", f"/dev/null:{shell}:ro")]
    return options + [part for key, value in environment.items() for part in ("--env", f"{key}={value}")]
