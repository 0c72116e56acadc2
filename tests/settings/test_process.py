"""The process of a service, for real: it starts, works, drains, and says why it does not."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.aftersales.app import SERVICE as AFTERSALES
from services.aftersales.settings import Settings as AftersalesSettings
from services.notifications.app import SERVICE as NOTIFICATIONS
from services.notifications.settings import Settings as NotificationsSettings
from shared.adapters.clock import FileClockWriter, SystemClock
from shared.adapters.kafka_admin import KafkaAdmin
from shared.adapters.motor_store import MotorStore
from shared.adapters.process import run_service
from shared.adapters.settings import CommonSettings
from shared.adapters.wiring import Role
from shared.runtime.service import Service
from tests.http.kit import placed, problem
from tests.kit.parts import Parts, Server

ROOT = Path(__file__).parents[2]
TOKEN = "process-token-0123456789"
_NUMBERS = count(1)

pytestmark = [pytest.mark.processes]


class Running:
    """A process of a service, with its log."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            self.lines.append(line.decode())

    def event(self, name: str) -> dict[str, Any] | None:
        for line in self.lines:
            if line.startswith("{") and (told := json.loads(line))["event"] == name:
                found: dict[str, Any] = told
                return found
        return None

    async def until(self, ready: Callable[[], Any], seconds: float = 40.0) -> Any:
        async with asyncio.timeout(seconds):
            while not (found := ready()):
                assert self.process.returncode is None, "".join(self.lines)
                await asyncio.sleep(0.05)
        return found

    async def ports(self) -> list[int]:
        told = await self.until(lambda: self.event("listening"))
        found: list[int] = told["ports"]
        return found

    async def ended(self, seconds: float = 10.0) -> int:
        async with asyncio.timeout(seconds):
            code = await self.process.wait()
            await self._reading
        return code


@asynccontextmanager
async def running(service: str, role: str, **environment: str) -> AsyncIterator[Running]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ORDERLINK_")}
    told = {
        "ORDERLINK_API_PORT": "0",
        "ORDERLINK_WORKER_PORT": "0",
        "ORDERLINK_TOKENS": json.dumps({TOKEN: {"name": "test", "scopes": ["admin"], "shops": ["*"]}}),
        "ORDERLINK_SMTP_URL": "smtp://127.0.0.1:9",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"services.{service}",
        role,
        env={**kept, **told, **environment},
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    it = Running(process)
    try:
        yield it
    finally:
        if process.returncode is None:
            process.kill()
        await it.ended()


@pytest.fixture
async def there(parts: Parts, own_broker: Server) -> dict[str, str]:
    """What a process is told of the pair; each test has databases of its own, and so topics of its own."""
    admin = KafkaAdmin(own_broker.address)
    await admin.ensure_topics(4, 1)
    await admin.close()
    return {
        "KAFKA_BOOTSTRAP_SERVERS": own_broker.address,
        "MONGODB_URL": parts.mongodb_url,
        "ORDERLINK_MONGODB_DATABASE_PREFIX": f"process_{os.getpid()}_{next(_NUMBERS)}_",
    }


def client_of(port: int) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10
    )


