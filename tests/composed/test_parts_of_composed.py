"""What `make compose` stands on: the second compose file, the engine's events, and the page."""

import json
from pathlib import Path

import pytest
import yaml

from tests.composed.project import FILE, LABEL, ComposeWrong, Project, Stop, overridden
from tests.composed.report import Crash, Found, Restart, page
from tests.composed.standins import KAFKA

SERVICES = yaml.safe_load(FILE.read_text("utf-8"))["services"]


def project(directory: Path, *happened: tuple[float, str, str, int | None]) -> Project:
    lines = [
        {
            "timeNano": int(at * 1e9),
            "Action": what,
            "Actor": {
                "Attributes": {LABEL: service, **({} if code is None else {"exitCode": str(code)})},
            },
        }
        for at, service, what, code in happened
    ]
    said = directory / "happened"
    said.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return Project(directory / "none.json", said)


def test_every_build_is_told_of_this_machine_and_nothing_else_is_changed() -> None:
    found = overridden("base:1", "host", {"pip.conf": Path("/tmp/pip.conf")}, {"kafka": KAFKA})
    built = {name for name, it in SERVICES.items() if "build" in it}
    assert found["services"].keys() == built | {"kafka"}
    for name in built:
        assert found["services"][name] == {
            "build": {"args": {"BASE": "base:1"}, "secrets": ["pip.conf"], "network": "host"}
        }
    assert found["services"]["kafka"] == {"image": KAFKA, "pull_policy": "never"}
    assert found["secrets"] == {"pip.conf": {"file": "/tmp/pip.conf"}}


def test_the_stand_in_is_the_broker_that_the_file_names() -> None:
    assert KAFKA.partition(":")[2] == SERVICES["kafka"]["image"].partition(":")[2]


def test_a_start_is_timed_from_its_own_beginning(tmp_path: Path) -> None:
    seen = project(
        tmp_path,
        (1.0, "a", "start", None),
        (3.0, "a", "health_status: healthy", None),
        (10.0, "a", "start", None),
        (10.5, "b", "health_status: healthy", None),
        (14.0, "a", "health_status: healthy", None),
    )
    assert seen.ready_seconds("a", 0.0) == pytest.approx(2.0)
    assert seen.ready_seconds("a", 5.0) == pytest.approx(4.0)
    assert seen.ready_seconds("b", 0.0) is None


def test_an_end_is_timed_from_the_first_signal(tmp_path: Path) -> None:
    seen = project(tmp_path, (1.0, "a", "kill", None), (2.5, "a", "die", 143))
    stop = seen.stopped("a", 0.0)
    assert stop.seconds == pytest.approx(1.5)
    assert stop.exit_code == 143


@pytest.mark.parametrize("code", [1, 137, 255])
def test_an_end_that_was_none_of_its_own_is_no_stop(
    tmp_path: Path, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def logs(*_arguments: object) -> str:
        return "its last words"

    seen = project(tmp_path, (1.0, "a", "kill", None), (2.5, "a", "die", code))
    monkeypatch.setattr(Project, "__call__", logs)
    with pytest.raises(ComposeWrong, match=rf"a did not end well, exit code \[{code}\]:\nits last words"):
        seen.stopped("a", 0.0)


def test_the_page_has_every_container_and_says_what_stood_in() -> None:
    stop = Stop(1.25, 0)
    found = Found(
        versions="Docker 1 and Compose 2",
        loads=[1.0],
        ready={"topics": None, "kafka": 5.0},
        memory={"kafka": "300MiB"},
        memory_after={"kafka": "310MiB"},
        restarts={"kafka": Restart(stop, 6.0, 0.5)},
        crash=Crash(4.0, 9.0),
        stops={"stop": {"kafka": stop}, "down": {"kafka": Stop(2.0, 143)}},
        again={"stop": 20.0, "down": 30.0},
        commands=[("topics lag", "0")],
    )
    text = page(found, {})
    assert "| `kafka` | 5.0 s | 300MiB | 310MiB |" in text
    assert "| `kafka` | 1.2 s, 0 | 2.0 s, 143 |" in text
    assert "the images that the file names" in text
    assert "not MongoDB" not in text
    assert "not MongoDB" in page(found, {"kafka": KAFKA})
