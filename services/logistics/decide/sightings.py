"""What carriers tell by tracking number: matched to the parcel that it is about, or kept; never guessed."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from services.logistics.commands import AwaitNumber
from services.logistics.decide.check_digits import failed_scheme
from services.logistics.decide.faults import cause_of
from services.logistics.state.carriers import OF_A_SYSTEM, Carriers, plain
from services.logistics.state.tracking import (
    WAITING_MAX,
    Numbered,
    NumberLearnt,
    Reason,
    Sighted,
    SightingKept,
    Tracked,
)
from shared.contracts.event import Payload
from shared.contracts.events import logistics as said
from shared.contracts.facts import Sighting
from shared.kernel.calendar import later
from shared.kernel.decision import (
    NOTHING,
    CancelTimer,
    Decision,
    Note,
    SetTimer,
    TimerChange,
    TimerDue,
)
from shared.kernel.profiles import Profile, Values

WAIT: Final = "sighting_wait"
"""The timer of the sighting that has waited longest."""
TEXT_KEPT: Final = 500
"""Characters of the carrier's words that are kept."""


def sighted(fact: Sighting, state: Tracked, profile: Profile, carriers: Carriers) -> Decision:
    """Rule `match_by_number`: a scan goes to its parcel, or waits for it."""
    if any(one.sighting_id == fact.id for one in state.sightings):
        return NOTHING
    scan = fact.data.model_copy(update={"text": fact.data.text[:TEXT_KEPT]})
    found = parcels_of(state.parcels, fact, carriers, profile.values)
    fields: dict[str, Any] = {
        "sighting_id": fact.id,
        "told_at": fact.at,
        "scan": scan,
        "shop_id": fact.shop_id,
        "reason": fact.reason,
    }
    if isinstance(found, tuple):
        kept = Sighted(**fields, status="matched", order_id=found[0].order_id)
        events = tuple(_matched(kept, parcel) for parcel in found)
        return Decision(rule="match_by_number", notes=(SightingKept(sighted=kept),), events=events)
    if len(state.waiting) >= WAITING_MAX:
        kept = Sighted(**fields, status="unmatched", because="too-many-waiting")
        gone = _unmatched(kept, "too-many-waiting")
        return Decision(rule="match_by_number", notes=(SightingKept(sighted=kept),), events=(gone,))
    kept = Sighted(**fields, status="waiting", because=found)
    recorded = said.SightingRecorded(
        **_named(kept),
        waits_until=_waits_until(kept, profile.values),
        scheme_failed=failed_scheme(carriers, scan.carrier, scan.tracking_no),
    )
    timer = _timer((*state.waiting, kept), profile.values)
    return Decision(
        rule="fact_wait", notes=(SightingKept(sighted=kept),), events=(recorded,), timers=(timer,)
    )


def number_learnt(command: AwaitNumber, state: Tracked, profile: Profile, carriers: Carriers) -> Decision:
    """Rule `match_by_number`: a parcel left under the number; what waited for it is handed over."""
    parcel = Numbered(
        order_id=command.order_id,
        parcel_id=command.parcel_id,
        shop_id=command.shop_id,
        carrier=command.carrier,
        tracking_no=command.tracking_no,
        dispatched_at=command.dispatched_at,
    )
    parcels = state.with_parcel(parcel).parcels
    notes: list[Note] = [NumberLearnt(parcel=parcel)]
    events: list[Payload] = []
    waiting: list[Sighted] = []
    for one in state.waiting:
        found = parcels_of(parcels, one, carriers, profile.values)
        if isinstance(found, tuple):
            matched = {"status": "matched", "order_id": found[0].order_id, "because": None}
            kept = one.model_copy(update=matched)
            events += [_matched(kept, parcel) for parcel in found]
            notes.append(SightingKept(sighted=kept))
        else:
            waiting.append(one)
            if found != one.because:
                notes.append(SightingKept(sighted=one.model_copy(update={"because": found})))
    timers = (_timer(waiting, profile.values),) if len(waiting) < len(state.waiting) else ()
    return Decision(rule="match_by_number", notes=tuple(notes), events=tuple(events), timers=timers)


def waited(timer: TimerDue, state: Tracked, profile: Profile) -> Decision:
    """Rule `fact_wait`: whatever has waited long enough is unmatched, and said to be."""
    if timer.name != WAIT:
        return NOTHING
    over = [one for one in state.waiting if _waits_until(one, profile.values) <= timer.due_at]
    waiting = [one for one in state.waiting if one not in over]
    settled = [one.model_copy(update={"status": "unmatched"}) for one in over]
    return Decision(
        rule="fact_wait",
        notes=tuple(SightingKept(sighted=one) for one in settled),
        events=tuple(_unmatched(one, one.because or "no-parcel") for one in settled),
        timers=(_timer(waiting, profile.values),) if waiting else (),
    )


