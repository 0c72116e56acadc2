"""HTTP of notifications: buyers' messages in, tasks to work, timelines and the outbox to look at."""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from pydantic import Field, JsonValue

from services.notifications import commands
from services.notifications.api import reports
from services.notifications.state import OrderFile
from services.notifications.state.conversation import Line
from services.notifications.views import Entry, OrderView
from services.notifications.views.board import MessageSeen, TaskSeen
from shared.adapters.http.auth import Reader, Teller, Worker
from shared.adapters.http.commands import Asking, ByAgent, OnOrder, look, look_up, tagged
from shared.adapters.http.examples import fact_examples
from shared.adapters.http.facts import FactTaken, take
from shared.adapters.http.outcomes import check_outcome
from shared.adapters.http.pages import Page, PageQuery, page_of
from shared.adapters.http.paths import PathId
from shared.adapters.http.problems import ASKS, LOOKS, TELLS, not_found
from shared.contracts.base import Frozen, Id, Name, Text, Utc
from shared.contracts.facts import NotificationsFact
from shared.contracts.tasks import OUTCOMES, Priority, TaskKind
from shared.kernel.decision import Command
from shared.runtime.desk import Desk, FileView

EXAMPLES: Final = fact_examples("buyer.message")
_ORDER: Final = {"view.stage": "order"}


class TasksQuery(PageQuery):
    """Which tasks to list."""

    status: Literal["open", "claimed", "completed", "closed"] | None = None
    kind: TaskKind | None = None
    priority: Priority | None = None
    agent: Id | None = None
    """Only those that this agent holds."""


class OutboxQuery(PageQuery):
    """Which messages to buyers to list."""

    status: Literal["wanted", "postponed", "asked", "sent", "suppressed", "failed"] | None = None
    template: Name | None = None


class TaskListed(Frozen):
    """A task, with the order it is about and the outcomes that it allows."""

    order_id: Id
    shop_id: Id | None
    task: TaskSeen
    outcomes: tuple[Name, ...]
    """What it may be completed with; see the task catalogue for their details."""


class MessageListed(Frozen):
    """A message to a buyer, with the order it is about."""

    order_id: Id
    shop_id: Id | None
    message: MessageSeen


class Timeline(Frozen):
    """What happened to an order, over all services, oldest first."""

    order_id: Id
    shop_id: Id | None
    deadline_at: Utc | None
    """When something of it happens by itself next."""
    open_tasks: int
    entries: tuple[Entry, ...]
    dropped: int
    """Older entries that are no longer kept."""


class Messages(Frozen):
    """What the buyer was told and what he wrote, without the texts."""

    order_id: Id
    to_buyer: tuple[MessageSeen, ...]
    unanswered: bool


class Conversation(Frozen):
    """What the buyer wrote and what agents answered, with the texts: for who works on it."""

    order_id: Id
    lines: tuple[Line, ...]


class Return(ByAgent):
    """Giving a task back."""

    reason: Text = ""
    """For the next agent."""


class Completion(ByAgent):
    """Completing a task."""

    outcome: Name = Field(examples=["approve"])
    details: dict[str, JsonValue] = Field(default_factory=dict)
    """The outcome's arguments, as in the task catalogue."""


class Reply(ByAgent):
    """An answer to the buyer."""

    text: Text = Field(min_length=1)


class Replied(Frozen):
    """The answer is on its way."""

    order_id: Id
    unanswered: bool
    """Whether the buyer still waits for an answer."""
    result: dict[str, JsonValue]


def routes(desk: Desk) -> APIRouter:
    """The routes of notifications."""
    router = APIRouter()
    _telling(router, desk)
    _tasks(router, desk)
    _working(router, _Tasks(desk))
    _orders(router, desk)
    router.include_router(reports.routes(desk))
    return router


class _OnTask:
    """What every command on a task comes with."""

    def __init__(self, task_id: PathId, asking: Asking) -> None:
        self.task_id = task_id
        self.asking = asking


OnTask = Annotated[_OnTask, Depends()]


