"""What goes beside a decision about an order's parcels: counts, weights, measures, enquiries that end.

It looks at the file before and after the decision and says what became different, so that no rule about
stages has to know who counts. Where a shop's profile has neither incidents nor scorecards, and nobody
weighed or asked anything, it says nothing and costs nothing.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from services.logistics.decide.faults import FAILS
from services.logistics.decide.tasks import named, withdraw
from services.logistics.decide.weights import compared, ordered_grams, tolerance
from services.logistics.state import (
    Delivered,
    Lost,
    Moving,
    Parcel,
    PickupCancelled,
    Placed,
    Returned,
    Returning,
    Troubled,
)
from services.logistics.state.care import Weights
from services.logistics.state.evolve import of_order
from shared.contracts.event import Event, Payload
from shared.contracts.events import incidents as said
from shared.contracts.events import logistics
from shared.kernel.decision import Decision, TaskChange
from shared.kernel.profiles import Profile

REGION_UNKNOWN: Final = "unknown"
_LONG: Final = timedelta(days=366)


def accompanied(
    decision: Decision,
    before: Placed,
    at: datetime,
    profile: Profile,
    by_carrier: tuple[str, int] | None,
) -> Decision:
    """The decision with what goes beside it; `by_carrier` is the parcel that a carrier weighed, in grams."""
    watches = profile.values.incidents is not None or any(parcel.watch for parcel in before.parcels)
    asked = any(parcel.enquiry and parcel.enquiry.open for parcel in before.parcels)
    weighed = before.line_grams or by_carrier is not None
    if not (watches or asked or weighed or profile.values.scorecards):
        return decision
    after = _folded(before, decision, at)
    events: list[Payload] = []
    if weighed:
        events += _weighings(before, after, profile, by_carrier)
    if watches:
        events += _watched(after, profile, _just_stalled(decision))
    if profile.values.scorecards:
        events += _measures(decision, before, after, profile)
    closed, tasks = _enquiries_over(before, after) if asked else ([], ())
    return decision + Decision(events=(*events, *closed), tasks=tasks)


def _folded(state: Placed, decision: Decision, at: datetime) -> Placed:
    """The file as it will be."""
    for note in decision.notes:
        state = of_order(state, note)
    for payload in (*decision.events, *decision.tasks):
        state = of_order(state, Event.model_construct(data=payload, time=at))
    return state


def region_of(state: Placed) -> str:
    """Where the order goes, as coarsely as incidents are counted: `US/California`, or `US`."""
    receiver = None if state.contact is None else state.contact.receiver
    if receiver is None or receiver.country is None:
        return REGION_UNKNOWN
    region = receiver.country if receiver.state is None else f"{receiver.country}/{receiver.state}"
    return region[:200]


def stands(parcel: Parcel) -> bool:
    """Whether it stalls or failed, or was said to stand and has not been seen since."""
    if isinstance(parcel, Troubled) and parcel.fault in FAILS:
        return True
    if not isinstance(parcel, Moving | Troubled | Returning):
        return False
    held = None if parcel.watch is None else parcel.watch.held_from
    return parcel.clock.level > 0 or (held is not None and parcel.clock.since <= held)


def _just_stalled(decision: Decision) -> frozenset[str]:
    """The parcels whose buyers are to hear of a delay."""
    stalls = (said for said in decision.events if isinstance(said, logistics.ParcelStalled))
    return frozenset(stall.parcel_id for stall in stalls if stall.level == 1)


def _watched(state: Placed, profile: Profile, stalled: frozenset[str]) -> Iterator[Payload]:
    """Rule `incidents`: how each parcel counts, where that is not what was said of it last.

    One that has just stalled asks who tells its buyer, unless its incident has told him.
    """
    region = region_of(state)
    for parcel in state.parcels:
        watch = parcel.watch
        if isinstance(parcel, Moving | Troubled | Returning):
            now: Literal["under_way", "standing"] | None = "standing" if stands(parcel) else "under_way"
        else:
            now = None
        counts = profile.values.incidents is not None
        in_one = watch is not None and watch.incident_id is not None
        stays = watch is not None and (in_one or (watch.carrier, watch.region) == (parcel.carrier, region))
        if watch is not None and (now is None or not stays):
            yield counted_as(state, parcel, "over")
            watch = None
        if now is None or (watch is None and not counts):
            continue
        asks = counts and not in_one and parcel.parcel_id in stalled
        if watch is None:
            yield counted_as(state, parcel.model_copy(update={"watch": None}), now, region, asks=asks)
        elif asks or watch.standing != (now == "standing") or (in_one and now == "under_way"):
            yield counted_as(state, parcel, now, asks=asks)


def counted_as(
    state: Placed,
    parcel: Parcel,
    now: Literal["under_way", "standing", "over"],
    region: str = "",
    *,
    asks: bool = False,
) -> said.ParcelWatched:
    """How the parcel counts from now on, as its carrier and region hear it; `region` where that is new."""
    watch = parcel.watch
    return said.ParcelWatched(
        parcel_id=parcel.parcel_id,
        carrier=parcel.carrier if watch is None else watch.carrier,
        tracking_no=parcel.tracking_no,
        region=region if watch is None else watch.region,
        dispatched_at=parcel.dispatched_at,
        before=None if watch is None else "standing" if watch.standing else "under_way",
        now=now,
        buyer_id=state.buyer_id,
        incident_id=None if watch is None else watch.incident_id,
        asks=asks,
    )


def _weighings(
    before: Placed, after: Placed, profile: Profile, by_carrier: tuple[str, int] | None
) -> Iterator[Payload]:
    """Rule `weights`: said when the carrier weighed a parcel, or one left of which the order knows more."""
    for parcel in after.parcels:
        was = before.parcel(parcel.parcel_id)
        weights = parcel.weights.model_copy(update={"ordered": ordered_grams(after, parcel)})
        if by_carrier is not None and by_carrier[0] == parcel.parcel_id:
            weights = weights.model_copy(update={"carrier": by_carrier[1]})
        known = was and was.weights.model_copy(update={"ordered": ordered_grams(before, was)})
        if weights != known and (weights.ordered is not None or weights.carrier is not None):
            yield weighing(parcel, weights, profile)


def weighing(parcel: Parcel, weights: Weights, profile: Profile) -> said.ParcelWeighed:
    """What is said of a parcel's weights."""
    grams = tolerance(weights, profile.values)
    verdict, reason = compared(weights, grams)
    return said.ParcelWeighed(
        **named(parcel),
        ordered_grams=weights.ordered,
        warehouse_grams=weights.warehouse,
        carrier_grams=weights.carrier,
        tolerance_grams=grams,
        verdict=verdict,
        reason=reason,
    )


