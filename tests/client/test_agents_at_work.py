"""An agent's desk on the real notifications service, over HTTP, with everything else in memory."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.notifications.app import SERVICE
from shared.adapters.clock import VirtualClock
from shared.adapters.http.app import create_app
from shared.adapters.http.auth import static_tokens
from shared.adapters.memory_log import MemoryLog, MemoryPublisher
from shared.adapters.memory_store import MemoryStore
from shared.adapters.memory_transport import MemoryTransport
from shared.adapters.prometheus import PrometheusMetrics
from shared.adapters.settings import CommonSettings
from shared.client import AgentDesk, Refusal
from shared.contracts.catalog import HEARS
from shared.contracts.event import Event, event_id, to_cloudevent
from shared.contracts.events.common import TaskWanted
from shared.contracts.examples import example_of
from shared.runtime.desk import Desk
from shared.runtime.engine import Engine
from shared.runtime.fold.book import event_headers
from shared.runtime.limits import Limits
from shared.runtime.metrics import NoMetrics
from shared.runtime.ports import Outgoing
from shared.runtime.worker import Worker
from tests.kit.rules import START, default_profile
from tests.kit.world import Outbox

TOKEN = "agent-token-01234567890"


class Notifications:
    """The service in memory, and its API as a client sees it."""

    def __init__(self) -> None:
        self.clock = VirtualClock(START)
        self.log = MemoryLog()
        limits = Limits(stream_wait_seconds=0.001)
        self.engine = Engine(
            SERVICE,
            MemoryStore(),
            MemoryPublisher(self.log),
            self.clock,
            lambda *_: default_profile(),
            limits,
            NoMetrics(),
        )
        transport = MemoryTransport(self.log, "notifications", HEARS["notifications"])
        outsides = {"mail": Outbox()}
        self.worker = Worker(
            self.engine, transport, outsides, self.log.partitions, lambda *args, **rest: None
        )
        tokens = {TOKEN: {"name": "agents", "scopes": ["tasks:work"], "shops": ["*"]}}
        app = create_app(
            SERVICE,
            Desk(self.engine),
            CommonSettings(auth="on"),
            static_tokens(json.dumps(tokens), "ORDERLINK_TOKENS"),
            PrometheusMetrics("notifications"),
        )
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app.served), base_url="http://test")

    async def want(self, task_id: str, kind: str, number: int, **fields: Any) -> None:
        """Logistics wants a task."""
        payload = TaskWanted.model_validate(
            {"task_id": task_id, "kind": kind, "order_id": "A-1", "summary": "Look.", **fields}
        )
        event = Event.model_validate(
            {
                **dict(example_of(TaskWanted)),
                "id": event_id("logistics", "A-1", number),
                "subject": "A-1",
                "time": self.clock.now(),
                "sequence": number,
                "data": payload,
            }
        )
        headers = {name: value.encode() for name, value in event_headers(event).items()}
        value = json.dumps(to_cloudevent(event)).encode()
        self.log.append(Outgoing("logistics.v1", b"A-1", value, headers))
        while await self.worker.take_batch():
            pass

    async def pass_time(self, **span: float) -> None:
        """Let time pass; hear what was said, then fire what is due."""
        self.clock.advance(timedelta(**span))
        while await self.worker.take_batch() or await self.worker.fire_timers():
            pass

    def desk(self, agent_id: str = "mia") -> AgentDesk:
        """An agent's desk that shares the connection with the others."""
        return AgentDesk("http://test", TOKEN, agent_id, http=self.http)

    def said(self, name: str) -> list[dict[str, Any]]:
        """What notifications said by that name."""
        records = [json.loads(record.value or b"{}") for record in self.log.records("notifications.v1")]
        return [record["data"] for record in records if record["type"] == f"orderlink.{name}.v1"]


@pytest.fixture
async def notifications() -> AsyncIterator[Notifications]:
    service = Notifications()
    await service.worker.transport.start()
    yield service
    await service.http.aclose()


async def test_an_agent_claims_looks_and_completes(notifications: Notifications) -> None:
    await notifications.want("t-1", "check_with_carrier", 1, details={"parcel_id": "P-1"})
    desk = notifications.desk()
    claimed = await desk.claim_next("check_with_carrier")
    assert claimed is not None
    assert claimed.task.details == {"parcel_id": "P-1"}
    assert "delayed_until" in claimed.task.outcomes
    async with claimed:
        await claimed.complete("delayed_until", date="2026-03-10T12:00:00Z")
    (completed,) = notifications.said("task.completed")
    assert (completed["agent_id"], completed["outcome"]) == ("mia", "delayed_until")
    assert await desk.open_tasks() == []


async def test_two_agents_never_hold_the_same_task(notifications: Notifications) -> None:
    await notifications.want("t-1", "look_into", 1)
    await notifications.want("t-2", "look_into", 2)
    mia, bo = notifications.desk("mia"), notifications.desk("bo")
    first, second = await mia.claim_next(), await bo.claim_next()
    assert first is not None
    assert second is not None
    assert {first.task.task_id, second.task.task_id} == {"t-1", "t-2"}
    with pytest.raises(Refusal) as refused:
        await bo.claim(first.task)
    assert refused.value.status == 409
    assert await bo.claim_next() is None


async def test_a_heartbeat_keeps_the_lease_and_without_it_the_task_goes_back(
    notifications: Notifications,
) -> None:
    await notifications.want("t-1", "look_into", 1)
    desk = notifications.desk()
    claimed = await desk.claim_next()
    assert claimed is not None
    await notifications.pass_time(minutes=8)
    await claimed.heartbeat()
    await notifications.pass_time(minutes=8)
    assert await desk.open_tasks() == []
    await notifications.pass_time(minutes=3)
    assert [task.task_id for task in await desk.open_tasks()] == ["t-1"]


async def test_a_task_given_back_is_open_again(notifications: Notifications) -> None:
    await notifications.want("t-1", "look_into", 1)
    desk = notifications.desk()
    claimed = await desk.claim_next()
    assert claimed is not None
    await claimed.give_back("end of shift")
    assert [task.task_id for task in await desk.open_tasks()] == ["t-1"]


async def test_an_outcome_that_the_kind_does_not_allow_is_refused(notifications: Notifications) -> None:
    await notifications.want("t-1", "look_into", 1)
    desk = notifications.desk()
    claimed = await desk.claim_next()
    assert claimed is not None
    with pytest.raises(Refusal) as refused:
        await claimed.complete("approve")
    assert refused.value.status == 422
    await claimed.complete("ignored", reason="told twice")
    assert len(notifications.said("task.completed")) == 1