def parcels_of(
    parcels: tuple[Numbered, ...], told: Sighting | Sighted, carriers: Carriers, values: Values
) -> tuple[Numbered, ...] | Reason:
    """The parcel that a scan is about, with those of other orders that left in it; or why there is none.

    A parcel of the same carrier whose time the scan fits; of several, the one dispatched last before it.
    Where the carrier is not known for certain, the number alone decides only if one parcel has it.
    """
    scan = told.data if isinstance(told, Sighting) else told.scan
    ours = [parcel for parcel in parcels if told.shop_id in (None, parcel.shop_id)]
    same = [parcel for parcel in ours if _same(carriers, parcel.carrier, scan.carrier)]
    if not same:
        same = [parcel for parcel in ours if not _others(carriers, parcel.carrier, scan.carrier)]
        if len({(parcel.order_id, parcel.parcel_id) for parcel in parcels}) > 1 and same:
            return "ambiguous"
    if not same:
        return "no-parcel"
    fitting = [
        parcel
        for parcel in same
        if later(parcel.dispatched_at, -values.scan_before_dispatch)
        <= scan.scanned_at
        <= later(parcel.dispatched_at, values.tracking_number_reuse_after)
    ]
    if not fitting:
        return "out-of-time"
    before = [parcel for parcel in fitting if parcel.dispatched_at <= scan.scanned_at]
    if before:
        found = max(before, key=lambda parcel: parcel.dispatched_at)
    else:
        found = min(fitting, key=lambda parcel: parcel.dispatched_at)
    return (found, *_left_together(found, same, values))


def _left_together(found: Numbered, same: list[Numbered], values: Values) -> Iterator[Numbered]:
    """The parcels of other orders of the shop that are one with it: no carrier gives a number again so soon.

    Orders of one buyer that are sent together are each told with a dispatch of their own.
    """
    seen = {found.order_id}
    for parcel in same:
        first, last = sorted((found.dispatched_at, parcel.dispatched_at))
        soon = last <= later(first, values.scan_before_dispatch)
        if soon and parcel.shop_id == found.shop_id and parcel.order_id not in seen:
            seen.add(parcel.order_id)
            yield parcel


def _same(carriers: Carriers, one: str, other: str) -> bool:
    """Whether both names are of one carrier; two that the table lacks are one if they read alike."""
    known = carriers.id_of(one), carriers.id_of(other)
    if known != (None, None):
        return known[0] == known[1]
    return plain(one.rpartition(OF_A_SYSTEM)[2]) == plain(other.rpartition(OF_A_SYSTEM)[2])


def _others(carriers: Carriers, one: str, other: str) -> bool:
    """Whether they are surely two carriers: the table has both, and they are of no common family."""
    first, second = carriers.named(one), carriers.named(other)
    if first is None or second is None:
        return False
    return first.family is None or first.family != second.family


def _waits_until(one: Sighted, values: Values) -> datetime:
    return later(one.told_at, values.fact_wait)


def _timer(waiting: tuple[Sighted, ...] | list[Sighted], values: Values) -> TimerChange:
    if not waiting:
        return CancelTimer(name=WAIT)
    return SetTimer(name=WAIT, due_at=min(_waits_until(one, values) for one in waiting))


def _named(one: Sighted) -> dict[str, Any]:
    return {
        "sighting_id": one.sighting_id,
        "carrier": one.scan.carrier,
        "tracking_no": one.scan.tracking_no,
        "status": one.scan.status,
        "scanned_at": one.scan.scanned_at,
    }


def _matched(one: Sighted, parcel: Numbered) -> Payload:
    """What the order hears: the scan without the carrier's words, and what they mean instead."""
    scan = one.scan
    fault, reason = scan.fault, one.reason
    if scan.status == "exception":
        cause = cause_of(scan.text, fault, reason)
        fault, reason = cause.fault, cause.reason
    return said.SightingMatched(
        sighting_id=one.sighting_id,
        carrier=parcel.carrier,
        tracking_no=parcel.tracking_no,
        status=scan.status,
        scanned_at=scan.scanned_at,
        order_id=parcel.order_id,
        parcel_id=parcel.parcel_id,
        told_at=one.told_at,
        location=scan.location,
        fault=fault,
        reason=reason,
        weight_grams=scan.weight_grams,
    )


def _unmatched(one: Sighted, because: str) -> Payload:
    return said.SightingUnmatched(**_named(one), reason=because)
