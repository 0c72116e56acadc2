"""What can be seen: an order's timeline over all services, its tasks, outbox and conversation."""

from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from services.notifications.state.files import newest
from services.notifications.views import board
from services.notifications.views.board import LineSeen, MessageSeen, TaskSeen
from services.notifications.views.sentences import sentence
from shared.contracts.base import Frozen, Id, Name, Utc
from shared.contracts.event import Event
from shared.contracts.events import common, logistics, orders, reports
from shared.contracts.events import notifications as said
from shared.contracts.tasks import Priority, TaskKind

Waits = Literal["payment", "shipment"]
ENTRIES_KEPT: Final = 300
ENDED_TASKS_KEPT: Final = 200
OUTBOX_KEPT: Final = 300
LINES_KEPT: Final = 300


class Entry(Frozen):
    """One line of the timeline."""

    event_id: str
    at: Utc
    event: Name
    service: Name
    rule: str | None = None
    summary: str


class BlankView(Frozen):
    """Nothing has been seen yet."""

    stage: Literal["blank"] = "blank"


class DayView(Frozen):
    """A buyer's day: how many messages it took, and how many it had no room for."""

    stage: Literal["day"] = "day"
    shop_id: Id | None = None
    allowed: int = 0
    capped: int = 0


class ReportView(Frozen):
    """A shop's day as it was reported; nothing until then, and of a part of one."""

    stage: Literal["report"] = "report"
    shop_id: Id | None = None
    reminders: reports.RemindersReported | None = None
    sweep: reports.DaySwept | None = None


class OrderView(Frozen):
    """An order, as agents and clients see it. It names nobody."""

    stage: Literal["order"] = "order"
    order_id: Id
    shop_id: Id | None = None
    deadline_at: Utc | None = None
    """The next moment at which one of its tasks or messages moves by itself."""
    timeline: tuple[Entry, ...] = ()
    """Oldest first."""
    timeline_dropped: int = 0
    """How many older entries are no longer kept."""
    tasks: tuple[TaskSeen, ...] = ()
    outbox: tuple[MessageSeen, ...] = ()
    conversation: tuple[LineSeen, ...] = ()
    open_tasks: int = 0
    open_task_kinds: tuple[TaskKind, ...] = ()
    open_task_statuses: tuple[Literal["open", "claimed"], ...] = ()
    open_task_priorities: tuple[Priority, ...] = ()
    open_task_agents: tuple[Id, ...] = ()
    """Who holds a task of this order."""
    overdue: bool = False
    """Whether one of its open tasks was not ended in its time."""
    outbox_statuses: tuple[str, ...] = ()
    unanswered: bool = False
    """Whether the buyer waits for an answer."""
    waits_for: Waits | None = None
    """What the order waits for, before anything is on its way."""


View = Annotated[BlankView | DayView | ReportView | OrderView, Field(discriminator="stage")]
AnyView = BlankView | DayView | ReportView | OrderView
VIEW: Final[TypeAdapter[AnyView]] = TypeAdapter(View)
INITIAL_VIEW: Final = BlankView()
INDEXED: Final = (
    "view.stage",
    "view.open_task_kinds",
    "view.open_task_statuses",
    "view.open_task_priorities",
    "view.open_task_agents",
    "view.overdue",
    "view.outbox_statuses",
    "view.waits_for",
)
"""The paths by which boards and lists are filtered."""


_OF_NO_ORDER: Final = (logistics.SightingRecorded, logistics.SightingMatched, logistics.SightingUnmatched)
"""Said of a tracking number; what it comes to for an order, its parcel says."""


def project(view: AnyView, event: Event) -> AnyView:
    """What is seen after one more event, said here or heard from another service."""
    if isinstance(event.data, said.MessageAllowed | said.MessageCapped):
        return _day(view, event)
    if isinstance(event.data, _OF_REPORTS):
        return _report(view, event)
    if isinstance(view, DayView | ReportView) or isinstance(event.data, _OF_NO_ORDER):
        return view
    if isinstance(view, BlankView):
        view = OrderView(order_id=event.subject)
    if any(entry.event_id == event.id for entry in view.timeline):
        return view
    entered = _entered(view, event)
    moved = _moved(entered, event)
    return _listed(moved) if _lists_differ(entered, moved) else moved


