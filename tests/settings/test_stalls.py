"""A worker's process that silently stalls says so at /livez and ends itself, so that it is started again."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.adapters.kafka_admin import KafkaAdmin
from shared.adapters.kafka_publisher import KafkaPublisher
from shared.adapters.watchdog import EXIT_STUCK
from shared.runtime.ports import Outgoing
from tests.kit.parts import Parts, Server

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 3.0
END_SECONDS = 30.0
STALLS = ("dead", "wedged", "blocked")

pytestmark = [pytest.mark.real, pytest.mark.processes, pytest.mark.promise("lively")]


@pytest.mark.parametrize("stall", STALLS)
async def test_a_process_that_stalls_is_not_alive_and_ends(
    stall: str, parts: Parts, own_broker: Server
) -> None:
    admin = KafkaAdmin(own_broker.address)
    await admin.ensure_topics(4, 1)
    told = {
        "KAFKA_BOOTSTRAP_SERVERS": own_broker.address,
        "MONGODB_URL": parts.mongodb_url,
        "ORDERLINK_MONGODB_DATABASE_PREFIX": f"stall_{os.getpid()}_{stall}_",
        "ORDERLINK_WORKER_PORT": "0",
        "ORDERLINK_PROGRESS_TIMEOUT_SECONDS": str(PATIENCE_SECONDS),
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ORDERLINK_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.settings.stalling", stall),
        env={**kept, **told},
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    lines: list[str] = []
    reading = asyncio.create_task(_read(process, lines))
    try:
        async with httpx.AsyncClient(timeout=1.0) as client:
            livez = f"http://127.0.0.1:{await _port(lines)}/livez"
            await _until(lambda: any('"event": "started"' in line for line in lines))
            assert (await client.get(livez)).status_code == 200
            publisher = KafkaPublisher(own_broker.address)
            records = [Outgoing("logistics.v1", f"S-{n}".encode(), b"{}") for n in range(16)]
            assert all(await publisher.publish(records))
            await publisher.close()
            answers = set[int]()
            async with asyncio.timeout(END_SECONDS):
                while process.returncode is None:
                    answers.add(await _asked(client, livez))
                    await asyncio.sleep(0.05)
        await reading
        assert process.returncode == EXIT_STUCK
        # A blocked loop answers nobody, which a probe takes for no.
        assert (0 if stall == "blocked" else 503) in answers
        assert any("process ends itself" in line for line in lines)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading


async def _read(process: asyncio.subprocess.Process, lines: list[str]) -> None:
    assert process.stderr is not None
    while line := await process.stderr.readline():
        lines.append(line.decode())


async def _until(true: Any) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.05)


async def _port(lines: list[str]) -> int:
    await _until(lambda: any('"event": "listening"' in line for line in lines))
    told = json.loads(next(line for line in lines if '"event": "listening"' in line))
    port: int = told["ports"][0]
    return port


async def _asked(client: httpx.AsyncClient, url: str) -> int:
    """The probe's status; 0 when it does not answer."""
    try:
        return (await client.get(url)).status_code
    except httpx.TransportError:
        return 0
