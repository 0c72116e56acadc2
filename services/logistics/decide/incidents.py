"""Rule `incidents`: parcels of one carrier and region that come to a stand at once are one thing.

Counted by `parcel.watched` of every order. When enough of them stand, by the profile's rule or because
somebody says so, the incident takes them in: each buyer is told once, their tasks close into the one
task `work_incident`, and what comes to a stand later joins. It is over when few enough still stand, or
by hand; what stands then is looked after parcel by parcel again. An incident of a shop knows that shop's
parcels only.

A buyer hears of a delay once. A parcel that has just stalled asks here who tells him: the incident that it
belongs to, or, where there is none (yet), its own notice; an incident that opens afterwards does not tell
him again.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from pydantic import JsonValue

from services.logistics import commands as ask
from services.logistics.decide.tasks import SERVICE
from services.logistics.state.incidents import (
    STANDING_MAX,
    TOLD_MAX,
    Incident,
    Standing,
    Watching,
    WatchIs,
)
from shared.contracts.event import Payload
from shared.contracts.events import incidents as said
from shared.contracts.events.common import TaskRaised, TaskWanted, TaskWithdrawn
from shared.kernel.calendar import later
from shared.kernel.carriage import IncidentRule
from shared.kernel.decision import (
    NOTHING,
    CancelTimer,
    Decision,
    Outcome,
    Refused,
    SetTimer,
    TaskChange,
    TimerDue,
    task_id,
)
from shared.kernel.profiles import Profile

TIMER: Final = "look_again"
BATCH: Final = 100
"""Parcels that one event names."""
_RULE: Final = "incidents"
_BY_HAND: Final = IncidentRule.model_validate({"min_parcels": 2, "share": "1", "window": "PT24H"})
"""What holds for an incident that somebody opens where the profile has no rule."""


def counted(command: ask.CountParcel, state: Watching, profile: Profile) -> Decision:
    """One parcel counts otherwise: an incident may open, grow or be over."""
    rule = profile.values.incidents
    watching = _with_count(state, command, rule or _BY_HAND)
    if watching.incident is not None:
        return _in_incident(command, watching, watching.incident, rule or _BY_HAND)
    if command.now == "standing":
        standing = (*watching.standing, _standing(state, command))[-STANDING_MAX:]
        watching = watching.model_copy(update={"standing": standing})
    if rule is not None and command.now == "standing":
        fresh = tuple(one for one in watching.standing if one.since > later(command.at, -rule.window))
        among = max(watching.under_way(command.at, rule.among), len(fresh))
        if len(fresh) >= rule.min_parcels and Decimal(len(fresh)) >= rule.share * among:
            rest = tuple(one for one in watching.standing if one not in fresh)
            left = watching.model_copy(update={"standing": rest})
            return _open(left, fresh, command.at, rule, "rule", "parcels_stand")
    return _not_in_one(command, watching)


def _standing(state: Watching, command: ask.CountParcel) -> Standing:
    """The parcel as it stands: for as long as it has, if it was listed before."""
    named = (command.order_id, command.parcel_id)
    before = next((one for one in state.standing if (one.order_id, one.parcel_id) == named), None)
    return before or Standing(
        order_id=command.order_id,
        parcel_id=command.parcel_id,
        since=command.at,
        buyer_id=command.buyer_id,
    )


def _not_in_one(command: ask.CountParcel, watching: Watching) -> Decision:
    """It is in none, so far: whoever asks is told so and tells the buyer, whom no incident tells again."""
    if not command.asks:
        return Decision(rule=_RULE, notes=(WatchIs(watching=watching),))
    named = (command.order_id, command.parcel_id)
    standing = tuple(
        one.model_copy(update={"told": True}) if (one.order_id, one.parcel_id) == named else one
        for one in watching.standing
    )
    parcel = said.AffectedParcel(order_id=command.order_id, parcel_id=command.parcel_id)
    ruled_out = said.IncidentRuledOut(carrier=watching.carrier, region=watching.region, parcels=(parcel,))
    told = watching.model_copy(update={"standing": standing})
    return Decision(rule=_RULE, notes=(WatchIs(watching=told),), events=(ruled_out,))


def _with_count(state: Watching, command: ask.CountParcel, rule: IncidentRule) -> Watching:
    """The counts after one parcel; it is listed among the standing ones no longer."""
    step = (command.before is None) - (command.now == "over")
    day = command.dispatched_at.astimezone(UTC).date()
    numbers = dict(state.counts)
    numbers[day] = max(numbers.get(day, 0) + step, 0)
    first = later(command.at, -rule.among).date()
    counts = tuple(sorted((on, number) for on, number in numbers.items() if number and on >= first))
    named = (command.order_id, command.parcel_id)
    standing = tuple(one for one in state.standing if (one.order_id, one.parcel_id) != named)
    shop = state.shop_id or command.shop_id
    return state.model_copy(update={"counts": _few(counts), "standing": standing, "shop_id": shop})


def _few(counts: tuple[tuple[date, int], ...]) -> tuple[tuple[date, int], ...]:
    """At most as many days as a rule may look back; a carrier's clock may be wrong in both directions."""
    return counts[-62:]