def _lists_differ(before: OrderView, view: OrderView) -> bool:
    """Whether anything moved by which lists find an order; the timeline is none of it."""
    return (
        view.tasks is not before.tasks
        or view.outbox is not before.outbox
        or view.conversation is not before.conversation
    )


_OF_REPORTS: Final = (
    reports.RemindersAddedUp,
    reports.FindingsAddedUp,
    reports.RemindersReported,
    reports.DaySwept,
)


def _report(view: AnyView, event: Event) -> AnyView:
    if not isinstance(view, BlankView | ReportView):
        return view
    match event.data:
        case reports.RemindersReported():
            return ReportView(shop_id=event.shop_id, reminders=event.data)
        case reports.DaySwept():
            return ReportView(shop_id=event.shop_id, sweep=event.data)
        case _:
            return ReportView(shop_id=event.shop_id)


def _day(view: AnyView, event: Event) -> AnyView:
    day = DayView(shop_id=event.shop_id) if isinstance(view, BlankView) else view
    if not isinstance(day, DayView):
        return view
    if isinstance(event.data, said.MessageAllowed):
        return day.model_copy(update={"allowed": day.allowed + 1})
    return day.model_copy(update={"capped": day.capped + 1})


def _entered(view: OrderView, event: Event) -> OrderView:
    """The timeline with the event at its place in time. Renewed leases and findings would drown it."""
    if isinstance(event.data, said.TaskLeaseRenewed | reports.FindingsNoted):
        return view
    entry = Entry(
        event_id=event.id,
        at=event.time,
        event=event.name,
        service=event.source,
        rule=event.rule,
        summary=sentence(event),
    )
    place = len(view.timeline)
    while place and view.timeline[place - 1].at > event.time:
        place -= 1
    timeline = (*view.timeline[:place], entry, *view.timeline[place:])
    dropped = max(0, len(timeline) - ENTRIES_KEPT)
    fields = {
        "shop_id": view.shop_id or event.shop_id,
        "timeline": timeline[dropped:],
        "timeline_dropped": view.timeline_dropped + dropped,
    }
    return view.model_copy(update=fields)


def _moved(view: OrderView, event: Event) -> OrderView:
    match event.data:
        case orders.OrderPlaced() if view.waits_for is None:
            return view.model_copy(update={"waits_for": "payment"})
        case orders.OrderPaid() | orders.OrderReopened():
            return view.model_copy(update={"waits_for": "shipment"})
        case orders.OrderDeadlineChanged(deadline="ship", deadline_at=deadline_at):
            return view.model_copy(update={"waits_for": None if deadline_at is None else "shipment"})
        case orders.OrderDispatched():
            return view.model_copy(update={"waits_for": None})
        case (
            orders.OrderClosed() | orders.OrderCancelled() | orders.OrderRefunded() | orders.OrderCompleted()
        ):
            return view.model_copy(update={"waits_for": None})
        case said.TaskCreated():
            created = board.task_created(event, event.data)
            return _with_tasks(view, (*view.tasks, created))
        case (
            said.TaskClaimed(task_id=task_id)
            | said.TaskLeaseRenewed(task_id=task_id)
            | said.TaskReturned(task_id=task_id)
            | said.TaskOverdue(task_id=task_id)
            | said.TaskPriorityRaised(task_id=task_id)
            | said.TaskCompleted(task_id=task_id)
            | said.TaskClosed(task_id=task_id)
        ):
            return _task_moved(view, event, task_id)
        case said.MessageUnanswered(message_id=message_id, task_id=task_id):
            tasks = tuple(
                board.task_has_line(task, message_id) if task.task_id == task_id else task
                for task in view.tasks
            )
            return _with_tasks(_with_line_moved(view, event), tasks)
        case said.MessageReceived(message_id=message_id, channel=channel):
            line = LineSeen(message_id=message_id, at=event.time, channel=channel)
            return view.model_copy(update={"conversation": (*view.conversation, line)[-LINES_KEPT:]})
        case said.MessageAnswered(reply_id=reply_id):
            answered = _with_line_moved(view, event)
            return answered if reply_id is None else _with_message(answered, event, reply_id, "reply")
        case common.MessageWanted(message_id=message_id, template=template):
            return _with_message(view, event, message_id, template)
        case (
            said.MessagePostponed(message_id=message_id)
            | said.MessageAsked(message_id=message_id)
            | said.MessageSent(message_id=message_id)
            | said.MessageSuppressed(message_id=message_id)
            | said.MessageFailed(message_id=message_id)
        ):
            outbox = tuple(
                board.message_moved(each, event) if each.message_id == message_id else each
                for each in view.outbox
            )
            return view.model_copy(update={"outbox": outbox})
        case _:
            return view


