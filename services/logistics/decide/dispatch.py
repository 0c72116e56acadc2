"""Parcels that leave, and lines that shall not."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from pydantic import JsonValue

from services.logistics.commands import ResumeLines, StopLines
from services.logistics.decide.check_digits import failed_scheme
from services.logistics.decide.clocks import deadline, timers, values_for
from services.logistics.decide.tasks import SERVICE, message, named, withdraw
from services.logistics.state import (
    MAX_PARCELS,
    Clock,
    HoldLifted,
    LinesUnwanted,
    Moving,
    NotPlaced,
    OpenTask,
    Parcel,
    PickupCancelled,
    Placed,
    Returned,
    Told,
)
from services.logistics.state.carriers import NO_CARRIERS, Carriers
from shared.contracts.event import Payload
from shared.contracts.events import logistics as said
from shared.contracts.events.common import TaskWanted
from shared.contracts.facts import ShipmentDispatched, ShipmentDispatchedBody
from shared.contracts.tasks import TaskKind
from shared.kernel.calendar import later
from shared.kernel.decision import (
    NOTHING,
    Decision,
    Outcome,
    Refused,
    SetTimer,
    TaskChange,
    TimerDue,
    task_id,
)
from shared.kernel.profiles import Profile, Values

RESEND: Final = "resend"
"""The timer by which a parcel that came back has to have left again; its key is the parcel."""
_ABOUT_THE_NUMBER: Final[frozenset[TaskKind]] = frozenset(
    ("check_pickup", "check_with_carrier", "confirm_loss")
)
"""Open tasks about a parcel whose cause is gone when it goes under another number."""


def dispatched(
    fact: ShipmentDispatched, state: Placed, profile: Profile, carriers: Carriers = NO_CARRIERS
) -> Outcome:
    """A parcel left, for the first time or again under a new tracking number."""
    parcel = state.parcel(fact.data.parcel_id)
    values = values_for(state, fact.data.carrier, profile)
    if parcel is not None:
        return _told_again(fact, parcel, state, values, carriers)
    strange = [line for line in fact.data.lines if line not in state.lines]
    if strange:
        return Refused(slug="line-unknown", detail=f"The order has no line {strange[0]}.")
    if len(state.parcels) >= MAX_PARCELS:
        return Refused(slug="too-many-parcels", detail=f"An order has at most {MAX_PARCELS} parcels.")
    return _left(fact, state, values, carriers)


def _left(fact: ShipmentDispatched, state: Placed, values: Values, carriers: Carriers) -> Decision:
    """The parcel leaves: its clocks start and the buyer hears of it."""
    data = fact.data
    clock = Clock.handed_over(fact.at)
    told = Told(carrier=data.carrier, tracking_no=data.tracking_no, weight_grams=data.weight_grams)
    lines = tuple(dict.fromkeys(data.lines))
    parcel = Moving(
        parcel_id=data.parcel_id,
        carrier=data.carrier,
        tracking_no=data.tracking_no,
        lines=lines,
        dispatched_at=fact.at,
        told=(told,),
        clock=clock,
    )
    event = said.ParcelDispatched(
        **named(parcel),
        lines=lines,
        dispatched_at=fact.at,
        weight_grams=data.weight_grams,
        **deadline(clock, values),
    )
    stale_at = later(fact.at, values.stage_message_stale_after)
    left = Decision(
        rule="stage_messages",
        events=(event,),
        timers=timers(parcel.parcel_id, clock, values),
        tasks=_sent_again(state, lines),
        messages=(message(state, parcel, "parcel_dispatched", fact.at, stale_at),),
    )
    return left + _doubted(state, parcel, carriers)


def _doubt(state: Placed, parcel: Parcel) -> str:
    """The id of the task to look into a parcel's number."""
    return task_id(SERVICE, state.order_id, "look_into", parcel.parcel_id, parcel.tracking_no)


