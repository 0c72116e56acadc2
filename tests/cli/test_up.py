"""`orderlink up` from the first line to Ctrl-C: what it prints works, and nothing stays behind."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.adapters.embedded import port_is_free
from shared.cli.stack import Ports

ROOT = Path(__file__).parents[2]
END_SECONDS = 10.0

pytestmark = [pytest.mark.processes, pytest.mark.slow(20), pytest.mark.timeout(180)]


def free_base() -> int:
    """A base of ports that are all free, below those that outgoing connections take."""
    for base in range(20_000 + os.getpid() % 10_000, 32_000, 20):
        if all(port_is_free(port) for port in Ports.from_base(base).named(embedded=True).values()):
            return base
    raise AssertionError("no ports are free")


class Up:
    """A running `orderlink up`, its output in a file."""

    def __init__(self, folder: Path) -> None:
        self.output = folder / "output.txt"
        self._file = self.output.open("w")
        program = "from shared.cli.main import main; main()"
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                program,
                "up",
                "--data",
                str(folder / "kept"),
                "--port-base",
                str(free_base()),
            ],
            cwd=ROOT,
            stdout=self._file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def text(self) -> str:
        return self.output.read_text()

    def children(self) -> list[int]:
        """Processes that have this one as their parent."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[1]) == self.process.pid:
                found.append(int(stat.parent.name))
        return found

    def wait(self, true: Callable[[], bool], seconds: float) -> None:
        until = time.monotonic() + seconds
        while not true():
            assert self.process.poll() is None, self.text
            assert time.monotonic() < until, self.text
            time.sleep(0.1)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._file.close()


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    started = Up(tmp_path)
    yield started
    started.close()


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_printed_lines_work_and_ctrl_c_ends_everything_in_time(up: Up) -> None:
    up.wait(lambda: "Ctrl-C stops everything." in up.text, 90)
    script = "\n".join(re.findall(r"^(?:TOKEN=|curl ).*$", up.text, re.MULTILINE))
    ran = subprocess.run(
        ["bash", "-euc", script.replace("curl -s", "curl -sSf")], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert '"fits":true' in ran.stdout
    assert "The order was paid" in ran.stdout
    children = up.children()
    assert len(children) == 11  # broker, database, sandbox, four APIs, four workers
    began = time.monotonic()
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(timeout=END_SECONDS) == 0
    assert time.monotonic() - began < END_SECONDS
    assert alive(children) == []
    assert "All stopped." in up.text


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_killed_half_way_through_its_start_it_leaves_nothing_behind(up: Up) -> None:
    up.wait(lambda: "four workers" in up.text and len(up.children()) == 11, 60)
    children = up.children()
    up.process.kill()
    up.process.wait()
    until = time.monotonic() + 5
    while alive(children) and time.monotonic() < until:
        time.sleep(0.1)
    assert alive(children) == []
