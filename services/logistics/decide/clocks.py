"""A parcel's clocks: which deadline comes next, and what happens when it comes."""

from datetime import datetime, timedelta
from typing import Final, Literal, TypedDict

from services.logistics.decide.tasks import message, named, want, withdraw
from services.logistics.state import Clock, Moving, OpenParcel, Placed, Returning, Troubled
from shared.contracts.base import Frozen, Utc
from shared.contracts.event import Payload
from shared.contracts.events import logistics as said
from shared.contracts.events.common import MessageWanted, TaskRaised
from shared.kernel.calendar import later
from shared.kernel.decision import (
    NOTHING,
    CancelTimer,
    Decision,
    Outcome,
    SetTimer,
    TimerChange,
    TimerDue,
)
from shared.kernel.profiles import Profile, Values

PICKUP: Final = "pickup_overdue"
STANDING: Final = "standing"
"""The timer of the next stall level or of the suspected loss: only the next one is ever set."""

StepName = Literal["pickup_overdue", "stalled_1", "stalled_2", "lost_suspected"]


class Step(Frozen):
    """A clock that comes, and when."""

    name: StepName
    due_at: Utc


class DeadlineFields(TypedDict):
    """The fields in which an event says what comes next."""

    deadline: str | None
    deadline_at: datetime | None


def values_for(state: Placed, carrier: str, profile: Profile) -> Values:
    """The values as they hold for a parcel of that carrier to the order's receiver, as far as he is known."""
    if not profile.values.thresholds:
        return profile.values
    receiver = None if state.contact is None else state.contact.receiver
    route = None if receiver is None else profile.route_to(receiver.country, receiver.state)
    return profile.values.for_parcel(carrier, route)


def standing(clock: Clock, values: Values) -> Step | None:
    """Rules `stall_levels` and `lost_suspected_after`: the next step if nothing is heard."""
    if clock.lost_suspected:
        return None
    first, second = values.stall_levels
    steps: list[tuple[timedelta, StepName]] = [(values.lost_suspected_after, "lost_suspected")]
    if clock.level < 2:
        steps.insert(0, (second, "stalled_2"))
    if clock.level < 1:
        steps.insert(0, (first, "stalled_1"))
    span, name = min(steps, key=lambda step: step[0])
    return Step(name=name, due_at=later(clock.since, span))


def pickup(clock: Clock, values: Values) -> Step | None:
    """Rule `pickup_overdue_after`: when the first scan is missed."""
    if clock.pickup_from is None:
        return None
    return Step(name=PICKUP, due_at=later(clock.pickup_from, values.pickup_overdue_after))


def deadline(clock: Clock, values: Values) -> DeadlineFields:
    """What an event says of the clock that comes next."""
    steps = [step for step in (pickup(clock, values), standing(clock, values)) if step]
    if not steps:
        return {"deadline": None, "deadline_at": None}
    coming = min(steps, key=lambda step: step.due_at)
    return {"deadline": coming.name, "deadline_at": coming.due_at}


def timers(parcel_id: str, clock: Clock, values: Values) -> tuple[TimerChange, ...]:
    """The timers of a clock that was set anew."""
    missed, next_step = pickup(clock, values), standing(clock, values)
    return (
        SetTimer(name=PICKUP, key=parcel_id, due_at=missed.due_at)
        if missed
        else CancelTimer(name=PICKUP, key=parcel_id),
        SetTimer(name=STANDING, key=parcel_id, due_at=next_step.due_at)
        if next_step
        else CancelTimer(name=STANDING, key=parcel_id),
    )


def no_timers(parcel_id: str) -> tuple[TimerChange, ...]:
    """The parcel has ended: nothing is awaited."""
    return (CancelTimer(name=PICKUP, key=parcel_id), CancelTimer(name=STANDING, key=parcel_id))


def timer_due(timer: TimerDue, state: Placed, profile: Profile) -> Outcome:
    """A clock of a parcel has come; an ended parcel has none."""
    parcel = state.parcel(timer.key)
    if not isinstance(parcel, Moving | Troubled | Returning):
        return NOTHING
    values = values_for(state, parcel.carrier, profile)
    match timer.name:
        case "pickup_overdue":
            return _pickup_overdue(state, parcel, values)
        case "standing":
            return _standing(state, parcel, values)
        case _:
            return NOTHING