class _Tasks:
    """The tasks of a desk, as agents work them."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def find(self, on: _OnTask) -> tuple[FileView, TaskListed]:
        """The task and the file that it is in."""
        file = await look_up(self.desk, on.asking.actor, on.task_id, "task")
        return file, _task_of(file, on.task_id)

    async def ask(
        self, on: _OnTask, by: ByAgent, command: Callable[..., Command], **fields: Any
    ) -> TaskListed:
        """Ask, and show the task as it is then."""
        file, _ = await self.find(on)
        asked = command(at=self.desk.clock.now(), task_id=on.task_id, agent_id=on.asking.by(by), **fields)
        answer = await on.asking.ask(self.desk, file.subject, asked)
        return _task_of(answer.file or file, on.task_id)


def _telling(router: APIRouter, desk: Desk) -> None:
    @router.post(
        "/facts", status_code=202, tags=["facts"], summary="Tell what a buyer wrote", responses=TELLS
    )
    async def tell(
        fact: Annotated[NotificationsFact, Body(openapi_examples=EXAMPLES)], request: Request, actor: Teller
    ) -> FactTaken:
        return await take(desk, request, actor, fact)


def _tasks(router: APIRouter, desk: Desk) -> None:
    @router.get("/tasks", tags=["tasks"], summary="List tasks", responses=LOOKS)
    async def tasks(
        query: Annotated[TasksQuery, Query()], request: Request, actor: Worker
    ) -> Page[TaskListed]:
        def wanted(it: TaskListed) -> bool:
            return (
                query.status in (None, it.task.status)
                and query.kind in (None, it.task.kind)
                and query.priority in (None, it.task.priority)
                and query.agent in (None, it.task.agent_id)
            )

        where = {**_ORDER, **_live(query)}
        return await page_of(desk, request, actor, query, where, _tasks_of, wanted)

    @router.get("/tasks/{task_id}", tags=["tasks"], summary="Look at a task", responses=LOOKS)
    async def task(task_id: PathId, actor: Worker, response: Response) -> TaskListed:
        return _task_of(tagged(response, await look_up(desk, actor, task_id, "task")), task_id)


def _working(router: APIRouter, tasks: _Tasks) -> None:
    @router.post(
        "/tasks/{task_id}/claim", tags=["tasks"], summary="Take a task, or renew the lease", responses=ASKS
    )
    async def claim(on: OnTask, body: ByAgent | None = None) -> TaskListed:
        return await tasks.ask(on, body or ByAgent(), commands.ClaimTask)

    @router.post(
        "/tasks/{task_id}/heartbeat", tags=["tasks"], summary="Still at it: renew the lease", responses=ASKS
    )
    async def heartbeat(on: OnTask, body: ByAgent | None = None) -> TaskListed:
        return await tasks.ask(on, body or ByAgent(), commands.Heartbeat)

    @router.post(
        "/tasks/{task_id}/return", tags=["tasks"], summary="Give a task back to the queue", responses=ASKS
    )
    async def give_back(on: OnTask, body: Return | None = None) -> TaskListed:
        given = body or Return()
        return await tasks.ask(on, given, commands.ReturnTask, reason=given.reason)

    @router.post(
        "/tasks/{task_id}/complete", tags=["tasks"], summary="Complete a task with an outcome", responses=ASKS
    )
    async def complete(on: OnTask, body: Completion) -> TaskListed:
        _, found = await tasks.find(on)
        check_outcome(found.task.kind, body.outcome, body.details)
        fields = {"outcome": body.outcome, "details": body.details}
        return await tasks.ask(on, body, commands.CompleteTask, **fields)


def _orders(router: APIRouter, desk: Desk) -> None:
    @router.get(
        "/orders/{order_id}/timeline",
        tags=["orders"],
        summary="What happened to an order, over all services",
        responses=LOOKS,
    )
    async def timeline(order_id: PathId, actor: Reader, response: Response) -> Timeline:
        view = _order(tagged(response, await look(desk, actor, order_id, "order")))
        return Timeline(
            order_id=order_id,
            shop_id=view.shop_id,
            deadline_at=view.deadline_at,
            open_tasks=view.open_tasks,
            entries=view.timeline,
            dropped=view.timeline_dropped,
        )

    @router.get(
        "/orders/{order_id}/messages", tags=["messages"], summary="What the buyer was told", responses=LOOKS
    )
    async def messages(order_id: PathId, actor: Reader) -> Messages:
        view = _order(await look(desk, actor, order_id, "order"))
        return Messages(order_id=order_id, to_buyer=view.outbox, unanswered=view.unanswered)

    @router.get(
        "/orders/{order_id}/conversation",
        tags=["messages"],
        summary="What the buyer wrote and was answered, with the texts",
        responses=LOOKS,
    )
    async def conversation(order_id: PathId, actor: Worker) -> Conversation:
        file = await look(desk, actor, order_id, "order")
        lines = file.state.conversation if isinstance(file.state, OrderFile) else ()
        return Conversation(order_id=order_id, lines=lines)

    @router.post("/orders/{order_id}/reply", tags=["messages"], summary="Answer the buyer", responses=ASKS)
    async def reply(on: OnOrder, body: Reply) -> Replied:
        command = commands.ReplyToBuyer(
            at=desk.clock.now(), order_id=on.order_id, text=body.text, agent_id=on.asking.by(body)
        )
        answer = await on.ask(desk, command)
        view = _order(answer.file)
        return Replied(order_id=on.order_id, unanswered=view.unanswered, result=answer.result)

    @router.get("/outbox", tags=["messages"], summary="List messages to buyers", responses=LOOKS)
    async def outbox(
        query: Annotated[OutboxQuery, Query()], request: Request, actor: Reader
    ) -> Page[MessageListed]:
        def listed(file: FileView) -> list[MessageListed]:
            return [
                MessageListed(order_id=file.subject, shop_id=file.shop_id, message=message)
                for message in _order(file).outbox
            ]

        def wanted(it: MessageListed) -> bool:
            return query.status in (None, it.message.status) and query.template in (None, it.message.template)

        where = {**_ORDER, "view.outbox_statuses": query.status}
        return await page_of(desk, request, actor, query, where, listed, wanted)


def _live(query: TasksQuery) -> dict[str, Any]:
    """What of the query the index of live tasks can find; ended ones are in every file."""
    if query.status not in ("open", "claimed"):
        return {}
    return {
        "view.open_task_statuses": query.status,
        "view.open_task_kinds": query.kind,
        "view.open_task_priorities": query.priority,
        "view.open_task_agents": query.agent,
    }


def _order(file: FileView | None) -> OrderView:
    if file is None or not isinstance(file.view, OrderView):
        raise not_found("order")
    return file.view


def _tasks_of(file: FileView) -> list[TaskListed]:
    return [
        TaskListed(
            order_id=file.subject, shop_id=file.shop_id, task=task, outcomes=tuple(OUTCOMES[task.kind])
        )
        for task in _order(file).tasks
    ]


def _task_of(file: FileView, task_id: str) -> TaskListed:
    for it in _tasks_of(file):
        if it.task.task_id == task_id:
            return it
    raise not_found("task")
