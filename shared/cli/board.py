"""The board of demo and console: what all services' events add up to, and how it looks in a terminal."""

from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from shared.cli.counts import count_names
from shared.cli.news import news_of
from shared.contracts.event import Event
from shared.contracts.events import incidents, logistics, notifications

STAGES: Final = ("unpaid", "paid", "on the way", "delivered", "completed", "ended unpaid", "refunded")
ORDER_STAGE: Final[dict[str, str]] = {
    "order.placed": "unpaid",
    "order.paid": "paid",
    "order.reopened": "paid",
    "order.dispatched": "on the way",
    "order.delivered": "delivered",
    "order.completed": "completed",
    "order.closed": "ended unpaid",
    "order.cancelled": "ended unpaid",
    "order.refunded": "refunded",
}
CASE_ENDS: Final = frozenset({"case.refunded", "case.refused", "case.closed"})
NEWS_SHOWN: Final = 8
BAR_CHARS: Final = 12
WIDTH: Final = 100


@dataclass(slots=True)
class OpenTask:
    """A task that somebody still has to do."""

    kind: str
    order_id: str
    agent_id: str | None = None
    overdue: bool = False


class Board:
    """Takes events, in any order between subjects, and keeps the present state of the shop."""

    def __init__(self, zone: str, title: str = "Demo Market") -> None:
        self.tally: Counter[str] = Counter()
        self.orders: dict[str, str] = {}
        self.cases: set[tuple[str, str]] = set()
        self.stalled: set[tuple[str, str]] = set()
        self.incidents: set[str] = set()
        """Those that are open."""
        self.waiting: set[str] = set()
        """Messages that wait for the end of the quiet hours."""
        self.tasks: dict[str, OpenTask] = {}
        self.news: deque[tuple[datetime, str, str]] = deque(maxlen=NEWS_SHOWN)
        self.taken = 0
        self._zone = ZoneInfo(zone)
        self._title = title

    def take(self, event: Event) -> None:
        """Fold one event in."""
        self.taken += 1
        self.tally.update(count_names(event))
        stage = ORDER_STAGE.get(event.name)
        if stage is not None:
            self.orders[event.subject] = stage
        self._take_parcel(event)
        self._take_case(event)
        self._take_message(event)
        self._take_task(event)
        told = news_of(event)
        if told is not None:
            self.news.append((event.time, _named(event.subject), told))

    def _take_parcel(self, event: Event) -> None:
        match event.data:
            case logistics.ParcelStalled(parcel_id=parcel_id):
                self.stalled.add((event.subject, parcel_id))
            case (
                logistics.ParcelMovingAgain(parcel_id=parcel_id)
                | logistics.ParcelMovementConfirmed(parcel_id=parcel_id)
                | logistics.ParcelDelayAnnounced(parcel_id=parcel_id)
                | logistics.ParcelReturnOrdered(parcel_id=parcel_id)
                | logistics.ParcelFound(parcel_id=parcel_id)
                | logistics.ParcelLost(parcel_id=parcel_id)
                | logistics.ParcelDelivered(parcel_id=parcel_id)
            ):
                self.stalled.discard((event.subject, parcel_id))
            case incidents.IncidentOpened(incident_id=incident_id):
                self.incidents.add(incident_id)
            case incidents.IncidentClosed(incident_id=incident_id):
                self.incidents.discard(incident_id)
            case _:
                pass

    def _take_case(self, event: Event) -> None:
        case_id = getattr(event.data, "case_id", None)
        if event.name == "case.opened":
            self.cases.add((event.subject, str(case_id)))
        elif event.name in CASE_ENDS:
            self.cases.discard((event.subject, str(case_id)))

    def _take_message(self, event: Event) -> None:
        match event.data:
            case notifications.MessagePostponed(message_id=message_id):
                self.waiting.add(message_id)
            case (
                notifications.MessageSent(message_id=message_id)
                | notifications.MessageSuppressed(message_id=message_id)
                | notifications.MessageFailed(message_id=message_id)
            ):
                self.waiting.discard(message_id)
            case _:
                pass

    def _take_task(self, event: Event) -> None:
        match event.data:
            case notifications.TaskCreated(task_id=task_id, kind=kind):
                self.tasks[task_id] = OpenTask(kind, _named(event.subject))
            case notifications.TaskClaimed(task_id=task_id, agent_id=agent_id) if task_id in self.tasks:
                self.tasks[task_id].agent_id = agent_id
            case notifications.TaskReturned(task_id=task_id) if task_id in self.tasks:
                self.tasks[task_id].agent_id = None
            case notifications.TaskOverdue(task_id=task_id) if task_id in self.tasks:
                self.tasks[task_id].overdue = True
            case notifications.TaskCompleted(task_id=task_id) | notifications.TaskClosed(task_id=task_id):
                self.tasks.pop(task_id, None)
            case _:
                pass

    # How it looks

    def show(self, now: datetime, done: int = 0, total: int = 0) -> RenderableType:
        """The board as it stands, with how much of a story has been told where there is one."""
        left = Group(self._orders(), Text(), self._parcels())
        right = Group(self._cases(), Text(), self._messages())
        halves = Table.grid(expand=True, padding=(0, 2))
        halves.add_column(ratio=1)
        halves.add_column(ratio=1)
        halves.add_row(left, right)
        body = Group(halves, Text(), self._tasks(), Text(), self._latest())
        if total:
            progress = Table.grid(expand=True, padding=(0, 1))
            progress.add_column(ratio=1)
            progress.add_column(justify="right", no_wrap=True)
            progress.add_row(ProgressBar(total=total, completed=done), f"{done} of {total}")
            body = Group(progress, Text(), body)
        title = f"{self._title}, {self.day(now)} {self.clock(now)}"
        return Panel(body, title=title, title_align="left", width=WIDTH)

    def line(self, now: datetime) -> str:
        """The board in one line, for where there is no terminal."""
        stages = ", ".join(f"{count} {stage}" for stage, count in self._by_stage() if count)
        others = f"open cases: {len(self.cases)}; open tasks: {len(self.tasks)}"
        sent = self.sum_of("message.sent.")
        return f"{self.day(now)}  {stages or 'no order yet'}; {others}; messages sent: {sent}"

    def day(self, moment: datetime) -> str:
        """The day in the shop's own time."""
        return f"{moment.astimezone(self._zone):%a %d %b %Y}"

    def clock(self, moment: datetime) -> str:
        """The time of day in the shop's own time."""
        return f"{moment.astimezone(self._zone):%H:%M}"

    def sum_of(self, start: str) -> int:
        """How often anything was counted whose name starts so."""
        return sum(count for name, count in self.tally.items() if name.startswith(start))

    def _by_stage(self) -> list[tuple[str, int]]:
        counted = Counter(self.orders.values())
        return [(stage, counted[stage]) for stage in STAGES]

    def _orders(self) -> Table:
        table = _table(f"Orders: {len(self.orders)}")
        most = max((count for _, count in self._by_stage()), default=0)
        for stage, count in self._by_stage():
            bar = "━" * (count * BAR_CHARS // most if most else 0)
            table.add_row(stage, str(count), Text(bar, style="cyan"))
        return table

    def _parcels(self) -> Table:
        tally = self.tally
        return _rows(
            "Watching",
            ("payment reminders", self.sum_of("payment_reminder_due.")),
            ("shipped too late", tally["order.ship_overdue"]),
            ("not picked up", tally["parcel.pickup_overdue"]),
            ("parcels that stalled", tally["parcel.stalled.1"], f"{len(self.stalled)} stand still now"),
            ("exceptions, returns", tally["parcel.exception"] + tally["parcel.returned"]),
            ("incidents of carriers", tally["incident.opened"], f"{len(self.incidents)} open now"),
            ("suspected lost / lost", tally["parcel.lost_suspected"], f"{tally['parcel.lost']} confirmed"),
            ("claims from carriers", tally["carrier_claim.opened"], f"{tally['carrier_claim.paid']} paid"),
            ("facts that did not fit", self.sum_of("out_of_stage.")),
        )

    def _cases(self) -> Table:
        tally = self.tally
        return _rows(
            f"Cases: {tally['case.opened']}, open now: {len(self.cases)}",
            ("approved by a rule", tally["case.approved.automatic"]),
            ("approved by the deadline", tally["case.approved.deadline"]),
            ("approved by agent or buyer", tally["case.approved.agent"] + tally["case.approved.buyer"]),
            ("refused", self.sum_of("case.refused.")),
            ("refunded", tally["case.refunded"]),
            ("bad reviews", tally["task.call_about_review"]),
        )

    def _messages(self) -> Table:
        tally = self.tally
        return _rows(
            f"Messages: {self.sum_of('message.sent.')}",
            ("wait for the morning", len(self.waiting), f"{tally['message.postponed']} in all"),
            ("dropped: over the cap", tally["message.suppressed.daily_cap"]),
            ("dropped: stale", tally["message.suppressed.stale"]),
            ("dropped: no longer true", tally["message.suppressed.no_longer_true"]),
            ("dropped: no address", tally["message.suppressed.no_contact"]),
            ("buyers who wrote", tally["message.received"], f"{tally['message.answered']} answered"),
        )

    def _tasks(self) -> Group:
        title = Text(
            f"Open tasks: {len(self.tasks)}    done by agents: {self.sum_of('task.completed.')}    "
            f"closed by themselves: {self.tally['task.closed']}    overdue: {self.tally['task.overdue']}",
            style="bold",
        )
        table = _table("")
        kinds = Counter(task.kind for task in self.tasks.values())
        for kind, count in kinds.most_common(4):
            these = [task for task in self.tasks.values() if task.kind == kind]
            held = sorted({task.agent_id for task in these if task.agent_id})
            late = sum(task.overdue for task in these)
            notes = [f"with {', '.join(held)}"] if held else []
            notes += [f"{late} overdue"] if late else []
            orders_shown = ", ".join(task.order_id for task in these[-3:])
            table.add_row(kind, str(count), Text("  ".join([orders_shown, *notes]), style="dim"))
        for _ in range(4 - min(4, len(kinds))):
            table.add_row("", "", "")
        return Group(title, table)

    def _latest(self) -> Group:
        table = Table.grid(padding=(0, 2))
        for moment, order_id, told in self.news:
            when = moment.astimezone(self._zone)
            table.add_row(Text(f"{when:%a %d %H:%M}", style="dim"), Text(order_id, style="cyan"), told)
        for _ in range(NEWS_SHOWN - len(self.news)):
            table.add_row("", "", "")
        return Group(Text("What happens", style="bold"), table)


def _named(subject: str) -> str:
    """An order by its id; an incident's file, whose name is long, by what it is."""
    return "incident" if subject.startswith("incident~") else subject


def _table(title: str) -> Table:
    table = Table.grid(padding=(0, 2))
    if title:
        table.title = Text(title, style="bold")
        table.title_justify = "left"
    table.add_column(min_width=24)
    table.add_column(justify="right", min_width=4)
    table.add_column()
    return table


def _rows(title: str, *rows: tuple[str, int] | tuple[str, int, str]) -> Table:
    table = _table(title)
    for name, count, *note in rows:
        table.add_row(name, str(count), Text(note[0] if note else "", style="dim"))
    return table