def _in_incident(
    command: ask.CountParcel, watching: Watching, incident: Incident, rule: IncidentRule
) -> Decision:
    known = incident.has(command.order_id, command.parcel_id)
    if command.now == "standing":
        if known:
            return Decision(rule=_RULE, notes=(WatchIs(watching=watching),))
        if len(incident.members) >= STANDING_MAX:
            more = incident.model_copy(update={"not_joined": incident.not_joined + 1})
            return _not_in_one(command, _with(watching, more))
        one = _standing(watching, command)
        grown = incident.model_copy(
            update={"members": (*incident.members, one), "affected": incident.affected + 1}
        )
        told, events = _joined(watching, grown, (one,))
        return Decision(rule=_RULE, notes=(WatchIs(watching=_with(watching, told)),), events=events)
    if not known:
        return Decision(rule=_RULE, notes=(WatchIs(watching=watching),))
    named = (command.order_id, command.parcel_id)
    left = tuple(one for one in incident.members if (one.order_id, one.parcel_id) != named)
    shrunk = incident.model_copy(update={"members": left})
    if Decimal(len(left)) <= rule.over_share * incident.affected:
        return _close(_with(watching, shrunk), shrunk, "moving_again")
    return Decision(rule=_RULE, notes=(WatchIs(watching=_with(watching, shrunk)),))


def opened_by_hand(command: ask.OpenIncident, state: Watching, profile: Profile) -> Outcome:
    """Somebody knows before the counts do: weather, a strike, a depot that burnt."""
    if state.incident is not None:
        return Refused(slug="incident-open", detail=f"Incident {state.incident.incident_id} is open there.")
    named = tuple(
        Standing(
            order_id=one.order_id,
            parcel_id=one.parcel_id,
            since=command.at,
            buyer_id=one.buyer_id,
            held=True,
        )
        for one in dict.fromkeys(command.parcels)
    )
    there = {(one.order_id, one.parcel_id) for one in state.standing}
    fresh = tuple(one for one in named if (one.order_id, one.parcel_id) not in there)
    stands = (*fresh, *state.standing)
    if not stands:
        return Refused(
            slug="nothing-stands",
            detail="No parcel with this carrier stands in this region; name the parcels that are affected.",
        )
    rule = profile.values.incidents or _BY_HAND
    members, rest = stands[:STANDING_MAX], stands[STANDING_MAX:]
    left = state.model_copy(update={"standing": rest, "shop_id": state.shop_id or command.shop_id})
    return _open(left, members, command.at, rule, "hand", command.reason)


def _open(
    watching: Watching,
    members: tuple[Standing, ...],
    at: datetime,
    rule: IncidentRule,
    by: str,
    reason: str,
) -> Decision:
    number = watching.opened + 1
    until = later(at, rule.look_again_after)
    incident = Incident.model_validate(
        {
            "incident_id": f"{watching.subject}~{number}",
            "opened_at": at,
            "by": by,
            "reason": reason,
            "affected": len(members),
            "members": members,
            "told": tuple(dict.fromkeys(one.buyer for one in members if one.told)),
            "not_joined": len(watching.standing) if by == "hand" else 0,
            "deadline_at": until,
        }
    )
    told, joined = _joined(watching, incident, members)
    wanted, task = _wanted(watching, told, at, "high")
    orders = tuple(dict.fromkeys(one.order_id for one in members))[:BATCH]
    opened = said.IncidentOpened.model_validate(
        {
            **_named(watching, incident),
            "by": by,
            "reason": reason,
            "standing": len(members),
            "under_way": max(watching.under_way(at, rule.among), len(members)),
            "orders": orders,
            "deadline_at": until,
        }
    )
    return Decision(
        rule=_RULE,
        notes=(WatchIs(watching=_with(watching.model_copy(update={"opened": number}), wanted)),),
        events=(opened, *joined),
        tasks=(task,),
        timers=(SetTimer(name=TIMER, due_at=until),),
        result={"incident_id": incident.incident_id},
    )


def _joined(
    watching: Watching, incident: Incident, news: tuple[Standing, ...]
) -> tuple[Incident, tuple[Payload, ...]]:
    """The events that name parcels which join; each buyer is told by one of his, unless he was before."""
    told = list(incident.told)
    affected: list[said.AffectedParcel] = []
    for one in news:
        affected.append(one.affected.model_copy(update={"tell": one.buyer not in told}))
        if one.buyer not in told:
            told.append(one.buyer)
    events = tuple(
        said.IncidentParcelsJoined(
            **_named(watching, incident), parcels=tuple(affected[at : at + BATCH]), reason=incident.reason
        )
        for at in range(0, len(affected), BATCH)
    )
    return incident.model_copy(update={"told": tuple(told[-TOLD_MAX:])}), events