def _doubted(state: Placed, parcel: Parcel, carriers: Carriers) -> Decision:
    """Rule `number_check`: a number that fails its carrier's check digit is taken, and looked into once."""
    scheme = failed_scheme(carriers, parcel.carrier, parcel.tracking_no)
    if scheme is None:
        return NOTHING
    details: dict[str, JsonValue] = {
        "parcel_id": parcel.parcel_id,
        "carrier": parcel.carrier,
        "tracking_no": parcel.tracking_no,
        "slug": "number-mistyped",
        "scheme": scheme,
    }
    task = TaskWanted(
        task_id=_doubt(state, parcel),
        kind="look_into",
        order_id=state.order_id,
        summary=f"The tracking number of parcel {parcel.parcel_id} fails {parcel.carrier}'s check digit: "
        "was it mistyped? No carrier's scan will find it.",
        details=details,
    )
    return Decision(
        rule="number_check",
        events=(said.ParcelNumberDoubted(**named(parcel), scheme=scheme),),
        tasks=(task,),
    )


def _told_again(
    fact: ShipmentDispatched, parcel: Parcel, state: Placed, values: Values, carriers: Carriers
) -> Outcome:
    """The same again changes nothing; a new number is taken after a rebooking, and before the first scan."""
    data = fact.data
    same_lines = set(data.lines) == set(parcel.lines)
    told = Told(carrier=data.carrier, tracking_no=data.tracking_no, weight_grams=data.weight_grams)
    if same_lines and isinstance(parcel, PickupCancelled) and fact.at > parcel.dispatched_at:
        return _left(fact, state, values, carriers)
    if same_lines and told in parcel.told:
        return NOTHING
    if same_lines and (_awaits_number(parcel, data) or _puts_number_right(fact, parcel)):
        left = _left(fact, state, values, carriers)
        over = [task for task in parcel.tasks if task.kind in _ABOUT_THE_NUMBER]
        if failed_scheme(carriers, parcel.carrier, parcel.tracking_no) is not None:
            over.append(OpenTask(task_id=_doubt(state, parcel), kind="look_into"))
        return left + Decision(tasks=withdraw(state, over, "dispatched"))
    return Refused(slug="parcel-known", detail="A parcel of this id was dispatched with other contents.")


def _awaits_number(parcel: Parcel, data: ShipmentDispatchedBody) -> bool:
    return isinstance(parcel, Moving) and parcel.rebooked and parcel.carrier == data.carrier


def _puts_number_right(fact: ShipmentDispatched, parcel: Parcel) -> bool:
    """Whether a later word gives a parcel that no carrier has seen yet another number: it was mistyped."""
    another = (fact.data.carrier, fact.data.tracking_no) != (parcel.carrier, parcel.tracking_no)
    unseen = isinstance(parcel, Moving) and parcel.newest_scan_at is None
    return another and unseen and fact.at > parcel.dispatched_at


def sent_again_by(at: datetime, parcel: Returned, state: Placed, values: Values) -> SetTimer:
    """Rule `returned_to_sender`: what shall go out again has the time that a new order has."""
    until = later(at, values.ship_within_of(state.ship_service))
    return SetTimer(name=RESEND, key=parcel.parcel_id, due_at=until)


def going_again(state: Placed, lines: Iterable[str]) -> list[Returned]:
    """The parcels that came back, and of which some of these lines shall go out again."""
    return [
        parcel
        for parcel in state.parcels
        if isinstance(parcel, Returned) and parcel.settled == "resend" and set(parcel.lines) & set(lines)
    ]


def not_sent_again(due: TimerDue, state: Placed) -> Decision:
    """Rule `returned_to_sender`: what was to go out again has not, and somebody looks into it, once."""
    parcel = state.parcel(due.key)
    waiting = _waiting(state, parcel) if isinstance(parcel, Returned) else ()
    if parcel is None or not waiting:
        return NOTHING
    task = TaskWanted(
        task_id=_not_sent_again(state, parcel),
        kind="look_into",
        order_id=state.order_id,
        priority="high",
        summary=f"Parcel {parcel.parcel_id} came back and was to go out again; it has not left in time.",
        details={"parcel_id": parcel.parcel_id, "lines": [*waiting], "slug": "not-sent-again"},
    )
    return Decision(rule="returned_to_sender", tasks=(task,))


