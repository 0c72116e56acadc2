"""A running Orderlink as others see it: its addresses, and what can be told and asked over HTTP."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

from shared.adapters.kafka_broker import broker_at
from shared.adapters.kafka_ends import EndOffsets
from shared.adapters.naming import Names, as_they_are
from shared.cli.stack import Stack
from shared.contracts.base import Frozen
from shared.contracts.catalog import SERVICES, TOPICS
from shared.contracts.facts import TAKEN_BY, AnyFact
from shared.kernel.calendar import utc_text
from shared.runtime.ports import TopicPartition, Unavailable

PATIENCE_SECONDS: Final = 120.0
"""How long a service may be away before we give up; one that was killed is started again meanwhile."""
PAUSE_SECONDS: Final = 0.05
ADDRESSES: Final = "system.json"
"""The file in which a running system says where it is."""


class SystemFailed(Exception):
    """The system did not do what it was asked. The text says what."""


class Addresses(Frozen):
    """Where a running system is. `orderlink up` writes this beside what it keeps."""

    apis: dict[str, str]
    workers: dict[str, str]
    kafka: str
    token: str
    partitions: int
    test_clock: Path | None = None

    @classmethod
    def of_stack(cls, stack: Stack) -> Self:
        """Of a stack that this process has started."""
        return cls(
            apis={service: stack.api(service) for service in SERVICES},
            workers={service: stack.worker(service) for service in SERVICES},
            kafka=stack.kafka,
            token=stack.token,
            partitions=stack.plan.partitions,
            test_clock=stack.plan.test_clock,
        )


def write_addresses(addresses: Addresses, path: Path) -> None:
    """Let others find the system. The token is in it, so the file is the owner's alone."""
    path.touch(mode=0o600)
    path.write_text(addresses.model_dump_json(indent=1) + "\n")


def read_addresses(path: Path) -> Addresses:
    """The addresses that a running system wrote. Raises `SystemFailed`."""
    try:
        return Addresses.model_validate_json(path.read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise SystemFailed(f"{path}: no addresses of a running system: {problem}") from problem


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """How far one service's worker is."""

    busy: bool
    consumed: Mapping[TopicPartition, int]
    """The offset up to which each partition has been taken in."""
    unsettled: bool = False
    """Whether its database holds something to publish or to do now, timers apart."""
    timers_due: bool = False
    next_due_at: datetime | None = None
    """When a timer or an effect is due next, as far as was asked."""


Ends = Mapping[TopicPartition, int]


class System:
    """Tells facts and asks workers. Retries what is away for a while; everything is idempotent."""

    def __init__(self, addresses: Addresses) -> None:
        self.addresses = addresses
        headers = {"Authorization": f"Bearer {addresses.token}"}
        limits = httpx.Limits(max_connections=20)
        self.clients = {
            name: httpx.AsyncClient(base_url=url, headers=headers, timeout=30.0, limits=limits)
            for name, url in addresses.apis.items()
        }
        self._places = [
            TopicPartition(topic.name, partition)
            for topic in TOPICS
            if topic.co_partitioned
            for partition in range(addresses.partitions)
        ]
        names = Names(as_they_are, (topic.name for topic in TOPICS))
        self._ends = EndOffsets(broker_at(addresses.kafka), names, "orderlink-replay")
        self._workers = {
            name: httpx.AsyncClient(base_url=url, timeout=10.0) for name, url in addresses.workers.items()
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in (*self.clients.values(), *self._workers.values()):
            await client.aclose()
        await self._ends.close()

    async def tell(self, fact: AnyFact) -> dict[str, Any]:
        """Tell a fact to the service that takes it, until it is accepted. Raises `SystemFailed`."""
        client = self.clients[TAKEN_BY[fact.fact]]
        body = fact.model_dump_json(exclude_none=True)
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = await client.post(
                    "/facts", content=body, headers={"Content-Type": "application/json"}
                )
            except httpx.TransportError as problem:
                said = f"{type(problem).__name__}: {problem}"
            else:
                if answer.is_success:
                    told: dict[str, Any] = answer.json()
                    return told
                said = f"{answer.status_code} {answer.text[:500]}"
                if not answer.is_server_error:
                    raise SystemFailed(f"fact {fact.id} ({fact.fact}) was not accepted: {said}")
            if time.monotonic() > until:
                raise SystemFailed(f"fact {fact.id} ({fact.fact}) could not be told: {said}")
            await asyncio.sleep(PAUSE_SECONDS)

    async def look(self, service: str, path: str, **query: str | int) -> Any:
        """What a service shows. Raises `SystemFailed`."""
        try:
            answer = await self.clients[service].get(path, params=query)
        except httpx.TransportError as problem:
            raise SystemFailed(f"GET {path} of {service}: {type(problem).__name__}") from problem
        if not answer.is_success:
            raise SystemFailed(f"GET {path} of {service}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    async def ends(self) -> Ends:
        """The ends of all event topics as they are now. Raises `SystemFailed`."""
        try:
            return await self._ends.read(self._places)
        except Unavailable as problem:
            raise SystemFailed(f"the broker does not answer: {problem}") from problem

    async def progress(self, now: datetime, ends: Ends) -> dict[str, WorkerStatus] | None:
        """All workers once they have taken in everything up to these ends, or have tried for some seconds.

        Their databases are not asked. None while one is away, or behind that moment of the test clock.
        """
        told = {f"{where.topic}/{where.partition}": end for where, end in ends.items()}
        return await self._all(now, {"light": True, "ends": told})

    async def statuses(self, now: datetime, until: datetime | None = None) -> dict[str, WorkerStatus] | None:
        """All workers, their databases asked too. With `until`, timers that are due later are left out."""
        return await self._all(now, {} if until is None else {"until": utc_text(until)})

    async def _all(self, now: datetime, asked: dict[str, Any]) -> dict[str, WorkerStatus] | None:
        names = tuple(self._workers)
        answers = await asyncio.gather(*(self._status(name, now, asked) for name in names))
        found = {name: answer for name, answer in zip(names, answers, strict=True) if answer is not None}
        return found if len(found) == len(names) else None

    async def _status(self, name: str, now: datetime, asked: dict[str, Any]) -> WorkerStatus | None:
        try:
            answer = await self._workers[name].post("/testing/status", json=asked)
        except httpx.TransportError:
            return None
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise SystemFailed(
                f"the {name} worker is not in test mode: start it with ORDERLINK_TEST_CLOCK_FILE "
                "(orderlink up --test-clock)"
            )
        if not answer.is_success:
            return None
        raw = answer.json()
        if raw["partitions"] != list(range(self.addresses.partitions)):
            return None
        if datetime.fromisoformat(raw["now"]) < now:
            return None
        coming = (raw.get("next_timer_at"), raw.get("next_effect_at"))
        moments = [datetime.fromisoformat(moment) for moment in coming if moment is not None]
        return WorkerStatus(
            busy=raw["busy"],
            consumed={_place(name): offset for name, offset in raw["consumed"].items()},
            unsettled=bool(raw.get("pending") or raw.get("effects_due")),
            timers_due=raw.get("timers_due", False),
            next_due_at=min(moments, default=None),
        )


def caught_up(found: Mapping[str, WorkerStatus], ends: Ends) -> bool:
    """Whether every worker has taken in all that is on the topics it hears."""
    return all(
        not status.busy and all(ends.get(where, 0) <= offset for where, offset in status.consumed.items())
        for status in found.values()
    )


def _place(name: str) -> TopicPartition:
    topic, _, partition = name.rpartition("/")
    return TopicPartition(topic, int(partition))
