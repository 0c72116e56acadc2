"""Acts: what agents and buyers do through the API, as lines of a timeline beside its facts.

A fact says what happened outside; an act is a command that somebody gives. A timeline file may
hold both, so that a replay can play the people too. An act names a task by its order and kind,
since the task's id is not known before the timeline has run.
"""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, TypeAdapter
from pydantic_core import from_json

from shared.contracts.base import Id, Name, Strict, Utc
from shared.contracts.facts import AnyFact, parse_fact
from shared.contracts.tasks import TaskKind


class _Act(Strict):
    """What every act has: its own id, when it is done, and the order it is about."""

    id: Id
    at: Utc
    order_id: Id


class _TaskAct(_Act):
    """An act on the oldest open task of that kind on that order."""

    agent_id: Id
    kind: TaskKind


class TaskClaim(_TaskAct):
    """An agent takes the task."""

    act: Literal["task.claim"]


class TaskHeartbeat(_TaskAct):
    """The agent is still at it: the lease starts again."""

    act: Literal["task.heartbeat"]


class TaskReturn(_TaskAct):
    """The agent gives the task back to the queue."""

    act: Literal["task.return"]


class TaskComplete(_TaskAct):
    """The agent completes the task with an outcome of the task catalogue."""

    act: Literal["task.complete"]
    outcome: Name
    details: dict[str, JsonValue] = Field(default_factory=dict)


class OfferAnswered(_Act):
    """The buyer takes or declines what the shop offered instead."""

    act: Literal["case.answer_offer"]
    case_id: Id
    accepted: bool


class RemedyChosen(_Act):
    """The buyer of a lost parcel chooses between a new parcel and the money.

    The case was opened by the loss itself, so the act names it by its order alone.
    """

    act: Literal["case.choose_remedy"]
    remedy: Literal["reship", "refund"]


class OrderChange(_Act):
    """Somebody of the shop changes the order, as `POST /orders/{order_id}/changes` takes it."""

    act: Literal["order.change"]
    agent_id: Id
    change: dict[str, JsonValue]


class WishFlag(_Act):
    """Somebody of the shop flags the order for one of its wishes."""

    act: Literal["wish.flag"]
    agent_id: Id
    wish_id: Id


class ClaimStep(_Act):
    """A step of the claim about a lost parcel, as `POST …/parcels/{parcel_id}/claim/{step}` takes it."""

    act: Literal["claim.step"]
    parcel_id: Id
    step: Literal["evidence", "submission", "approval", "refusal", "appeal", "payment", "write-off"]
    details: dict[str, JsonValue] = Field(default_factory=dict)


AnyAct = (
    TaskClaim
    | TaskHeartbeat
    | TaskReturn
    | TaskComplete
    | OfferAnswered
    | RemedyChosen
    | OrderChange
    | WishFlag
    | ClaimStep
)
Act = Annotated[AnyAct, Field(discriminator="act")]
TimelineLine = AnyFact | AnyAct

_ACT: TypeAdapter[AnyAct] = TypeAdapter(Act)


def parse_line(raw: bytes | str) -> TimelineLine:
    """Read one line of a timeline: a fact, or an act where it has the field `act`.

    Raises `pydantic.ValidationError`, naming the field, and `ValueError` for what is not JSON.
    """
    value = from_json(raw)
    if isinstance(value, dict) and "act" in value:
        return _ACT.validate_json(raw)
    return parse_fact(raw)
