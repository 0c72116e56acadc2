"""What `notifications` says about a shop's days: reminders and what they brought, and what lies open."""

from datetime import date
from typing import Literal

from shared.contracts.base import Amount, Currency, Frozen, Id, Name, Sum
from shared.contracts.event import Payload, says

FindingKind = Literal[
    "abnormal",
    "unpaid",
    "unshipped",
    "refund_open",
    "dispute_open",
    "message_unanswered",
    "review_unread",
]


class Money(Frozen):
    """An amount in one currency."""

    currency: Currency
    amount: Sum


class PaidWithin(Frozen):
    """How many orders were paid how soon after their last reminder."""

    one_hour: int = 0
    six_hours: int = 0
    one_day: int = 0
    later: int = 0


class ReminderRow(Frozen):
    """One stage of reminders on one day. What is paid counts on the day of the payment."""

    stage: Name
    messages: int = 0
    """Messages sent; one may remind of several orders."""
    reminded: int = 0
    """Orders reminded of."""
    paid: int = 0
    """Orders paid of which this was the last reminder."""
    paid_within: PaidWithin = PaidWithin()
    amounts: tuple[Money, ...] = ()
    """What was paid for them."""


@says("reminder.noted", "notifications")
class ReminderNoted(Payload):
    """An order's file tells its shop's day that a reminder went out, or that it was paid after one."""

    report: Id
    """The file of the day that adds it up."""
    day: date
    part: int
    row: ReminderRow


@says("reminders.added_up", "notifications")
class RemindersAddedUp(Payload):
    """One part of a shop's day tells the day what it has added up since it last did."""

    report: Id
    day: date
    rows: tuple[ReminderRow, ...]


@says("reminders.reported", "notifications")
class RemindersReported(Payload):
    """A shop's local day is over: its payment reminders, and what they brought."""

    day: date
    rows: tuple[ReminderRow, ...]
    messages: int
    reminded: int
    paid: int
    amounts: tuple[Money, ...]
    cost: Sum
    """Messages sent times the price of one."""
    cost_currency: Currency | None = None
    message_price: Amount
    roi: Sum | None = None
    """What was paid in the cost's currency for each unit of cost, to two places; None where nothing was
    spent."""


class Finding(Frozen):
    """Something that lies open on an order."""

    kind: FindingKind
    about: Id | None = None
    """The case, message or review, where it is about one."""
    task_id: Id | None = None
    """The task that has it; None where it needs none."""
    new_task: bool = False
    """Whether that task was made because nobody had it."""


@says("findings.noted", "notifications")
class FindingsNoted(Payload):
    """An order's file tells its shop's day what lies open on it."""

    report: Id
    day: date
    part: int
    findings: tuple[Finding, ...]


class FindingsOfKind(Frozen):
    """All findings of one kind on one day."""

    kind: FindingKind
    count: int
    """Orders on which something of the kind lies open."""
    new_tasks: int = 0
    orders: tuple[Id, ...] = ()
    """At most 50 of them."""


@says("findings.added_up", "notifications")
class FindingsAddedUp(Payload):
    """One part of a shop's day tells the day what it has added up since it last did."""

    report: Id
    day: date
    found: tuple[FindingsOfKind, ...]


@says("day.swept", "notifications")
class DaySwept(Payload):
    """A shop's open and abnormal orders of a morning. Each finding that needs a task has one."""

    day: date
    """The local day of the morning; abnormal orders are those placed on the day before."""
    found: tuple[FindingsOfKind, ...]
    new_tasks: int