async def ready(it: Running, client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(60):
        while True:
            assert it.process.returncode is None, "".join(it.lines)
            try:
                if (await client.get("/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


@pytest.mark.real
async def test_a_service_takes_facts_and_drains_when_told_to_stop(there: dict[str, str]) -> None:
    async with running("orders", "all", **there) as it:
        api, worker = await it.ports()
        async with client_of(api) as client, client_of(worker) as probes:
            await ready(it, client)
            fact = placed(at=SystemClock().now().isoformat())
            assert (await client.post("/facts", json=fact)).status_code == 202
            assert (await client.get("/orders/A-1")).json()["stage"] == "unpaid"
            assert (await probes.get("/livez")).status_code == 200
            assert "orderlink_partitions_owned" in (await probes.get("/metrics")).text
            assert (await probes.post("/testing/status", json={})).status_code == 404
        it.process.send_signal(signal.SIGTERM)
        assert await it.ended(seconds=10) == 0
        assert it.event("stopped") is not None
        assert "Jane" not in "".join(it.lines)


@pytest.mark.real
async def test_in_test_mode_time_comes_from_a_file_and_the_status_is_told(
    there: dict[str, str], tmp_path: Path
) -> None:
    clock, past = tmp_path / "clock", SystemClock().now() - timedelta(days=3000)
    with FileClockWriter(clock, past):
        async with running("orders", "api", ORDERLINK_TEST_CLOCK_FILE=str(clock), **there) as it:
            (port,) = await it.ports()
            async with client_of(port) as client:
                await ready(it, client)
                assert (await client.post("/facts", json=placed(at=past.isoformat()))).status_code == 202
                status = (await client.post("/testing/status", json={})).json()
                assert datetime.fromisoformat(status["now"]) == past
                assert (status["role"], status["in_flight"]) == ("api", 0)


async def test_without_a_database_it_is_alive_but_not_ready_and_still_drains() -> None:
    async with running("orders", "api", MONGODB_URL="mongodb://127.0.0.1:9/?directConnection=true") as it:
        (port,) = await it.ports()
        async with client_of(port) as client:
            await it.until(lambda: it.event("waiting for what is away"))
            assert (await client.get("/livez")).status_code == 200
            unready = await client.get("/readyz")
            assert (unready.status_code, set(unready.json()["because"])) == (503, {"database", "start"})
        it.process.send_signal(signal.SIGINT)
        assert await it.ended(seconds=10) == 0


@pytest.mark.real
async def test_before_its_checks_are_done_a_service_takes_no_fact(parts: Parts) -> None:
    prefix = f"process_{os.getpid()}_{next(_NUMBERS)}_"
    store = MotorStore(parts.mongodb_url, f"{prefix}orders")
    there = {"MONGODB_URL": parts.mongodb_url, "ORDERLINK_MONGODB_DATABASE_PREFIX": prefix}
    async with running("orders", "all", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9", **there) as it:
        api, worker = await it.ports()
        async with client_of(api) as client, client_of(worker) as probes:
            # The database is there, and the broker is not, so nothing says how old the database is.
            waiting = await it.until(lambda: it.event("waiting for what is away"))
            assert waiting["what"] == "the broker and its topics"
            refused = problem(
                await client.post("/facts", json=placed(at=SystemClock().now().isoformat())),
                503,
                "unavailable",
            )
            assert "still starting" in refused["detail"]
            for path in ("/orders/A-1", "/charts", "/version", "/nowhere"):
                answer = await client.get(path)
                problem(answer, 503, "unavailable")
                assert int(answer.headers["retry-after"]) >= 1
            for path in ("/healthz", "/livez", "/metrics"):
                assert (await client.get(path)).status_code == 200
                assert (await probes.get(path)).status_code == 200
        assert await store.load(["A-1"]) == {}
    await store.close()


@pytest.mark.real
async def test_an_api_takes_facts_while_the_broker_is_away(parts: Parts) -> None:
    prefix = f"process_{os.getpid()}_{next(_NUMBERS)}_"
    there = {"MONGODB_URL": parts.mongodb_url, "ORDERLINK_MONGODB_DATABASE_PREFIX": prefix}
    async with running("orders", "api", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9", **there) as it:
        (port,) = await it.ports()
        async with client_of(port) as client:
            await ready(it, client)
            assert it.event("starts without a look at its topic") is not None
            fact = placed(at=SystemClock().now().isoformat())
            assert (await client.post("/facts", json=fact)).status_code == 202


async def test_a_port_that_is_taken_is_told_and_ends_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        async with running("orders", "api", ORDERLINK_API_PORT=port) as it:
            assert await it.ended(seconds=30) == 2
    told = "".join(it.lines)
    assert "ORDERLINK_API_PORT" in told
    assert f":{port}: " in told
    assert "Traceback" not in "".join(it.lines)


async def test_settings_that_cannot_be_used_end_it_with_a_readable_text() -> None:
    async with running("orders", "api", ORDERLINK_TOKENS="", ORDERLINK_LOG_LEVEL="debug") as it:
        assert await it.ended(seconds=30) == 2
    told = "".join(it.lines)
    assert "ORDERLINK_TOKENS" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("service", "settings", "role", "variable"),
    [
        (NOTIFICATIONS, NotificationsSettings(), "worker", "ORDERLINK_SMTP_URL"),
        (AFTERSALES, AftersalesSettings(auth="off"), "all", "ORDERLINK_PAYMENTS_URL"),
        (AFTERSALES, AftersalesSettings(), "api", "ORDERLINK_TOKENS"),
    ],
)
def test_what_a_role_needs_is_asked_for(
    service: Service, settings: CommonSettings, role: Role, variable: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        run_service(service, settings, role)
    assert end.value.code == 2
    assert variable in capsys.readouterr().err


def test_profiles_that_cannot_be_used_are_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("id: mine\nversion: many\n")
    with pytest.raises(SystemExit) as end:
        run_service(AFTERSALES, AftersalesSettings(auth="off", profiles_dir=tmp_path), "api")
    assert end.value.code == 2
    told = capsys.readouterr().err
    assert "ORDERLINK_PROFILES_DIR" in told
    assert str(tmp_path / "mine.yaml") in told
