"""Child processes are restarted a few times, and never outlive their parent."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from shared.cli.children import RESTARTS_MAX, Child, ChildFailed, Nursery

SLEEPS = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
FAILS = [sys.executable, "-c", "import sys; print('no good', flush=True); sys.exit(3)"]
IGNORES = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
DEAF = [sys.executable, "-c", IGNORES + "import time; print('up', flush=True); time.sleep(60)"]


@pytest.fixture
async def nursery() -> AsyncIterator[Nursery]:
    made = Nursery(list[str]().append)
    yield made
    await made.stop(within_seconds=0.5)


def child(name: str, command: list[str], folder: Path) -> Child:
    return Child(name, command, os.environ, folder / f"{name}.log")


async def until(true: Callable[[], bool]) -> None:
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to pass within 10 s")


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


async def test_a_child_that_is_killed_is_started_again_and_said_to_be(tmp_path: Path) -> None:
    said: list[str] = []
    nursery = Nursery(said.append)
    sleeper = nursery.add(child("sleeper", SLEEPS, tmp_path))
    watching = asyncio.create_task(nursery.watch())
    first = sleeper.pid
    assert first is not None
    sleeper.signal(signal.SIGKILL)
    await until(lambda: sleeper.pid not in {None, first})
    watching.cancel()
    await nursery.stop(within_seconds=5)
    assert said == [f"sleeper was ended by SIGKILL; starting it again (1 of {RESTARTS_MAX})"]


async def test_a_child_that_ends_too_often_ends_the_watch_with_its_log(
    nursery: Nursery, tmp_path: Path
) -> None:
    nursery.add(child("wrong", FAILS, tmp_path))
    with pytest.raises(ChildFailed, match=r"wrong ended with code 3, for the 6th time(.|\n)*no good"):
        async with asyncio.timeout(20):
            await nursery.watch()


async def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    nursery = Nursery(list[str]().append)
    deaf = nursery.add(child("deaf", DEAF, tmp_path))
    await until(lambda: "up" in deaf.tail())
    await nursery.stop(within_seconds=0.3)
    assert deaf.code == -signal.SIGKILL


async def test_a_frozen_child_is_ended(tmp_path: Path) -> None:
    nursery = Nursery(list[str]().append)
    frozen = nursery.add(child("frozen", SLEEPS, tmp_path))
    await until(lambda: "up" in frozen.tail())
    frozen.signal(signal.SIGSTOP)
    await nursery.stop(within_seconds=5)
    assert frozen.code == -signal.SIGTERM


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
async def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(  # noqa: ASYNC220  # it is to be killed, not awaited
        [
            sys.executable,
            "-c",
            textwrap.dedent(
                f"""
                import os, sys, time
                from pathlib import Path
                from shared.cli.children import Child
                sleeper = Child("sleeper", {SLEEPS!r}, os.environ, Path({str(tmp_path)!r}) / "log")
                sleeper.start()
                print(sleeper.pid, flush=True)
                time.sleep(60)
                """
            ),
        ],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
    await until(lambda: "up" in (tmp_path / "log").read_text())
    parent.kill()
    parent.wait()
    await until(lambda: not is_running(pid))
