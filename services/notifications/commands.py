"""What may be asked of notifications: by buyers' facts, by other services' events, by agents."""

from typing import Literal

from pydantic import Field, JsonValue

from shared.contracts.base import Frozen, Id, Name, Text, Utc
from shared.contracts.events.common import MessageWanted, TaskRaised, TaskWanted, TaskWithdrawn
from shared.contracts.facts import BuyerMessage
from shared.kernel.decision import Command, EffectDone, EffectFailed, TimerDue

OrderEnd = Literal["closed", "cancelled", "refunded", "completed"]
ParcelStage = Literal[
    "dispatched",
    "picked_up",
    "in_transit",
    "out_for_delivery",
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


class ContactKnown(Frozen):
    """Who receives the order."""

    shop_id: Id | None
    buyer_id: Id
    name: Name
    email: str | None


class OrderPaid(Frozen):
    """The order is paid, or runs again after a late payment."""


class OrderEnded(Frozen):
    """The order came to its end."""

    how: OrderEnd


class OrderLeft(Frozen):
    """Every line that is still wanted has left."""


class OrderArrived(Frozen):
    """Every line that is still wanted has arrived."""

    delivered_at: Utc


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


class CaseEnded(Frozen):
    """An after-sales case is over."""

    case_id: Id


class Reviewed(Frozen):
    """The buyer reviewed the order."""


Learned = (
    OrderKnown
    | ContactKnown
    | OrderPaid
    | OrderEnded
    | OrderLeft
    | OrderArrived
    | ParcelReached
    | ParcelStood
    | ParcelMoved
    | CaseBegan
    | CaseEnded
    | Reviewed
)
"""What another service said about an order, as far as messages and invitations depend on it."""


class _OnOrder(Command):
    order_id: Id


class Learn(_OnOrder):
    """Remember what another service said about the order."""

    what: Learned


class WantMessage(_OnOrder):
    """A service wants the buyer told."""

    wanted: MessageWanted
    rule: str | None = None
    """The rule that wanted it."""


class TakeDaysYes(_OnOrder):
    """The buyer's day has room for the message."""

    message_id: Id
    buyer_day: Id


class TakeDaysNo(_OnOrder):
    """The buyer's day is full."""

    message_id: Id
    buyer_day: Id


class ReserveMessage(_OnOrder):
    """An order's file asks the buyer's day for room for one message."""

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


AgentCommand = ClaimTask | Heartbeat | ReturnTask | CompleteTask
OrderCommand = (
    BuyerMessage
    | Learn
    | WantMessage
    | TakeDaysYes
    | TakeDaysNo
    | WantTask
    | RaiseTask
    | WithdrawTask
    | ClaimTask
    | Heartbeat
    | ReturnTask
    | CompleteTask
    | ReplyToBuyer
    | TimerDue
    | EffectDone
    | EffectFailed
)
"""What an order's file may be asked."""
AnyCommand = OrderCommand | ReserveMessage
