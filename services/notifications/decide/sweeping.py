"""The daily sweep and the start of a shift: what lies open on an order, and a task for what nobody has.

Rule `daily_sweep_at`. An order's own file looks at itself each morning, as long as something lies open on
it, and tells its shop's day; so nobody has to look through all orders. A finding that a task has already
gets none; one that had a task of the sweep is not given another. An order on which nothing has moved for
a fortnight is not told of any more: its tasks are there.
"""

from datetime import date, datetime, timedelta
from typing import Final

from services.notifications.commands import RaiseTask, WantTask, WithdrawTask
from services.notifications.decide import reports
from services.notifications.decide.occasion import SERVICE, Occasion
from services.notifications.decide.tasks import close
from services.notifications.state import OrderFile
from services.notifications.state.files import Swept
from services.notifications.state.notes import SweepSet
from services.notifications.state.tasks import AnyTask, CompletedTask, LiveTask
from shared.contracts.event import Payload
from shared.contracts.events.notifications import TaskCreated
from shared.contracts.events.reports import Finding, FindingKind
from shared.contracts.tasks import TaskKind
from shared.kernel.calendar import at_local, local_date
from shared.kernel.decision import NOTHING, CancelTimer, Decision, SetTimer, TimerDue, task_id

SWEEP: Final = "daily_sweep"
RULE: Final = "daily_sweep_at"
TIMES_MAX: Final = 14
"""Mornings on which an order is told of after it last moved."""
ONE_DAY: Final = timedelta(days=1)
SAID: Final[dict[FindingKind, str]] = {
    "abnormal": "Something went wrong with an order placed yesterday, and nobody has a task about it.",
    "unpaid": "The order is unpaid.",
    "unshipped": "The order should have left, and nobody has a task about it.",
    "refund_open": "A refund request is open, and nobody has a task about it.",
    "dispute_open": "A dispute is open, and nobody has a task about it.",
    "message_unanswered": "The buyer waits for an answer.",
    "review_unread": "Nobody has read the buyer's review.",
}
_HAS: Final[dict[FindingKind, frozenset[TaskKind]]] = {
    "unshipped": frozenset({"urge_shipment"}),
    "message_unanswered": frozenset({"answer_buyer"}),
    "review_unread": frozenset({"call_about_review"}),
}
"""The tasks that others want for the same cause, where the kind of task tells it."""
_GOES_AWAY: Final[frozenset[FindingKind]] = frozenset({"unshipped", "refund_open", "dispute_open"})
"""What the sweep's own task closes itself for when it is gone."""
_CASES: Final[frozenset[FindingKind]] = frozenset({"refund_open", "dispute_open"})
_ROUTINE: Final[frozenset[TaskKind]] = frozenset(
    {"verify_order", "confirm_wish", "answer_buyer", "call_about_payment"}
)
"""Tasks of orders on which nothing went wrong."""
_STRAYED: Final = frozenset({"returning", "returned", "lost"})


def moved(file: OrderFile, occasion: Occasion) -> Decision:
    """The order moved: the next sweep looks at it, and tasks of the sweep that lost their cause close."""
    return _gone(file, occasion) + _ahead(file, occasion)


def _ahead(file: OrderFile, occasion: Occasion) -> Decision:
    if not occasion.profile.reports.daily_sweep or file.knows.placed_at is None:
        return NOTHING
    if file.swept.at is not None and file.swept.times == 0:
        return NOTHING
    if not findings(file, occasion.at, occasion):
        return NOTHING
    at = file.swept.at or next_sweep(occasion.at, occasion)
    return _look_at(file, Swept(at=at, times=0))


def next_sweep(after: datetime, occasion: Occasion) -> datetime:
    """The first sweep after a moment, on the shop's clocks."""
    zone, wall = occasion.profile.zone, occasion.values.daily_sweep_at
    day = local_date(after, zone)
    today = at_local(day, wall, zone)
    return today if today > after else at_local(day + ONE_DAY, wall, zone)


