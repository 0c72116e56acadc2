"""What an order's file learns without saying it."""

from services.orders.commands import HeardOfGoods
from services.orders.state.stages import Completion, Kept
from shared.contracts.base import Id, Utc
from shared.kernel.decision import Note


class Heard(Note):
    """Something was heard of the order's parcels or cases."""

    heard: HeardOfGoods


class CompletionSet(Note):
    """When the order completes is known, or stands still."""

    completion: Completion


class CompletionDropped(Note):
    """Something is on its way again: when the order completes is open."""


class UrgeAnswered(Note):
    """An agent answered an `urge_shipment` task."""

    task_id: Id


class TextKept(Note):
    """A text that stays in the file."""

    kept: Kept


class PaidBackBefore(Note):
    """Money that was not told, or came late, went back when the order was taken off."""

    at: Utc


class HandlingAnswered(Note):
    """An agent answered a task about the order's handling, and nothing else follows."""

    task_id: Id


OrdersNote = (
    Heard | CompletionSet | CompletionDropped | UrgeAnswered | TextKept | PaidBackBefore | HandlingAnswered
)
