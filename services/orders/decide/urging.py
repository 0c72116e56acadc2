"""Rule `urge_shipment_due_after`: a platform's ticket that urges the shipment, with its own deadline."""

from datetime import datetime

from services.orders.commands import AnswerUrge, RequestUrge
from services.orders.state import Cancelling, Delivered, Dispatched, Paid, Served, State, Unknown
from services.orders.state.evolve import urge_task
from shared.contracts.event import Payload
from shared.contracts.events import orders
from shared.contracts.events.common import TaskRaised, TaskWanted, TaskWithdrawn
from shared.kernel.calendar import later
from shared.kernel.decision import NOTHING, Decision, Outcome, Refused, TaskChange
from shared.kernel.profiles import Profile

MAX_URGES = 20
"""Tickets of one order."""
_RULE = "urge_shipment_due_after"


def requested(command: RequestUrge, state: State, profile: Profile) -> Outcome:
    """The ticket is answered within its time, and the shop's own urging matters more from now on."""
    if isinstance(state, Unknown):
        return Refused(slug="order-unknown", detail="The order is not known.", missing=True)
    if any(one.ticket_id == command.ticket_id for one in state.order.urges):
        return NOTHING
    owed = state.order.goods.owed()
    if not isinstance(state, Paid | Cancelling | Dispatched | Delivered) or not owed:
        return Refused(slug="nothing-to-ship", detail="Nothing of the order has still to leave.")
    if len(state.order.urges) >= MAX_URGES:
        return Refused(slug="too-many-urges", detail=f"An order has at most {MAX_URGES} tickets.")
    order_id, until = (
        state.order.order_id,
        later(command.at, profile.values.urge_shipment_due_after),
    )
    said = orders.OrderUrgeRequested(ticket_id=command.ticket_id, deadline_at=until, lines=owed)
    wanted: list[TaskChange] = [
        TaskWanted(
            task_id=urge_task(order_id, command.ticket_id),
            kind="answer_urge",
            order_id=order_id,
            due_at=until,
            priority="high",
            summary=f"The platform urges {len(owed)} lines that have not left: tell the buyer when they do.",
            details={"ticket_id": command.ticket_id, "lines": list(owed)},
        )
    ]
    if state.promise.task_id is not None:
        wanted.append(
            TaskRaised(
                task_id=state.promise.task_id,
                kind="urge_shipment",
                order_id=order_id,
                priority="urgent",
                reason="the platform urges it",
            )
        )
    return Decision(rule=_RULE, events=(said,), tasks=tuple(wanted))


def answered(command: AnswerUrge, state: State) -> Outcome:
    """Task `answer_urge`: the buyer was told. What was promised is followed up by `ship_within`."""
    urges = () if isinstance(state, Unknown) else state.order.urges
    urge = next((one for one in urges if one.task_id == command.task_id and not one.answered), None)
    if urge is None:
        return Refused(slug="task-not-open", detail="The task is not open any more.", missing=True)
    said = orders.OrderUrgeAnswered(ticket_id=urge.ticket_id, in_time=command.at <= urge.deadline_at)
    return Decision(rule=_RULE, events=(said,))


def settled(state: Served, at: datetime) -> Decision:
    """Everything left: tickets that were not answered have lost their cause."""
    waiting = [one for one in state.order.urges if not one.answered]
    events: tuple[Payload, ...] = tuple(
        orders.OrderUrgeAnswered(ticket_id=one.ticket_id, in_time=at <= one.deadline_at, by="dispatch")
        for one in waiting
    )
    tasks = tuple(
        TaskWithdrawn(
            task_id=one.task_id, kind="answer_urge", order_id=state.order.order_id, reason="dispatched"
        )
        for one in waiting
    )
    return Decision(rule=_RULE if waiting else "", events=events, tasks=tasks)