def _wanted(
    watching: Watching, incident: Incident, at: datetime, priority: str
) -> tuple[Incident, TaskWanted]:
    """The incident's one task, once more if the one before was completed."""
    number = incident.tasks + 1
    details: dict[str, JsonValue] = {
        "incident_id": incident.incident_id,
        "carrier": watching.carrier,
        "region": watching.region,
        "standing": len(incident.members),
        "reason": incident.reason,
    }
    task = TaskWanted.model_validate(
        {
            "task_id": task_id(SERVICE, watching.subject, "work_incident", incident.incident_id, number),
            "kind": "work_incident",
            "order_id": watching.subject,
            "due_at": max(incident.deadline_at or at, at),
            "priority": priority,
            "summary": f"{len(incident.members)} parcels with {watching.carrier} stand in {watching.region}: "
            "ask the carrier, and see when they move.",
            "details": details,
        }
    )
    return incident.model_copy(update={"tasks": number, "task_id": task.task_id}), task


def looked_again(due: TimerDue, state: Watching, profile: Profile) -> Decision:
    """The incident goes on: its task matters more, or is there again.

    A task that matters as much as it can waits for somebody; looking again and again changes nothing.
    """
    incident = state.incident
    if incident is None or incident.deadline_at != due.due_at:
        return NOTHING
    if incident.task_id is not None:
        return _raised(state, incident, incident.task_id)
    rule = profile.values.incidents or _BY_HAND
    until = later(due.due_at, rule.look_again_after)
    moved, task = _wanted(state, incident.model_copy(update={"deadline_at": until}), due.due_at, "urgent")
    return Decision(
        rule=_RULE,
        notes=(WatchIs(watching=_with(state, moved)),),
        events=(_deadline(state, incident, until, "goes_on"),),
        tasks=(task,),
        timers=(SetTimer(name=TIMER, due_at=until),),
    )


def _raised(state: Watching, incident: Incident, task: str) -> Decision:
    raised = TaskRaised(
        task_id=task,
        kind="work_incident",
        order_id=state.subject,
        priority="urgent",
        reason="the incident goes on",
    )
    waits = incident.model_copy(update={"deadline_at": None})
    return Decision(
        rule=_RULE,
        notes=(WatchIs(watching=_with(state, waits)),),
        events=(_deadline(state, incident, None, "goes_on"),),
        tasks=(raised,),
    )


def _deadline(
    state: Watching, incident: Incident, until: datetime | None, reason: str
) -> said.IncidentDeadlineChanged:
    return said.IncidentDeadlineChanged(
        **_named(state, incident), was=incident.deadline_at, deadline_at=until, reason=reason
    )


def worked(command: ask.WorkedIncident, state: Watching) -> Outcome:
    """Task `work_incident`: it is over, or it goes on until a day."""
    incident = state.incident
    if incident is None or incident.task_id != command.task_id:
        return Refused(slug="task-not-open", detail="The task is not open any more.", missing=True)
    answered = incident.model_copy(update={"task_id": None})
    if command.until is None:
        return _close(_with(state, answered), answered, "by_hand")
    until = max(command.until, command.at)
    moved = answered.model_copy(update={"deadline_at": until})
    return Decision(
        rule=_RULE,
        notes=(WatchIs(watching=_with(state, moved)),),
        events=(_deadline(state, incident, until, "announced"),),
        timers=(SetTimer(name=TIMER, due_at=until),),
    )


def closed_by_hand(command: ask.CloseIncident, state: Watching) -> Outcome:
    """Somebody says that it is over."""
    incident = state.incident
    if incident is None or incident.incident_id != command.incident_id:
        return Refused(
            slug="incident-not-open", detail=f"Incident {command.incident_id} is not open.", missing=True
        )
    return _close(state, incident, "by_hand")


def _close(watching: Watching, incident: Incident, reason: str) -> Decision:
    closed = said.IncidentClosed.model_validate(
        {
            **_named(watching, incident),
            "reason": reason,
            "affected": incident.affected,
            "still_standing": len(incident.members),
        }
    )
    left = [one.affected for one in incident.members]
    released = tuple(
        said.IncidentParcelsReleased(**_named(watching, incident), parcels=tuple(left[at : at + BATCH]))
        for at in range(0, len(left), BATCH)
    )
    tasks: tuple[TaskChange, ...] = ()
    if incident.task_id is not None:
        withdrawn = TaskWithdrawn(
            task_id=incident.task_id, kind="work_incident", order_id=watching.subject, reason=reason
        )
        tasks = (withdrawn,)
    members = tuple(one.model_copy(update={"told": True}) for one in incident.members)
    over = watching.model_copy(
        update={"incident": None, "standing": (*watching.standing, *members)[-STANDING_MAX:]}
    )
    return Decision(
        rule=_RULE,
        notes=(WatchIs(watching=over),),
        events=(closed, *released),
        tasks=tasks,
        timers=(CancelTimer(name=TIMER),),
    )


def _with(watching: Watching, incident: Incident) -> Watching:
    return watching.model_copy(update={"incident": incident})


def _named(watching: Watching, incident: Incident) -> dict[str, str]:
    return {
        "incident_id": incident.incident_id,
        "carrier": watching.carrier,
        "region": watching.region,
    }
