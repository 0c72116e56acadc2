"""A paid order on its way: what parcels and cases make of it, until it completes or was refunded."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, assert_never

from services.orders.commands import (
    HearCaseEnded,
    HearCaseOpened,
    HeardOfGoods,
    HearParcelArrived,
    HearParcelFound,
    HearParcelLeft,
    HearParcelRebooked,
    HearParcelStrayed,
    HearRefund,
    HearShipmentStopped,
)
from services.orders.decide import offers, shipping, timers, urging
from services.orders.state import (
    Cancelled,
    Cancelling,
    Closed,
    Completion,
    CompletionDropped,
    CompletionSet,
    Delivered,
    Dispatched,
    Goods,
    Heard,
    Known,
    Paid,
    Served,
    State,
    Unknown,
    Unpaid,
)
from shared.contracts.events import orders
from shared.contracts.events.common import TaskWanted
from shared.kernel.calendar import later
from shared.kernel.decision import (
    NOTHING,
    CancelTimer,
    Decision,
    Outcome,
    SetTimer,
    TimerChange,
    TimerDue,
    task_id,
)
from shared.kernel.profiles import Profile

_RULE: Final = "auto_complete_after"


def heard(command: HeardOfGoods, state: State, profile: Profile) -> Outcome:
    """Remember what was heard of a parcel or a case, and draw what follows for the order."""
    if isinstance(state, Unknown):
        return NOTHING
    goods = state.order.goods.after(command)
    if goods is state.order.goods:
        return NOTHING
    learnt = Decision(notes=(Heard(heard=command),))
    if isinstance(state, Paid | Cancelling | Dispatched | Delivered):
        return learnt + follow(state, goods, command.at, profile, why=_why(command))
    return learnt + _left_unpaid(state, goods)


def catch_up(due: TimerDue, state: State, profile: Profile) -> Outcome:
    """What parcels that were known before the payment make of the order."""
    if not isinstance(state, Paid | Cancelling | Dispatched | Delivered):
        return NOTHING
    return follow(state, state.order.goods, due.due_at, profile, why="dispatched")


def complete(state: State, at: datetime, profile: Profile) -> Outcome:
    """`auto_complete_after`: the waiting time after the last delivery is over and no case stopped it."""
    if not isinstance(state, Delivered) or state.completion.runs_to is None:
        return NOTHING
    over = Decision(rule=_RULE, events=(orders.OrderCompleted(after_case=state.completion.after_case),))
    return over + offers.made(state, at, profile)


def follow(state: Served, goods: Goods, at: datetime, profile: Profile, why: str) -> Decision:
    """What a change of the goods means for the order: shipping, the refund of all of it, completion."""
    decision = shipping.follow(state, goods, at, why)
    if not goods.owed():
        decision += urging.settled(state, at)
    decision += _undone(state.order.goods, goods, why)
    if goods.wholly_refunded():
        return _refunded(state, goods, decision)
    return decision + _completion(state, goods, at, profile)


def _undone(was: Goods, goods: Goods, why: str) -> Decision:
    """`cancelled`: what was called off, is so no more and was not paid back: whoever stopped it hears."""
    refunded = goods.refunded()
    lines = tuple(line for line in was.called_off if line not in goods.called_off and line not in refunded)
    if not lines:
        return NOTHING
    return Decision(rule="cancelled", events=(orders.CancellationUndone(lines=lines, reason=why),))


def _refunded(state: Served, goods: Goods, shipping_over: Decision) -> Decision:
    """`refunded_before_dispatch`: all was paid back, nothing arrived or will; the order ends."""
    return shipping_over + ended(state, min(goods.paid_back(), state.payment.amount))


def ended(state: Served, amount: Decimal, *, by_platform: bool = False) -> Decision:
    """`refunded_before_dispatch`: the order ends with this amount paid back."""
    names = (timers.SHIP, timers.COMPLETE, timers.CATCH_UP)
    return Decision(
        rule="refunded_before_dispatch",
        events=(orders.OrderRefunded(amount=amount, currency=state.order.currency, by_platform=by_platform),),
        timers=tuple(CancelTimer(name=name) for name in names),
    )


def _completion(state: Served, goods: Goods, at: datetime, profile: Profile) -> Decision:
    """`auto_complete_after`: runs from the last delivery or dispatch, stands still while a case is open.

    What the buyer was granted beside it (`receipt_extension`) is his whatever arrives later.
    """
    was = state.completion if isinstance(state, Delivered) else None
    if was is not None and was.runs_to is not None and was.runs_to < at:
        return NOTHING  # The moment has come before this was heard; its timer is about to fire.
    arrived_at = goods.last_arrival()
    if arrived_at is None:
        return NOTHING if was is None else _on_its_way_again(was)
    held = goods.held()
    if was is not None and was.arrived_at == arrived_at:
        moment = was.moment
        if held == (was.runs_to is None):
            return NOTHING
    else:
        granted = timedelta(days=sum(state.order.extensions))
        waits = profile.values.auto_complete_after + granted
        moment = later(_runs_from(goods, arrived_at, profile), waits)
    now = Completion(
        arrived_at=arrived_at,
        moment=moment,
        runs_to=None if held else max(moment, at),
        after_case=not held and moment <= at and state.order.goods.held(),
    )
    return Decision(
        rule=_RULE,
        notes=(CompletionSet(completion=now),),
        events=_completion_events(state, was, now, "case_open" if held else "delivered"),
        timers=(_completion_timer(now),),
    )


def _runs_from(goods: Goods, arrived_at: datetime, profile: Profile) -> datetime:
    """`auto_complete_from`: some platforms count from the dispatch of the last parcel."""
    if profile.values.auto_complete_from == "dispatch":
        return goods.last_dispatch() or arrived_at
    return arrived_at


def _completion_timer(now: Completion) -> TimerChange:
    if now.runs_to is None:
        return CancelTimer(name=timers.COMPLETE)
    return SetTimer(name=timers.COMPLETE, due_at=now.runs_to)


def _completion_events(
    state: Served, was: Completion | None, now: Completion, reason: str
) -> tuple[orders.OrderDelivered | orders.OrderDeadlineChanged, ...]:
    """The first time the order is delivered says when it completes; later changes are said as such."""
    told: tuple[orders.OrderDelivered, ...] = ()
    before = None if was is None else was.runs_to
    if not state.delivered_said:
        before = now.runs_to or now.moment
        told = (orders.OrderDelivered(delivered_at=now.arrived_at, completes_at=before),)
    elif was is not None and before is None and now.runs_to is not None:
        reason = "case_ended"
    if before == now.runs_to:
        return told
    changed = orders.OrderDeadlineChanged(
        deadline="completion", was=before, deadline_at=now.runs_to, reason=reason
    )
    return (*told, changed)


def _on_its_way_again(was: Completion) -> Decision:
    """Something left once more (a parcel sent again): the order waits for it."""
    events: tuple[orders.OrderDeadlineChanged, ...] = ()
    if was.runs_to is not None:
        stands = orders.OrderDeadlineChanged(
            deadline="completion", was=was.runs_to, deadline_at=None, reason="parcel_under_way"
        )
        events = (stands,)
    return Decision(
        rule=_RULE,
        notes=(CompletionDropped(),),
        events=events,
        timers=(CancelTimer(name=timers.COMPLETE),),
    )


def _left_unpaid(state: Known, goods: Goods) -> Decision:
    """Goods left although the order is not paid: somebody looks into it, once."""
    seen_before = any(parcel.lines for parcel in state.order.goods.parcels)
    if not isinstance(state, Unpaid | Closed | Cancelled) or seen_before or not goods.gone():
        return NOTHING
    order_id = state.order.order_id
    wanted = TaskWanted(
        task_id=task_id("orders", order_id, "look_into", "left_unpaid"),
        kind="look_into",
        order_id=order_id,
        priority="high",
        summary=f"A parcel left although the order is {state.stage}.",
        details={"stage": state.stage, "parcels": [parcel.parcel_id for parcel in goods.gone()]},
    )
    return Decision(rule="left_unpaid", tasks=(wanted,))


def _why(command: HeardOfGoods) -> str:
    """The slug under which a changed deadline or a withdrawn task tells its cause."""
    match command:
        case HearParcelLeft():
            return "dispatched"
        case HearParcelArrived():
            return "delivered"
        case HearParcelStrayed():
            return command.how
        case HearParcelFound():
            return "found"
        case HearParcelRebooked():
            return "rebooked"
        case HearCaseOpened():
            return "case_open"
        case HearShipmentStopped():
            return "refund_approved"
        case HearRefund():
            return "refunded"
        case HearCaseEnded():
            return "case_ended"
        case _:
            assert_never(command)
