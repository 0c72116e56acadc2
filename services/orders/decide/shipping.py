"""The ship promise: missed, moved, met or no longer asked for."""

from datetime import datetime

from services.orders.commands import PromiseShipment
from services.orders.decide import timers
from services.orders.state import Cancelling, Delivered, Dispatched, Goods, Paid, Served, State, UrgeAnswered
from shared.contracts.events import orders
from shared.contracts.events.common import TaskWanted, TaskWithdrawn
from shared.kernel.calendar import later, utc_text
from shared.kernel.decision import (
    NOTHING,
    CancelTimer,
    Decision,
    Outcome,
    Refused,
    SetTimer,
    TimerDue,
    task_id,
)
from shared.kernel.profiles import Profile

_RULE = "ship_within"
NOTHING_TO_SHIP = Refused(slug="nothing-to-ship", detail="Nothing of the order has still to leave.")


def overdue(due: TimerDue, state: State, profile: Profile) -> Outcome:
    """`ship_within`: not every line has left. Said once an order; each missed promise is urged."""
    if not isinstance(state, Paid | Cancelling | Dispatched | Delivered):
        return NOTHING
    owed, promise = state.order.goods.owed(), state.promise
    if not owed or not promise.runs:
        return NOTHING
    events = () if promise.overdue_said else (orders.ShipOverdue(ship_by=promise.ship_by, lines=owed),)
    order_id = state.order.order_id
    urge = TaskWanted(
        task_id=task_id("orders", order_id, "urge_shipment", promise.urged + 1),
        kind="urge_shipment",
        order_id=order_id,
        due_at=later(due.due_at, profile.values.urge_shipment_due_after),
        priority="high" if promise.overdue_said else "normal",
        summary=f"{len(owed)} of {len(state.order.goods.lines)} lines have not left as promised.",
        details={"lines": list(owed), "ship_by": utc_text(promise.ship_by)},
    )
    return Decision(rule=_RULE, events=events, tasks=(urge,))


def promised(command: PromiseShipment, state: State, profile: Profile) -> Outcome:
    """`urge_shipment` was answered by `ships_on`: the promise moves; a day that is over gives a new term."""
    if not isinstance(state, Paid | Cancelling | Dispatched | Delivered) or not state.order.goods.owed():
        return NOTHING_TO_SHIP
    ships_on = command.ships_on
    if ships_on <= command.at:
        ships_on = later(command.at, profile.values.urge_shipment_due_after)
    promise = state.promise
    moved = orders.OrderDeadlineChanged(
        deadline="ship",
        was=promise.ship_by if promise.runs else None,
        deadline_at=ships_on,
        reason="ships_on",
    )
    return Decision(
        rule=_RULE,
        notes=(UrgeAnswered(task_id=command.task_id),),
        events=(moved,),
        timers=(SetTimer(name=timers.SHIP, due_at=ships_on),),
    )


def follow(state: Served, goods: Goods, at: datetime, why: str) -> Decision:
    """What the ship promise makes of a change of the goods: met, not asked for, or asked for again."""
    was_owed, promise = state.order.goods.owed(), state.promise
    if goods.owed():
        if was_owed or promise.runs:
            return NOTHING
        return _again(max(promise.ship_by, at), why)
    events: tuple[orders.ShipOverdue | orders.OrderDispatched | orders.OrderDeadlineChanged, ...] = ()
    if promise.runs and was_owed and promise.ship_by < at and not promise.overdue_said:
        events = (orders.ShipOverdue(ship_by=promise.ship_by, lines=was_owed),)
    ends = goods.wholly_refunded()
    if goods.gone() and not state.dispatched_said and not ends:
        gone = tuple(parcel.parcel_id for parcel in goods.gone())
        events = (*events, orders.OrderDispatched(parcels=gone))
    owed_again = was_owed and state.dispatched_said
    if (promise.runs or owed_again) and not events and not ends:
        events = (
            orders.OrderDeadlineChanged(deadline="ship", was=promise.ship_by, deadline_at=None, reason=why),
        )
    return Decision(
        rule=_RULE if events else "",
        events=events,
        timers=(CancelTimer(name=timers.SHIP),) if promise.runs else (),
        tasks=withdrawn(state, why),
    )


def withdrawn(state: Served, why: str) -> tuple[TaskWithdrawn, ...]:
    """The open `urge_shipment` has lost its cause."""
    if state.promise.task_id is None:
        return ()
    gone = TaskWithdrawn(
        task_id=state.promise.task_id,
        kind="urge_shipment",
        order_id=state.order.order_id,
        reason=why,
    )
    return (gone,)


def _again(ship_by: datetime, why: str) -> Decision:
    runs = orders.OrderDeadlineChanged(deadline="ship", was=None, deadline_at=ship_by, reason=why)
    return Decision(rule=_RULE, events=(runs,), timers=(SetTimer(name=timers.SHIP, due_at=ship_by),))