def _enquiries_over(before: Placed, after: Placed) -> tuple[list[Payload], tuple[TaskChange, ...]]:
    """Rule `parcel_enquiry`: an enquiry ends with its parcel, unless it was about one that had ended."""
    closed: list[Payload] = []
    tasks: tuple[TaskChange, ...] = ()
    for parcel in after.parcels:
        was = before.parcel(parcel.parcel_id)
        ended = isinstance(parcel, Delivered | Returned | Lost | PickupCancelled)
        if was is None or was.stage == parcel.stage or not ended or parcel.enquiry is None:
            continue
        if not parcel.enquiry.open:
            continue
        enquiry_id = parcel.enquiry.enquiry_id
        closed.append(said.EnquiryClosed(**named(parcel), enquiry_id=enquiry_id, reason=parcel.stage))
        over = [task for task in parcel.tasks if task.kind in ("answer_enquiry", "follow_up_enquiry")]
        tasks += withdraw(after, over, parcel.stage)
    return closed, tasks


def route_of(state: Placed, profile: Profile) -> str:
    """A parcel's way as scorecards name it: `US>US/California`; the ends that are not known are `unknown`."""
    return f"{profile.ships_from or REGION_UNKNOWN}>{region_of(state)}"[:200]


def _measures(decision: Decision, before: Placed, after: Placed, profile: Profile) -> Iterator[Payload]:
    """Rule `scorecards`: what a carrier did with a parcel, when its end, claim or complaint is known."""
    for parcel in after.parcels:
        was = before.parcel(parcel.parcel_id)
        if was is not None and was.stage != parcel.stage:
            match parcel:
                case Delivered():
                    yield _measure(after, parcel, "delivered", profile)
                case Returned():
                    yield _measure(after, parcel, "returned", profile)
                case Lost():
                    yield _measure(after, parcel, "lost", profile)
                case _:
                    pass
    for event in decision.events:
        match event:
            case logistics.CarrierClaimOpened(parcel_id=about):
                what: Literal["claimed", "claim_paid", "complained"] = "claimed"
            case logistics.CarrierClaimPaid(parcel_id=about):
                what = "claim_paid"
            case said.ParcelComplainedOf(parcel_id=about):
                what = "complained"
            case _:
                continue
        found = after.parcel(about)
        if found is not None:
            yield _measure(after, found, what, profile)


def _measure(
    state: Placed,
    parcel: Parcel,
    what: Literal["delivered", "returned", "lost", "claimed", "claim_paid", "complained"],
    profile: Profile,
) -> said.ParcelMeasured:
    year, week, _ = parcel.dispatched_at.astimezone(UTC).isocalendar()
    first = parcel.first_scan_at
    arrived = parcel.delivered_at if isinstance(parcel, Delivered) and what == "delivered" else None
    timed = what == "delivered"
    return said.ParcelMeasured(
        **named(parcel),
        route=route_of(state, profile),
        week=f"{year:04}-W{week:02}",
        what=what,
        pickup_hours=_hours(parcel.dispatched_at, first) if timed else None,
        transit_hours=_hours(first, arrived) if timed else None,
        longest_gap_hours=_begun(parcel.longest_gap) if timed else None,
        stalled=parcel.has_stalled,
    )


def _hours(since: datetime | None, until: datetime | None) -> int | None:
    return None if since is None or until is None else _begun(until - since)


def _begun(span: timedelta) -> int:
    """Begun hours; a carrier's clock that is wrong by more than a year counts as a year."""
    return -(-max(min(span, _LONG), timedelta(0)) // timedelta(hours=1))