def _look_at(file: OrderFile, swept: Swept) -> Decision:
    note = SweepSet(order_id=file.order_id, at=swept.at, times=swept.times)
    timer = CancelTimer(name=SWEEP) if swept.at is None else SetTimer(name=SWEEP, due_at=swept.at)
    return Decision(rule=RULE, notes=(note,), timers=(timer,))


def sweep(command: TimerDue, file: OrderFile, occasion: Occasion) -> Decision:
    """What lies open is told, what nobody has becomes a task, and the next sweep looks at it again."""
    times = file.swept.times + 1
    if not occasion.profile.reports.daily_sweep:
        return _look_at(file, Swept())
    open_now = findings(file, command.due_at, occasion)
    if not open_now:
        # It may go wrong before this day is over, and tomorrow it is an order of the day before.
        placed = file.knows.placed_at
        today = local_date(command.due_at, occasion.profile.zone)
        new = placed is not None and local_date(placed, occasion.profile.zone) == today
        return _look_at(file, Swept(at=next_sweep(command.due_at, occasion)) if new else Swept())
    tasks, told = _with_tasks(file, open_now, command.due_at)
    day = local_date(command.due_at, occasion.profile.zone)
    again = next_sweep(command.due_at, occasion) if times < TIMES_MAX else None
    swept = Decision(rule=RULE, events=tasks) + reports.found(file, told, day, occasion)
    return swept + _look_at(file, Swept(at=again, times=times))


def scan(file: OrderFile, occasion: Occasion) -> Decision:
    """A shift begins: what nobody has becomes a task now, whether or not the shop has a daily sweep."""
    tasks, told = _with_tasks(file, findings(file, occasion.at, occasion), occasion.at)
    return Decision(
        rule="start_of_shift",
        events=tasks,
        result={"new_tasks": sum(finding.new_task for finding in told)},
    )


def findings(file: OrderFile, at: datetime, occasion: Occasion) -> tuple[Finding, ...]:
    """What lies open on the order at a moment."""
    knows = file.knows
    found = [
        *_running(file),
        *(
            Finding(kind="dispute_open" if case_id in knows.disputed else "refund_open", about=case_id)
            for case_id in knows.open_cases
        ),
        *(Finding(kind="message_unanswered", about=line.message_id) for line in file.open_lines[:1]),
    ]
    if knows.reviewed and not _read(file):
        found.append(Finding(kind="review_unread", about=knows.review_id))
    yesterday = local_date(at, occasion.profile.zone) - ONE_DAY
    if _abnormal(file, yesterday, occasion.profile.zone):
        found.append(Finding(kind="abnormal"))
    return tuple(found)


def _running(file: OrderFile) -> tuple[Finding, ...]:
    """An order that waits for its money or for its dispatch."""
    knows = file.knows
    if knows.ended is not None or knows.placed_at is None:
        return ()
    if not knows.paid:
        return (Finding(kind="unpaid"),)
    return () if knows.all_dispatched else (Finding(kind="unshipped"),)


def _read(file: OrderFile) -> bool:
    """Whether an agent has seen to the review."""
    return any(
        isinstance(task, CompletedTask)
        and (task.kind == "call_about_review" or task.details.get("finding") == "review_unread")
        for task in file.tasks
    )


def _abnormal(file: OrderFile, yesterday: date, zone: str) -> bool:
    """Whether an order of the day before has a case, a task, a parcel that strays, or its money back."""
    knows = file.knows
    if knows.placed_at is None or local_date(knows.placed_at, zone) != yesterday:
        return False
    strays = any(parcel.stalled or parcel.stage in _STRAYED for parcel in knows.parcels)
    seen_to = any(task.kind not in _ROUTINE for task in file.tasks)
    return knows.had_case or seen_to or strays or knows.ended == "refunded"