def _waiting(state: Placed, parcel: Returned) -> tuple[str, ...]:
    """Lines of a parcel that came back that are wanted, and have left in no parcel since."""
    since = state.parcels[state.parcels.index(parcel) + 1 :]
    gone = {line for one in since if not isinstance(one, PickupCancelled) for line in one.lines}
    return tuple(line for line in state.wanted(parcel.lines) if line not in gone)


def _not_sent_again(state: Placed, parcel: Parcel) -> str:
    return task_id(SERVICE, state.order_id, "look_into", parcel.parcel_id, "not_sent_again")


def _sent_again(state: Placed, lines: tuple[str, ...]) -> tuple[TaskChange, ...]:
    """What came back leaves again: nobody has to look into it any more."""
    over = [
        OpenTask(task_id=_not_sent_again(state, one), kind="look_into") for one in going_again(state, lines)
    ]
    return withdraw(state, over, "dispatched")


def stopped(command: StopLines, state: NotPlaced | Placed) -> Decision:
    """Rule `refund_before_dispatch`: what has not left is stopped, once.

    What had left is for the service that did not know: `aftersales` looks into it.
    """
    lines = tuple(dict.fromkeys(command.lines))
    if isinstance(state, Placed):
        lines = tuple(line for line in state.lines if line in lines or not lines)
    news = tuple(line for line in lines if line not in state.held(command.cause))
    return Decision(
        rule="refund_before_dispatch",
        notes=(LinesUnwanted(lines=news, cause=command.cause),) if news else (),
        events=_stop(_here(state, lines), state, command.reason),
        tasks=() if command.cause else _nothing_to_settle(state, lines),
    )


def _nothing_to_settle(state: NotPlaced | Placed, lines: tuple[str, ...]) -> tuple[TaskChange, ...]:
    """A parcel that is back, and of which nothing is wanted any more, needs nobody's answer."""
    if not isinstance(state, Placed):
        return ()
    over = [
        task
        for parcel in state.parcels
        if isinstance(parcel, Returned) and set(state.wanted(parcel.lines)) <= set(lines)
        for task in parcel.tasks
        if task.kind == "confirm_address_and_resend"
    ]
    return withdraw(state, over, "refunded")


def resumed(command: ResumeLines, state: NotPlaced | Placed) -> Decision:
    """Rule `refund_before_dispatch`: the buyer was not paid, so what was stopped for it is owed again.

    It leaves after all, unless something else stops it too.
    """
    lifted = tuple(line for line in state.held(command.cause) if line in command.lines)
    if not lifted:
        return NOTHING
    wanted = tuple(line for line in lifted if line not in state.kept_back(but_for=command.cause))
    return Decision(
        rule="refund_before_dispatch",
        notes=(HoldLifted(lines=lifted, cause=command.cause),),
        events=_resume(_here(state, wanted), state, command.reason),
    )


def never_left(state: Placed, parcel: Parcel) -> tuple[Payload, ...]:
    """What the warehouse hears of the lines of a parcel that turns out never to have left.

    It keeps those that are unwanted, and sends those that it was told to keep and that are wanted again.
    """
    here, unwanted = _here(state, parcel.lines, parcel.parcel_id), state.kept_back()
    keep = tuple(line for line in here if line in unwanted)
    send = tuple(line for line in here if line not in unwanted)
    return (*_stop(keep, state, "refund_before_dispatch"), *_resume(send, state, "pickup_cancelled"))


def _here(state: NotPlaced | Placed, lines: Iterable[str], except_in: str = "") -> tuple[str, ...]:
    """Those of the lines that have not left, one parcel not looked at."""
    gone = state.left(except_in) if isinstance(state, Placed) else frozenset[str]()
    return tuple(line for line in lines if line not in gone)


def _stop(lines: tuple[str, ...], state: NotPlaced | Placed, reason: str) -> tuple[Payload, ...]:
    fresh = tuple(line for line in lines if line not in state.stopped)
    return (said.ShipmentStopped(lines=fresh, reason=reason),) if fresh else ()


def _resume(lines: tuple[str, ...], state: NotPlaced | Placed, reason: str) -> tuple[Payload, ...]:
    kept = tuple(line for line in lines if line in state.stopped)
    return (said.ShipmentResumed(lines=kept, reason=reason),) if kept else ()
