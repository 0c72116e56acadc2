"""What a file learns and says to nobody: others' events, contacts, and the texts of letters."""

from datetime import date

from services.notifications.commands import Learned
from services.notifications.state.conversation import FromAgent, Waiting
from services.notifications.state.messages import Due
from services.notifications.state.reports import About
from shared.contracts.base import Id, Name, Text, Utc
from shared.contracts.events.notifications import MergedReminder
from shared.contracts.events.reports import FindingsOfKind, ReminderRow
from shared.kernel.decision import Note


class _OfOrder(Note):
    order_id: Id


class Heard(_OfOrder):
    """What another service said about the order."""

    what: Learned


class MessageKept(_OfOrder):
    """A message was wanted; its values stay here until it has ended."""

    message: Due


class ContactAwaited(_OfOrder):
    """A message waits for the contact."""

    message_id: Id
    until: Utc


class SendingBegun(_OfOrder):
    """A message was given to the channel."""

    message_id: Id
    effect_id: Id
    merged: tuple[MergedReminder, ...] = ()
    gathered_by: Id | None = None


class SweepSet(_OfOrder):
    """When the order is looked at next by the daily sweep, and how often it was since it last moved."""

    at: Utc | None
    times: int


class BuyerWrote(_OfOrder):
    """What the buyer wrote."""

    line: Waiting


class AgentWrote(_OfOrder):
    """What an agent answered."""

    line: FromAgent


class TaskExplained(_OfOrder):
    """What an agent wrote when he gave a task back, or why he ended it so."""

    at: Utc
    task_id: Id
    agent_id: Id
    reason: Text


class BuyerErased(_OfOrder):
    """The order's buyer was erased."""


class ReminderGathered(Note):
    """A buyer's day has one more reminder to gather."""

    reminder: MergedReminder
    template: Name


class ReminderLeft(Note):
    """A reminder does not go out on this day, whether it was to carry others or to be taken along."""

    message_id: Id


class AddedUp(Note):
    """A shop's day, or a part of it, has more to tell."""

    about: About
    shop_id: Id
    day: date
    part: int | None
    rows: tuple[ReminderRow, ...] = ()
    found: tuple[FindingsOfKind, ...] = ()
    closes_at: Utc | None
    """When it tells it; None when it has told it already."""


OwnNote = (
    Heard
    | MessageKept
    | ContactAwaited
    | SendingBegun
    | BuyerWrote
    | AgentWrote
    | TaskExplained
    | SweepSet
    | BuyerErased
)
DayNote = ReminderGathered | ReminderLeft
