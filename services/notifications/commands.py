"""What may be asked of notifications: by buyers' facts, by other services' events, by agents."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from shared.contracts.base import PERSONAL, Amount, Currency, Frozen, Id, Name, Text, Utc
from shared.contracts.events.common import MessageWanted, TaskRaised, TaskWanted, TaskWithdrawn
from shared.contracts.events.notifications import MergedReminder, ReminderAsked
from shared.contracts.events.reports import Finding, FindingsOfKind, ReminderRow
from shared.contracts.facts import BuyerMessage
from shared.kernel.decision import Command, EffectDone, EffectDue, EffectFailed, TimerDue
from shared.kernel.erasure import EraseBuyer

OrderEnd = Literal["closed", "cancelled", "refunded", "completed"]
ParcelStage = Literal[
    "dispatched",
    "picked_up",
    "in_transit",
    "out_for_delivery",
    "exception",
    "delivered",
    "returning",
    "returned",
    "lost",
    "cancelled",
]


class OrderKnown(Frozen):
    """The order was placed."""

    shop_id: Id
    buyer_id: Id
    placed_at: Utc | None = None
    currency: Currency | None = None


class ContactKnown(Frozen):
    """Who receives the order."""

    shop_id: Id | None
    buyer_id: Id
    name: Annotated[Name, PERSONAL]
    email: Annotated[str, PERSONAL] | None


class OrderPaid(Frozen):
    """The order is paid, or runs again after a late payment."""

    amount: Amount | None = None
    ship_by: Utc | None = None


class OrderRepriced(Frozen):
    """The order costs something else now."""

    total: Amount


class OrderEnded(Frozen):
    """The order came to its end."""

    how: OrderEnd


class OrderLeft(Frozen):
    """Every line that is still wanted has left."""


class OrderArrived(Frozen):
    """Every line that is still wanted has arrived."""

    delivered_at: Utc


class OrderOwes(Frozen):
    """Something of the order has still to leave, by then; None where nothing has."""

    ship_by: Utc | None


class ParcelReached(Frozen):
    """A parcel came to a stage."""

    parcel_id: Id
    stage: ParcelStage


class ParcelStood(Frozen):
    """A parcel stalled."""

    parcel_id: Id


class ParcelMoved(Frozen):
    """A stalled parcel moves again."""

    parcel_id: Id


class CaseBegan(Frozen):
    """An after-sales case is open, or open again."""

    case_id: Id


class CaseDisputed(Frozen):
    """The buyer brought the platform into a case."""

    case_id: Id


class CaseEnded(Frozen):
    """An after-sales case is over."""

    case_id: Id


class Reviewed(Frozen):
    """The buyer reviewed the order."""

    review_id: Id | None = None


Learned = (
    OrderKnown
    | ContactKnown
    | OrderPaid
    | OrderRepriced
    | OrderEnded
    | OrderLeft
    | OrderOwes
    | OrderArrived
    | ParcelReached
    | ParcelStood
    | ParcelMoved
    | CaseBegan
    | CaseDisputed
    | CaseEnded
    | Reviewed
)
"""What another service said about an order, as far as messages and invitations depend on it."""


class _OnOrder(Command):
    order_id: Id


class Learn(_OnOrder):
    """Remember what another service said about the order."""

    what: Learned


class ForgetBuyer(_OnOrder, EraseBuyer):
    """The order's buyer was erased."""


class WantMessage(_OnOrder):
    """A service wants the buyer told."""

    wanted: MessageWanted
    rule: str | None = None
    """The rule that wanted it."""


class TakeDaysYes(_OnOrder):
    """The buyer's day has room for the message."""

    message_id: Id
    buyer_day: Id
    merged: tuple[MergedReminder, ...] = ()
    """Reminders of other orders that it shall take along."""


class TakeDaysNo(_OnOrder):
    """The buyer's day is full."""

    message_id: Id
    buyer_day: Id


class TakeMerged(_OnOrder):
    """Another order's message told the buyer of this one too."""

    message_id: Id
    into: Id
    into_order: Id


class ReserveMessage(_OnOrder):
    """An order's file asks the buyer's day for room for one message."""

    message_id: Id
    template: Name
    reminder: ReminderAsked | None = None
    """Set where it shall wait for others of the same buyer."""


class WithdrawMessage(_OnOrder):
    """An order's file tells the buyer's day that a reminder won't go out now."""

    message_id: Id
    template: Name


class WantTask(_OnOrder):
    """A service wants judgement."""

    wanted: TaskWanted
    wanted_by: Name
    rule: str | None = None
    """The rule that wanted it."""


class RaiseTask(_OnOrder):
    """A wanted task matters more now."""

    raised: TaskRaised


class WithdrawTask(_OnOrder):
    """The cause of a wanted task is gone."""

    withdrawn: TaskWithdrawn


class _ByAgent(Command):
    task_id: Id
    agent_id: Id


class ClaimTask(_ByAgent):
    """An agent takes a task, or renews his lease on it."""


class Heartbeat(_ByAgent):
    """The agent is still at it: his lease starts again."""


class ReturnTask(_ByAgent):
    """The agent gives the task back to the queue."""

    reason: Text = ""
    """For the next agent; it stays in the file."""


class CompleteTask(_ByAgent):
    """The agent completes the task with an outcome of the task catalogue."""

    outcome: Name
    details: dict[str, JsonValue] = Field(default_factory=dict)
    """The outcome's arguments."""


class ReplyToBuyer(_OnOrder):
    """An agent answers what the buyer wrote, without waiting for a task."""

    text: Text = Field(min_length=1)
    agent_id: Id


class ScanOrder(Command):
    """A shift begins: what lies open on the order and nobody has becomes a task."""


class BeginShift(Command):
    """Somebody begins a shift. Nothing follows from it; the file remembers its key with what was asked."""

    shop_id: Id
    unpaid_after: Id | None
    unshipped_after: Id | None
    limit: int


class NoteReminder(Command):
    """An order's file tells a part of its shop's day of a reminder, or of a payment after one."""

    shop_id: Id
    day: date
    part: int
    row: ReminderRow


class AddReminders(Command):
    """A part of the day tells the day what it added up."""

    shop_id: Id
    day: date
    rows: tuple[ReminderRow, ...]


class NoteFindings(Command):
    """An order's file tells a part of its shop's day what lies open on it."""

    shop_id: Id
    day: date
    part: int
    order_id: Id
    findings: tuple[Finding, ...]


class AddFindings(Command):
    """A part of the day tells the day what it added up."""

    shop_id: Id
    day: date
    found: tuple[FindingsOfKind, ...]


ReportCommand = NoteReminder | AddReminders | NoteFindings | AddFindings
"""What a file of a shop's day may be asked."""
DayCommand = ReserveMessage | WithdrawMessage
"""What a buyer's day may be asked."""
AgentCommand = ClaimTask | Heartbeat | ReturnTask | CompleteTask
OrderCommand = (
    BuyerMessage
    | Learn
    | ForgetBuyer
    | WantMessage
    | TakeDaysYes
    | TakeDaysNo
    | TakeMerged
    | ScanOrder
    | WantTask
    | RaiseTask
    | WithdrawTask
    | ClaimTask
    | Heartbeat
    | ReturnTask
    | CompleteTask
    | ReplyToBuyer
    | TimerDue
    | EffectDue
    | EffectDone
    | EffectFailed
)
"""What an order's file may be asked."""
AnyCommand = OrderCommand | DayCommand | ReportCommand | BeginShift