def _task_moved(view: OrderView, event: Event, task_id: str) -> OrderView:
    """The task after its event, and beside it what an agent told the buyer by completing it."""
    match event.data:
        case said.TaskCompleted(details={"reply_id": str(reply_id)}):
            view = _with_message(view, event, reply_id, "reply")
        case _:
            pass
    moved = tuple(board.task_moved(task, event) if task.task_id == task_id else task for task in view.tasks)
    return _with_tasks(view, _unblocked(moved, task_id))


def _unblocked(tasks: tuple[TaskSeen, ...], task_id: str) -> tuple[TaskSeen, ...]:
    if any(task.task_id == task_id and task.ended_at is None for task in tasks):
        return tasks
    return tuple(
        task.model_copy(update={"blocked_by": None}) if task.blocked_by == task_id else task for task in tasks
    )


def _with_tasks(view: OrderView, tasks: tuple[TaskSeen, ...]) -> OrderView:
    kept = newest(tasks, lambda task: task.ended_at is not None, ENDED_TASKS_KEPT)
    return view.model_copy(update={"tasks": kept})


def _with_message(view: OrderView, event: Event, message_id: str, template: str) -> OrderView:
    """The outbox with the message, if it is not in it."""
    if any(each.message_id == message_id for each in view.outbox):
        return view
    wanted = MessageSeen(message_id=message_id, template=template, wanted_at=event.time, rule=event.rule)
    ended = ("sent", "suppressed", "failed")
    outbox = newest((*view.outbox, wanted), lambda each: each.status in ended, OUTBOX_KEPT)
    return view.model_copy(update={"outbox": outbox})


def _with_line_moved(view: OrderView, event: Event) -> OrderView:
    lines = tuple(board.line_moved(line, event) for line in view.conversation)
    return view.model_copy(update={"conversation": lines})


def _listed(view: OrderView) -> OrderView:
    """The fields by which lists find the order."""
    live = [task for task in view.tasks if task.ended_at is None]
    deadlines = (*(task.deadline_at for task in live), *(each.deadline_at for each in view.outbox))
    moments = [moment for moment in deadlines if moment is not None]
    fields: dict[str, object] = {
        "deadline_at": min(moments, default=None),
        "open_tasks": len(live),
        "open_task_kinds": tuple(sorted({task.kind for task in live})),
        "open_task_statuses": tuple(sorted({task.status for task in live})),
        "open_task_priorities": tuple(sorted({task.priority for task in live})),
        "open_task_agents": tuple(sorted({task.agent_id for task in live if task.agent_id is not None})),
        "overdue": any(task.overdue for task in live),
        "outbox_statuses": tuple(sorted({each.status for each in view.outbox})),
        "unanswered": any(line.status != "answered" for line in view.conversation),
    }
    return view.model_copy(update=fields)
