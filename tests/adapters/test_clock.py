"""The three clocks: what each shows, and that a shared one is never seen half-written."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from shared.adapters.clock import FileClock, FileClockWriter, SystemClock, VirtualClock
from shared.runtime.ports import Clock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_every_clock_shows_an_aware_moment_in_utc(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    with FileClockWriter(path, NOON):
        clocks: list[Clock] = [SystemClock(), VirtualClock(NOON), FileClock(path)]
        for clock in clocks:
            assert clock.now().utcoffset() == timedelta(0)
            assert clock.timers_held() is False


def test_the_systems_clock_goes_on() -> None:
    clock = SystemClock()
    assert clock.now() <= clock.now()


def test_a_virtual_clock_moves_only_when_told_and_never_back() -> None:
    clock = VirtualClock(NOON.astimezone(timezone(timedelta(hours=8))))
    assert clock.now() == clock.now() == NOON
    assert clock.advance(timedelta(hours=1)) == NOON + timedelta(hours=1)
    clock.set(NOON + timedelta(hours=2))
    with pytest.raises(ValueError, match="does not go back"):
        clock.set(NOON)
    clock.hold(True)
    assert clock.timers_held()


def test_a_file_clock_shows_what_was_written_to_the_microsecond(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    with FileClockWriter(path, NOON) as writer:
        reader, other = FileClock(path), FileClock(path)
        for step in range(5):
            moment, held = NOON + timedelta(days=step * 400, microseconds=step), step % 2 == 1
            writer.set(moment, held)
            assert (reader.now(), reader.timers_held()) == (moment, held)
            assert other.now() == moment
    assert reader.now() == NOON + timedelta(days=1600, microseconds=4)


def test_a_file_clock_shows_moments_before_1970_and_survives_its_writer(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    early = datetime(1901, 1, 1, tzinfo=UTC)
    FileClockWriter(path, early, held=True).close()
    reader = FileClock(path)
    assert (reader.now(), reader.timers_held()) == (early, True)
    with FileClockWriter(path, NOON):
        assert reader.now() == NOON


def test_a_file_that_is_no_clock_is_refused(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"x")
    with pytest.raises(ValueError, match="no clock file"):
        FileClock(tmp_path / "short")
    with pytest.raises(FileNotFoundError):
        FileClock(tmp_path / "none")
    (tmp_path / "empty").write_bytes(bytes(64))
    with pytest.raises(RuntimeError, match="never written"):
        FileClock(tmp_path / "empty").now()


def test_a_writer_that_was_stopped_half_way_leaves_the_last_moment(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    with FileClockWriter(path, NOON) as writer:
        writer.set(NOON + timedelta(hours=1), False)
        whole = path.read_bytes()
        writer.set(NOON + timedelta(hours=2), True)
        newer = path.read_bytes()
    torn = bytearray(whole)
    changed = [at for at in range(len(whole)) if whole[at] != newer[at]]
    for at in changed[: len(changed) // 2]:
        torn[at] = newer[at]
    path.write_bytes(torn)
    assert FileClock(path).now() == NOON + timedelta(hours=1)


def test_readers_in_other_processes_never_see_the_clock_torn_or_going_back(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    program = (
        "import sys; from pathlib import Path; from datetime import datetime, timedelta, UTC\n"
        "from shared.adapters.clock import FileClockWriter\n"
        "start = datetime(2026, 3, 2, 12, tzinfo=UTC)\n"
        "writer = FileClockWriter(Path(sys.argv[1]), start)\n"
        "for n in range(30_000): writer.set(start + timedelta(seconds=n * 86_399), n % 2 == 1)\n"
    )
    FileClockWriter(path, NOON).close()
    reader, last = FileClock(path), NOON
    with subprocess.Popen([sys.executable, "-c", program, str(path)]) as writing:
        while writing.poll() is None:
            for _ in range(200):
                now = reader.now()
                assert now >= last
                assert (now - NOON) % timedelta(seconds=86_399) == timedelta(0)
                last = now
    assert writing.returncode == 0
    assert last == NOON + timedelta(seconds=29_999 * 86_399)