def _with_tasks(
    file: OrderFile, found: tuple[Finding, ...], at: datetime
) -> tuple[tuple[Payload, ...], tuple[Finding, ...]]:
    """Tasks for the findings that need one and have none, and all findings with the task that has them."""
    tasks: list[Payload] = []
    told: list[Finding] = []
    for finding in found:
        task = _task_of(file, finding)
        if task is not None:
            told.append(finding.model_copy(update={"task_id": task.task_id}))
            continue
        before = [each for each in file.tasks if _is_about(each, finding)]
        done = any(isinstance(each, CompletedTask) for each in before)
        if done or not _needs_one(file, finding, found, at):
            told.append(finding)
            continue
        # One that closed itself comes again when its cause does; so the number is part of its name.
        about = (finding.kind, finding.about or "", len(before))
        task_name = task_id(SERVICE, file.order_id, "look_into", SWEEP, *about)
        tasks.append(_task(task_name, finding))
        told.append(finding.model_copy(update={"task_id": task_name, "new_task": True}))
    return tuple(tasks), tuple(told)


def _task_of(file: OrderFile, finding: Finding) -> LiveTask | None:
    """The open task of the same cause, if there is one."""
    for task in file.live_tasks:
        if finding.kind == "abnormal" or _is_about(task, finding):
            return task
        if task.kind in _HAS.get(finding.kind, ()):
            return task
        if finding.kind in _CASES and task.details.get("case_id") == finding.about:
            return task
    return None


def taken_over(command: WantTask | RaiseTask | WithdrawTask, file: OrderFile) -> Decision:
    """A service wants a task for what the sweep found a moment before: the sweep's own closes itself."""
    if not isinstance(command, WantTask) or file.task(command.wanted.task_id) is not None:
        return NOTHING
    wanted, decision = command.wanted, NOTHING
    for task in file.live_tasks:
        kind, about = task.details.get("finding"), task.details.get("about")
        same_case = kind in _CASES and wanted.details.get("case_id") == about
        if same_case or any(kind == each and wanted.kind in has for each, has in _HAS.items()):
            decision += close(task, "has_a_task")
    return decision


def _is_about(task: AnyTask, finding: Finding) -> bool:
    """Whether the sweep made the task for this finding."""
    return task.details.get("finding") == finding.kind and task.details.get("about") == finding.about


def _needs_one(file: OrderFile, finding: Finding, found: tuple[Finding, ...], at: datetime) -> bool:
    """Whether nobody has it by another rule: reminders see to what is unpaid, the conversation to a buyer
    who waits, and what has time to leave needs nobody yet.
    """
    match finding.kind:
        case "unpaid" | "message_unanswered":
            return False
        case "unshipped":
            return file.knows.ship_by is not None and file.knows.ship_by <= at
        case "abnormal":
            # Another finding of the order has what is wrong with it, or a task had it and is done.
            return not file.tasks and all(each.kind in ("abnormal", "unpaid", "unshipped") for each in found)
        case _:
            return True


def _task(task_name: str, finding: Finding) -> TaskCreated:
    details = {"finding": finding.kind, "about": finding.about}
    if finding.kind in _CASES:
        details["case_id"] = finding.about
    return TaskCreated(
        task_id=task_name,
        kind="look_into",
        wanted_by=SERVICE,
        due_at=None,
        priority="high" if finding.kind == "dispute_open" else "normal",
        summary=SAID[finding.kind],
        details=dict(details),
    )


def _gone(file: OrderFile, occasion: Occasion) -> Decision:
    """A task of the sweep closes itself when what it is about lies open no longer."""
    of_sweep = [task for task in file.live_tasks if task.details.get("finding") in _GOES_AWAY]
    if not of_sweep:
        return NOTHING
    still = {(each.kind, each.about) for each in findings(file, occasion.at, occasion)}
    decision = NOTHING
    for task in of_sweep:
        kind, about = task.details.get("finding"), task.details.get("about")
        if (kind, about) not in still:
            decision += close(task, "cause_gone")
    return decision
