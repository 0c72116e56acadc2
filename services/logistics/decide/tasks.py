"""Tasks and messages about a parcel: wanted once for each occasion, withdrawn when it is gone."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypedDict

from pydantic import JsonValue

from services.logistics.state import OpenTask, Parcel, Placed
from shared.contracts.events.common import MessageWanted, TaskWanted, TaskWithdrawn
from shared.contracts.tasks import Priority, TaskKind
from shared.kernel.calendar import utc_text
from shared.kernel.decision import TaskChange, task_id

SERVICE = "logistics"
MERGED: frozenset[TaskKind] = frozenset(("check_pickup", "check_with_carrier", "resolve_exception"))
"""Tasks about a standing parcel that an incident's one task takes the place of."""


class Named(TypedDict):
    """The fields in which every event about a parcel names it."""

    parcel_id: str
    carrier: str
    tracking_no: str


def named(parcel: Parcel) -> Named:
    """How events about the parcel name it."""
    return {
        "parcel_id": parcel.parcel_id,
        "carrier": parcel.carrier,
        "tracking_no": parcel.tracking_no,
    }


def want(
    state: Placed,
    parcel: Parcel,
    kind: TaskKind,
    summary: str,
    priority: Priority = "normal",
    more: Mapping[str, JsonValue] | None = None,
    due_at: datetime | None = None,
    its_own: bool = False,
) -> tuple[TaskChange, ...]:
    """The task about the parcel, unless one of its kind is open or its incident has one for all.

    `its_own` is said of trouble that the incident's task does not put right.
    """
    in_incident = not its_own and parcel.watch is not None and parcel.watch.incident_id is not None
    if parcel.task(kind) is not None or (in_incident and kind in MERGED):
        return ()
    details: dict[str, JsonValue] = {
        "parcel_id": parcel.parcel_id,
        "carrier": parcel.carrier,
        "tracking_no": parcel.tracking_no,
        "lines": list(parcel.lines),
        "since": utc_text(parcel.clock.since),
        **(more or {}),
    }
    return (
        TaskWanted(
            task_id=task_id(SERVICE, state.order_id, kind, parcel.parcel_id, parcel.tasks_wanted + 1),
            kind=kind,
            order_id=state.order_id,
            due_at=due_at,
            priority=priority,
            summary=summary,
            details=details,
        ),
    )


def withdraw(state: Placed, tasks: Iterable[OpenTask], reason: str) -> tuple[TaskChange, ...]:
    """These tasks close themselves."""
    return tuple(
        TaskWithdrawn(task_id=task.task_id, kind=task.kind, order_id=state.order_id, reason=reason)
        for task in tasks
    )


def message(
    state: Placed, parcel: Parcel, template: str, occasion: datetime, stale_at: datetime | None = None
) -> MessageWanted:
    """A message about the parcel, once for each occasion."""
    return MessageWanted(
        message_id=task_id(SERVICE, state.order_id, template, parcel.parcel_id, utc_text(occasion)),
        template=template,
        order_id=state.order_id,
        params={
            "parcel_id": parcel.parcel_id,
            "carrier": parcel.carrier,
            "tracking_no": parcel.tracking_no,
            "at": utc_text(occasion),
        },
        stale_at=stale_at,
    )
