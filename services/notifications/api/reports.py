"""HTTP of a shop's days: reports of reminders and of what lies open, and the start of a shift."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Query
from pydantic import Field

from services.notifications.commands import BeginShift, ScanOrder
from services.notifications.decide.reports import report_of, shifts_of
from services.notifications.state.reports import About
from services.notifications.views import OrderView, ReportView, Waits
from shared.adapters.http.auth import Actor, Reader, Worker, shop_not_allowed
from shared.adapters.http.commands import ask
from shared.adapters.http.idempotency import IdempotencyKey
from shared.adapters.http.problems import ASKS, LOOKS, wrong_field
from shared.contracts.base import Frozen, Id, Name, Strict, Utc
from shared.contracts.events.reports import DaySwept, RemindersReported
from shared.contracts.tasks import TaskKind
from shared.runtime.desk import Desk, FileView

DAYS_MAX: Final = 92
ORDERS_MAX: Final = 200

Told = TypeVar("Told", RemindersReported, DaySwept)


class DaysQuery(Strict):
    """Which of a shop's days to report."""

    shop: Id
    first: Annotated[date, Field(alias="from")]
    """The first local day, such as 2026-03-01."""
    last: Annotated[date, Field(alias="to")]
    """The last one, at most 92 days in all."""


class RemindersReport(Frozen):
    """Payment reminders of a shop, day by day, oldest first. A day without any is not there."""

    shop_id: Id
    days: list[RemindersReported]


class SweepsReport(Frozen):
    """What lay open in a shop, morning by morning, oldest first. A morning without anything is not there."""

    shop_id: Id
    days: list[DaySwept]


class Shift(Strict):
    """Whose shift begins, and where the lists go on."""

    shop: Id
    unpaid_after: Id | None = None
    """The last order of the list of unpaid ones that was seen before."""
    unshipped_after: Id | None = None
    limit: Annotated[int, Field(ge=1, le=ORDERS_MAX)] = 100
    """Orders on each list."""


class Waiting(Frozen):
    """An order that waits for its payment or its dispatch."""

    order_id: Id
    deadline_at: Utc | None
    """When something of it happens by itself next."""
    open_tasks: tuple[TaskKind, ...]
    since: Utc | None
    """When it began, as far as its timeline reaches back."""
    waits_for: Name


class ShiftBegun(Frozen):
    """What a shift finds when it begins."""

    shop_id: Id
    unpaid: list[Waiting]
    unshipped: list[Waiting]
    new_tasks: int
    """Tasks made for what was found and nobody had."""
    unpaid_more: bool
    """Whether there are more; ask again with `unpaid_after`."""
    unshipped_more: bool


def routes(desk: Desk) -> APIRouter:
    """The routes of a shop's days."""
    router = APIRouter()
    _reports(router, desk)
    _shifts(router, desk)
    return router


def _reports(router: APIRouter, desk: Desk) -> None:
    @router.get(
        "/reports/reminders", tags=["reports"], summary="What payment reminders brought", responses=LOOKS
    )
    async def reminders(query: Annotated[DaysQuery, Query()], actor: Reader) -> RemindersReport:
        views = await _days(desk, actor, "reminders", query)
        return RemindersReport(
            shop_id=query.shop, days=[view.reminders for view in views if view.reminders is not None]
        )

    @router.get("/reports/sweeps", tags=["reports"], summary="What lay open each morning", responses=LOOKS)
    async def sweeps(query: Annotated[DaysQuery, Query()], actor: Reader) -> SweepsReport:
        views = await _days(desk, actor, "sweep", query)
        return SweepsReport(shop_id=query.shop, days=[view.sweep for view in views if view.sweep is not None])


def _shifts(router: APIRouter, desk: Desk) -> None:
    @router.post(
        "/shifts/start",
        tags=["tasks"],
        summary="Begin a shift: see what is unpaid and unshipped, with a task for what nobody has",
        responses=ASKS,
    )
    async def start(body: Shift, actor: Worker, key: IdempotencyKey) -> ShiftBegun:
        if not actor.serves(body.shop):
            raise shop_not_allowed("shop")
        begun = BeginShift(
            at=desk.clock.now(),
            shop_id=body.shop,
            unpaid_after=body.unpaid_after,
            unshipped_after=body.unshipped_after,
            limit=body.limit,
        )
        await ask(desk, actor, shifts_of(actor.name), begun, key)
        unpaid = await _waiting(desk, body.shop, "payment", body.unpaid_after, body.limit)
        unshipped = await _waiting(desk, body.shop, "shipment", body.unshipped_after, body.limit)
        new_tasks = 0
        for file in unshipped[: body.limit]:
            answer = await ask(desk, actor, file.subject, ScanOrder(at=desk.clock.now()), key)
            new_tasks += int(answer.result.get("new_tasks", 0))
        return ShiftBegun(
            shop_id=body.shop,
            unpaid=[_seen(file) for file in unpaid[: body.limit]],
            unshipped=[_seen(file) for file in unshipped[: body.limit]],
            new_tasks=new_tasks,
            unpaid_more=len(unpaid) > body.limit,
            unshipped_more=len(unshipped) > body.limit,
        )


async def _days(desk: Desk, actor: Actor, about: About, query: DaysQuery) -> list[ReportView]:
    """The reports of some days that are there; none of a shop that the actor may not see."""
    if not 0 <= (query.last - query.first).days < DAYS_MAX:
        raise wrong_field(
            "to", f"a day from `from` on, at most {DAYS_MAX} days in all", query.last.isoformat()
        )
    if not actor.serves(query.shop):
        return []
    files = [await desk.look(report_of(about, query.shop, day)) for day in _each(query.first, query.last)]
    return [file.view for file in files if file is not None and isinstance(file.view, ReportView)]


def _each(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


async def _waiting(
    desk: Desk, shop_id: str, waits_for: Waits, after: str | None, limit: int
) -> list[FileView]:
    """A page of the orders that wait, and one more if there is."""
    where: dict[str, Any] = {"view.stage": "order", "shop_id": shop_id, "view.waits_for": waits_for}
    return await desk.page(where, after, limit + 1)


def _seen(file: FileView) -> Waiting:
    view: OrderView = file.view
    return Waiting(
        order_id=file.subject,
        deadline_at=view.deadline_at,
        open_tasks=view.open_task_kinds,
        since=view.timeline[0].at if view.timeline else None,
        waits_for=view.waits_for or "",
    )
