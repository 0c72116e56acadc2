"""A desk for agents, human or AI: take the next task, keep it while working on it, say the outcome."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self, cast

import httpx
from pydantic import Field, JsonValue

from shared.adapters.ending import ended
from shared.contracts.base import Frozen, Utc
from shared.contracts.tasks import PRIORITIES, TaskKind

HEARTBEAT_SECONDS: Final = 120.0
"""A lease lasts ten minutes in the default profile; so four heartbeats in a row may fail."""
POLL_SECONDS: Final = 2.0
PAGE: Final = 200
TRIES: Final = 6
FIRST_PAUSE_SECONDS: Final = 0.5
LAST_PAUSE_SECONDS: Final = 10.0
LET_GO: Final = frozenset({404, 409, 412})
"""Answers which say that somebody else was first, or that the task is no more."""


class Refusal(Exception):
    """Orderlink said no. `slug` names the rule, `status` is the HTTP status."""

    def __init__(self, status: int, slug: str, detail: str) -> None:
        super().__init__(f"{slug}: {detail}")
        self.status = status
        self.slug = slug
        self.detail = detail


class Away(Exception):
    """Orderlink did not answer, however often it was asked."""


class Task(Frozen):
    """A task as the board shows it."""

    task_id: str
    kind: str
    order_id: str
    shop_id: str | None = None
    status: str = "open"
    wanted_by: str = ""
    """The service that wanted it, and acts on the outcome."""
    priority: str = "normal"
    summary: str = ""
    details: dict[str, JsonValue] = Field(default_factory=dict)
    outcomes: tuple[str, ...] = ()
    """What it may be completed with."""
    due_at: Utc | None = None
    blocked_by: str | None = None
    """The task that must be completed before this one can be."""


class Claimed:
    """A task that is yours. Inside `async with`, its lease is renewed until it is completed.

    Left without an outcome, also by an exception, it goes back to the queue.
    """

    def __init__(self, desk: "AgentDesk", task: Task) -> None:
        self._desk = desk
        self.task = task
        """What is to be done."""
        self._beat: asyncio.Task[None] | None = None
        self.done = False
        """Whether it was completed or given back."""
        self.lost = False
        """Whether the lease ran out, or the task closed itself because its cause is gone."""

    async def heartbeat(self) -> None:
        """Renew the lease now."""
        await self._desk.tell(self.task.task_id, "heartbeat", {})

    async def complete(self, outcome: str, **details: JsonValue) -> None:
        """Say how it ended: an outcome that the kind allows, and that outcome's arguments."""
        body = {"outcome": outcome, "details": details}
        await self._desk.tell(self.task.task_id, "complete", body)
        await self._end()

    async def give_back(self, reason: str = "") -> None:
        """Put it back into the queue, with a word for the next agent."""
        await self._desk.tell(self.task.task_id, "return", {"reason": reason})
        await self._end()

    async def __aenter__(self) -> Self:
        """Start renewing the lease."""
        self._beat = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop renewing; give the task back if nothing was said about it."""
        if self.done or self.lost:
            await self._end()
            return
        with contextlib.suppress(Refusal, Away):
            await self.give_back()
        await self._end()

    async def _end(self) -> None:
        self.done = True
        beat, self._beat = self._beat, None
        if beat is not None:
            await ended(beat)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._desk.heartbeat_seconds)
            try:
                await self.heartbeat()
            except Refusal as refusal:
                if refusal.status in LET_GO:
                    self.lost = True
                    return
            except Away:
                continue


class AgentDesk:
    """The task board as one agent sees it.

    Every change carries an Idempotency-Key and is asked again under the same key when no answer comes,
    so that a lost answer never does anything twice.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        agent_id: str,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self.agent_id = agent_id
        self.heartbeat_seconds = heartbeat_seconds
        self._http = http or httpx.AsyncClient(base_url=base_url, timeout=30.0)
        self._token = token

    async def open_tasks(self, *kinds: TaskKind) -> list[Task]:
        """The open tasks of these kinds, or all: what can be done now, is urgent, is due soon comes first."""
        found = [task for kind in dict.fromkeys(kinds) or (None,) for task in await self._open_tasks(kind)]
        return sorted(found, key=_urgency)

    async def _open_tasks(self, kind: TaskKind | None) -> list[Task]:
        found: list[Task] = []
        query = {"status": "open", "limit": str(PAGE), **({"kind": kind} if kind else {})}
        while True:
            page = await self._ask("GET", "/tasks", params=query)
            found += [_task(item) for item in page["items"]]
            if not page.get("next"):
                return found
            query["cursor"] = page["next"]

    async def claim(self, task: Task) -> Claimed:
        """Take this task. Raises `Refusal` when somebody else has it or it is gone."""
        await self.tell(task.task_id, "claim", {})
        return Claimed(self, task)

    async def claim_next(self, *kinds: TaskKind) -> Claimed | None:
        """Take the most urgent open task; None when there is none."""
        for task in await self.open_tasks(*kinds):
            try:
                return await self.claim(task)
            except Refusal as refusal:
                if refusal.status not in LET_GO:
                    raise
        return None

    async def work(
        self, *kinds: TaskKind, poll_seconds: float = POLL_SECONDS
    ) -> AsyncGenerator[Claimed, None]:
        """One claimed task after the other, for ever; waits while there is none. Enter each: `async with`."""
        while True:
            claimed = await self.claim_next(*kinds)
            if claimed is None:
                await asyncio.sleep(poll_seconds)
            else:
                yield claimed

    async def tell(self, task_id: str, what: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """One command about a task, asked until there is an answer."""
        said = {"agent_id": self.agent_id, **body}
        key = str(uuid.uuid4())
        return await self._ask("POST", f"/tasks/{task_id}/{what}", json=said, key=key)

    async def close(self) -> None:
        """Let the connection go."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        """Open the desk."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the desk."""
        await self.close()

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
        key: str = "",
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._token}", **({"Idempotency-Key": key} if key else {})}
        reason = ""
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(min(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1), LAST_PAUSE_SECONDS))
            try:
                answer = await self._http.request(method, path, params=params, json=json, headers=headers)
            except httpx.TransportError as problem:
                reason = f"{type(problem).__name__}: {problem}"
                continue
            if 200 <= answer.status_code < 300:
                return _object(answer)
            refusal = _refusal(answer)
            if answer.status_code < 500 and answer.status_code != 429:
                raise refusal
            reason = str(refusal)
        raise Away(f"no answer to {method} {path} after {TRIES} tries; the last: {reason}")


def _object(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object of a good answer. Raises `Refusal` where somebody else than the service answered."""
    try:
        content: Any = answer.json() if answer.content else {}
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise Refusal(
            answer.status_code, "unexpected-answer", "The answer is no JSON object: is the address right?"
        )
    return cast("dict[str, Any]", content)


class _Problem(Frozen):
    slug: str = "unknown"
    detail: str = ""


def _refusal(answer: httpx.Response) -> Refusal:
    try:
        problem = _Problem.model_validate_json(answer.content)
    except ValueError:
        problem = _Problem()
    return Refusal(answer.status_code, problem.slug, problem.detail or answer.reason_phrase)


def _task(item: Mapping[str, Any]) -> Task:
    about = {name: item[name] for name in ("order_id", "shop_id", "outcomes")}
    return Task.model_validate({**item["task"], **about})


def _urgency(task: Task) -> tuple[bool, int, bool, datetime | None, str]:
    order: Sequence[str] = PRIORITIES
    rank = order.index(task.priority) if task.priority in order else order.index("normal")
    return (task.blocked_by is not None, -rank, task.due_at is None, task.due_at, task.task_id)