def _pickup_overdue(state: Placed, parcel: OpenParcel, values: Values) -> Decision:
    """Rule `pickup_overdue_after`: nobody has seen the parcel since it was dispatched."""
    if parcel.clock.pickup_from is None:
        return NOTHING
    clock = parcel.clock.pickup_missed()
    overdue = said.ParcelPickupOverdue(
        **named(parcel),
        dispatched_at=parcel.dispatched_at,
        **deadline(clock, values),
    )
    summary = "The carrier has not scanned the parcel since it was dispatched: was it picked up?"
    return Decision(
        rule="pickup_overdue_after",
        events=(overdue,),
        tasks=want(state, parcel, "check_pickup", summary),
    )


def _standing(state: Placed, parcel: OpenParcel, values: Values) -> Decision:
    """The next step of the standing clock, and the timer of the one after it."""
    step = standing(parcel.clock, values)
    if step is None:
        return NOTHING
    match step.name:
        case "stalled_1":
            decision, clock = _first_level(state, parcel, values), parcel.clock.stalled(1)
        case "stalled_2":
            decision, clock = _second_level(state, parcel, values), parcel.clock.stalled(2)
        case _:
            decision, clock = loss_suspected(state, parcel, values), parcel.clock.suspected()
    following = standing(clock, values)
    if following is None:
        return decision
    timer = SetTimer(name=STANDING, key=parcel.parcel_id, due_at=following.due_at)
    return decision + Decision(timers=(timer,))


def _stalled(parcel: OpenParcel, level: Literal[1, 2], values: Values) -> Payload:
    return said.ParcelStalled(
        **named(parcel),
        level=level,
        since=parcel.clock.since,
        **deadline(parcel.clock.stalled(level), values),
    )


def _first_level(state: Placed, parcel: OpenParcel, values: Values) -> Decision:
    """Rule `stall_levels`, level 1: ask the carrier, tell the buyer."""
    summary = "The parcel has not moved for a while: ask the carrier where it is."
    return Decision(
        rule="stall_levels",
        events=(_stalled(parcel, 1, values),),
        tasks=want(state, parcel, "check_with_carrier", summary),
        messages=() if values.incidents is not None else delay_notice(state, parcel),
    )


def delay_notice(state: Placed, parcel: OpenParcel) -> tuple[MessageWanted, ...]:
    """The buyer hears of a delay once: where the parcel belongs to an incident, from that.

    Where the profile has a rule for incidents, the file that counts them says first whether this is one.
    """
    if parcel.watch is not None and parcel.watch.incident_id is not None:
        return ()
    if isinstance(parcel, Returning):
        return ()  # It comes to nobody: what he waits for is settled when it is back.
    return (message(state, parcel, "delay_notice", parcel.clock.since),)


def _second_level(state: Placed, parcel: OpenParcel, values: Values) -> Decision:
    """Rule `stall_levels`, level 2: the same task matters more."""
    task = parcel.task("check_with_carrier")
    summary = "The parcel has not moved for long: ask the carrier where it is."
    raised = (
        want(state, parcel, "check_with_carrier", summary, "high")
        if task is None
        else (
            TaskRaised(
                task_id=task.task_id,
                kind=task.kind,
                order_id=state.order_id,
                priority="high",
                reason="stalled level 2",
            ),
        )
    )
    return Decision(rule="stall_levels", events=(_stalled(parcel, 2, values),), tasks=raised)


def loss_suspected(state: Placed, parcel: OpenParcel, values: Values) -> Decision:
    """Rule `lost_suspected_after`: the loss is confirmed before anybody acts on it."""
    suspected = said.ParcelLostSuspected(
        **named(parcel),
        since=parcel.clock.since,
        **deadline(parcel.clock.suspected(), values),
    )
    summary = "The parcel may be lost: confirm it with the carrier before the buyer is served."
    return Decision(
        rule="lost_suspected_after",
        events=(suspected,),
        tasks=want(state, parcel, "confirm_loss", summary, "high"),
    )


def restarted(state: Placed, parcel: OpenParcel, clock: Clock, reason: str, except_for: str = "") -> Decision:
    """What goes with a clock that starts again: tasks about its silence close themselves."""
    kinds = {"check_with_carrier", "confirm_loss"}
    if clock.pickup_from is None:
        kinds.add("check_pickup")
    over = [task for task in parcel.tasks if task.kind in kinds and task.task_id != except_for]
    return Decision(tasks=withdraw(state, over, reason))
