"""deploy/compose.yaml: every name in it is a real one, and nothing in it is reachable from elsewhere."""

import re
import runpy
import shutil
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.adapters.sandbox import SandboxSettings
from shared.adapters.setting_values import PREFIX
from shared.adapters.settings import CommonSettings, variable
from shared.cli.main import COMMANDS
from shared.contracts.catalog import SERVICES
from tests.images.test_dockerfile import DOCKERFILE, instructions
from tests.kit.apache import KAFKA_VERSION

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deploy" / "compose.yaml"
COMPOSED: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
CONTAINERS: dict[str, dict[str, Any]] = COMPOSED["services"]
OURS = {name: it for name, it in CONTAINERS.items() if "build" in it}
OTHERS = CONTAINERS.keys() - OURS.keys()
ASSEMBLE = runpy.run_path(str(ROOT / "deploy" / "image" / "assemble.py"))


def known(service: str) -> set[str]:
    """The variables that a container of this service may be told."""
    if service == "sandbox":
        return {f"{PREFIX}SANDBOX_{name.upper()}" for name in SandboxSettings.model_fields}
    own: type[CommonSettings] = (
        CommonSettings if service == "cli" else import_module(f"services.{service}.settings").Settings
    )
    return {variable(own, name) for name in own.model_fields}


def test_there_is_everything_that_orderlink_is() -> None:
    assert {"kafka", "mongodb"} == OTHERS
    roles = {f"{service}-{role}" for service in SERVICES for role in ("api", "worker")}
    assert OURS.keys() == roles | {"topics", "sandbox", "cli", "console"}


def test_what_is_only_run_by_hand_starts_by_no_other_command() -> None:
    by_hand = {name for name, it in CONTAINERS.items() if "profiles" in it}
    assert by_hand == {"cli", "console"}
    assert CONTAINERS["console"]["command"][0] in COMMANDS


def test_the_broker_is_the_one_that_tests_run_on() -> None:
    assert CONTAINERS["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"
    assert re.fullmatch(r"\d+\.\d+\.\d+", KAFKA_VERSION)


def test_what_has_to_last_is_on_a_volume() -> None:
    kept = {volume.split(":")[1] for it in CONTAINERS.values() for volume in it.get("volumes", ())}
    assert CONTAINERS["kafka"]["environment"]["KAFKA_LOG_DIRS"] in kept
    assert CONTAINERS["sandbox"]["environment"]["ORDERLINK_SANDBOX_DIR"] in kept
    owned = [rest for name, rest in instructions(DOCKERFILE.read_text("utf-8")) if name == "COPY"]
    assert "--from=build --chown=10001:10001 /build/kept /var/lib/orderlink" in owned


def test_what_runs_on_is_started_again_when_it_ends() -> None:
    runs_on = CONTAINERS.keys() - {"topics", "cli", "console"}
    assert {name for name, it in CONTAINERS.items() if it.get("restart") == "unless-stopped"} == runs_on


@pytest.mark.parametrize("name", OURS)
def test_an_image_is_built_of_what_there_is(name: str) -> None:
    build = OURS[name]["build"]
    assert (FILE.parent / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()
    service = build["args"]["SERVICE"]
    assert service in (*ASSEMBLE["SERVICES"], *ASSEMBLE["STARTS"])
    assert (ROOT / "requirements" / f"{build['args'].get('PINS', 'run')}.txt").is_file()
    assert OURS[name]["image"] == f"orderlink-{service}"
    if service in SERVICES:
        assert [name] == [f"{service}-{role}" for role in OURS[name]["command"]]


@pytest.mark.parametrize("name", OURS)
def test_a_container_is_told_real_settings_only(name: str) -> None:
    told = OURS[name]["environment"].keys()
    assert told <= known(OURS[name]["build"]["args"]["SERVICE"])


def test_a_setting_that_is_none_would_be_seen() -> None:
    assert "ORDERLINK_TOKEN_FILE" not in known("orders")


@pytest.mark.parametrize("name", OURS)
def test_a_container_has_no_rights_and_a_read_only_root(name: str) -> None:
    it = OURS[name]
    assert it["read_only"] is True
    assert it["tmpfs"] == ["/tmp"]
    assert it["cap_drop"] == ["ALL"]
    assert it["security_opt"] == ["no-new-privileges:true"]


def test_everything_waits_for_what_it_needs_and_that_can_be_waited_for() -> None:
    for name, it in CONTAINERS.items():
        for other, told in it.get("depends_on", {}).items():
            assert other in CONTAINERS, (name, other)
            if told["condition"] == "service_healthy" and other in OTHERS:
                assert CONTAINERS[other]["healthcheck"]["test"][0] == "CMD"
    for service in SERVICES:
        for role in ("api", "worker"):
            needed = OURS[f"{service}-{role}"]["depends_on"]
            assert needed["topics"]["condition"] == "service_completed_successfully"
            assert needed["mongodb"]["condition"] == "service_healthy"


def test_ports_are_this_machines_alone_and_used_once() -> None:
    ports = [port for it in CONTAINERS.values() for port in it.get("ports", ())]
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports)
    outside = [port.split(":")[1] for port in ports]
    assert len(outside) == len(set(outside))


def test_no_image_of_others_is_whatever_is_newest() -> None:
    for name in OTHERS:
        assert re.search(r":\d+\.\d+", CONTAINERS[name]["image"])


def test_a_container_has_longer_to_end_than_it_takes() -> None:
    drain: float = CommonSettings.model_fields["drain_max_seconds"].default
    for service in SERVICES:
        grace = OURS[f"{service}-worker"]["stop_grace_period"]
        assert float(grace.removesuffix("s")) > drain


def _has_compose() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    return subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _has_compose(), reason="no docker compose here")
def test_compose_itself_takes_it() -> None:
    checked = subprocess.run(
        ["docker", "compose", "-f", str(FILE), "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.stderr, checked.returncode) == ("", 0)
