"""The embedded pair as child processes: it comes up, keeps its data, ends with us, and says what is wrong."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shared.adapters import embedded
from shared.adapters.embedded import EmbeddedBroker, EmbeddedDatabase, EmbeddedError, free_port, port_is_free
from shared.adapters.motor_store import MotorStore
from tests.adapters.store_suite import document, put

pytestmark = pytest.mark.real


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie has ended; only its parent has not looked yet.
    return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()


async def test_the_pair_keeps_its_port_and_its_data_over_a_restart(own_database: EmbeddedDatabase) -> None:
    store = MotorStore(own_database.url, "orders")
    await put(store, document("A-1"))
    port = own_database.port
    await own_database.restart()
    assert own_database.port == port
    assert set(await store.load(["A-1"])) == {"A-1"}
    await store.close()


async def test_a_stopped_server_is_gone_and_its_port_free(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path)
    await broker.start()
    pid = broker.pid
    assert pid is not None
    await broker.stop()
    await broker.stop()
    assert broker.pid is None
    assert not alive(pid)
    assert port_is_free(broker.port)
    assert broker.log.exists()


async def test_a_frozen_server_is_ended_all_the_same(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path)
    await broker.start()
    pid = broker.pid
    assert pid is not None
    broker.freeze(True)
    await broker.stop()
    assert not alive(pid)


async def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((embedded.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EmbeddedError, match=f"port {port} .* is taken"):
            await EmbeddedBroker(tmp_path, port).start()


async def test_a_missing_package_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finds_nothing(name: str) -> None:
        del name

    monkeypatch.setattr("importlib.util.find_spec", finds_nothing)
    for server in (EmbeddedBroker(tmp_path), EmbeddedDatabase(tmp_path)):
        with pytest.raises(EmbeddedError, match="pip install"):
            await server.start()


async def test_a_server_that_does_not_come_up_shows_the_end_of_its_log(tmp_path: Path) -> None:
    (tmp_path / "database").write_text("a file where a directory is needed")
    with pytest.raises(EmbeddedError, match=r"did not come up[\s\S]*database"):
        await EmbeddedDatabase(tmp_path, free_port()).start()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_the_pair_ends_when_the_process_that_started_it_is_killed(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys, time; from pathlib import Path\n"
        "from shared.adapters.embedded import EmbeddedBroker, EmbeddedDatabase\n"
        "async def main():\n"
        "    pair = EmbeddedBroker(Path(sys.argv[1])), EmbeddedDatabase(Path(sys.argv[1]))\n"
        "    for server in pair: await server.start()\n"
        "    print(*(server.pid for server in pair), flush=True)\n"
        "    time.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout
        pids = [int(text) for text in starter.stdout.readline().split()]
        assert len(pids) == 2
        assert all(alive(pid) for pid in pids)
        starter.send_signal(signal.SIGKILL)
        starter.wait()
    until = time.monotonic() + 5
    while any(alive(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(alive(pid) for pid in pids)
