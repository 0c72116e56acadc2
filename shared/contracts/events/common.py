"""Events that every service may say on its own topic: facts that did not fit, tasks and messages wanted."""

from pydantic import Field, JsonValue

from shared.contracts.base import Frozen, Id, Name, Utc
from shared.contracts.event import Payload, says
from shared.contracts.tasks import Priority, TaskKind


@says("fact.out_of_stage", "any")
class FactOutOfStage(Payload):
    """A well-formed fact that did not fit, and why. It is recorded, nothing else came of it."""

    fact: Name
    fact_id: Id
    slug: Name
    detail: str = ""


@says("task.wanted", "any")
class TaskWanted(Payload):
    """A service wants judgement. `notifications` turns it into a task; the id makes it one only."""

    task_id: Id
    kind: TaskKind
    order_id: Id
    due_at: Utc | None = None
    priority: Priority = "normal"
    summary: str
    """One sentence for the agent, without personal data."""
    details: dict[str, JsonValue] = Field(default_factory=dict)
    """What the agent needs to decide, such as parcel_id, case_id or amounts; no personal data."""
    blocked_by: Id | None = None
    """The task that must be completed before this one can be."""


@says("task.raised", "any")
class TaskRaised(Payload):
    """A wanted task matters more now."""

    task_id: Id
    kind: TaskKind
    order_id: Id
    priority: Priority
    reason: str


@says("task.withdrawn", "any")
class TaskWithdrawn(Payload):
    """The cause of a wanted task is gone; it closes itself with this as its outcome."""

    task_id: Id
    kind: TaskKind
    order_id: Id
    reason: Name
    """A slug such as `moving_again` or `dispatched`."""


@says("message.wanted", "any")
class MessageWanted(Payload):
    """A service wants the buyer told. `notifications` alone decides if, when and where it goes."""

    message_id: Id
    """Deterministic, so that asking twice tells once."""
    template: Name
    order_id: Id
    params: dict[str, JsonValue] = Field(default_factory=dict)
    """Values for the template; no personal data."""
    stale_at: Utc | None = None
    """From this moment on it is not worth sending."""


class LineQuantity(Frozen):
    """Some pieces of one order line."""

    line_id: Id
    quantity: int = Field(ge=1)
