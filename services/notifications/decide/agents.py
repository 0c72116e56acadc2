"""What agents do with tasks: claim, heartbeat, give back, complete."""

from datetime import datetime
from typing import Final, assert_never

from pydantic import JsonValue, ValidationError

from services.notifications.commands import AgentCommand, ClaimTask, CompleteTask, Heartbeat, ReturnTask
from services.notifications.decide import conversation
from services.notifications.decide.occasion import Occasion
from services.notifications.decide.tasks import LEASE, escalate, given_up, named, no_timers
from services.notifications.state import OrderFile
from services.notifications.state.knowledge import ContactErased, Reachable
from services.notifications.state.notes import TaskExplained
from services.notifications.state.tasks import ClaimedTask, OpenTask
from shared.contracts.base import Strict
from shared.contracts.catalog import CONTACTS_TOPIC
from shared.contracts.event import Payload
from shared.contracts.events.notifications import TaskClaimed, TaskCompleted, TaskLeaseRenewed, TaskReturned
from shared.contracts.events.orders import ContactChanged
from shared.contracts.tasks import OUTCOMES, WithContact, WithText, outcome_details
from shared.kernel.calendar import utc_text
from shared.kernel.decision import NOTHING, CancelTimer, Contact, Decision, Outcome, Refused, SetTimer
from shared.kernel.erasure import ORDER_ERASED, without_personal

IN_THE_FILE: Final = "in_the_file"
"""Stands in the event for an agent's reason, which may name the buyer: the task's history has it."""


def act(command: AgentCommand, file: OrderFile, occasion: Occasion) -> Outcome:
    """An agent's command on a task of this order."""
    match command:
        case ClaimTask():
            return _claim(command, file, occasion)
        case Heartbeat():
            held = _held(command, file)
            return held if isinstance(held, Refused) else _renew(held, occasion)
        case ReturnTask():
            held = _held(command, file)
            return held if isinstance(held, Refused) else _give_back(command, held, file)
        case CompleteTask():
            held = _held(command, file)
            return held if isinstance(held, Refused) else _complete(command, held, file, occasion)
        case _:
            assert_never(command)


def unknown_task(task_id: str) -> Refused:
    """There is no such task."""
    return Refused(slug="task-unknown", detail=f"There is no task {task_id}.", missing=True)


def _claim(command: ClaimTask, file: OrderFile, occasion: Occasion) -> Outcome:
    """Rule `claim_lease`: one agent at a time; claiming again by the same agent renews."""
    task = file.task(command.task_id)
    events: tuple[Payload, ...] = ()
    match task:
        case None:
            return unknown_task(command.task_id)
        case ClaimedTask() if _runs(task, command.at):
            if task.agent_id == command.agent_id:
                return _renew(task, occasion)
            return Refused(
                slug="task-claimed", detail=f"Another agent holds it until {utc_text(task.lease_until)}."
            )
        case ClaimedTask():
            events = (given_up(task),)
        case OpenTask():
            pass
        case _:
            return _ended()
    until = command.at + occasion.values.claim_lease
    claimed = TaskClaimed(**named(task), agent_id=command.agent_id, lease_until=until)
    return Decision(
        rule="claim_lease",
        events=(*events, claimed),
        timers=(SetTimer(name=LEASE, key=task.task_id, due_at=until),),
        result={"task_id": task.task_id, "lease_until": utc_text(until)},
    )


def _renew(task: ClaimedTask, occasion: Occasion) -> Decision:
    until = occasion.at + occasion.values.claim_lease
    if until <= task.lease_until:
        return Decision(result={"task_id": task.task_id, "lease_until": utc_text(task.lease_until)})
    renewed = TaskLeaseRenewed(**named(task), agent_id=task.agent_id, lease_until=until)
    return Decision(
        rule="claim_lease",
        events=(renewed,),
        timers=(SetTimer(name=LEASE, key=task.task_id, due_at=until),),
        result={"task_id": task.task_id, "lease_until": utc_text(until)},
    )


def _give_back(command: ReturnTask, task: ClaimedTask, file: OrderFile) -> Decision:
    returned = TaskReturned(**named(task), agent_id=command.agent_id, reason="given_back")
    return Decision(
        rule="claim_lease",
        notes=_explained(command, command.reason, file),
        events=(returned,),
        timers=(CancelTimer(name=LEASE, key=task.task_id),),
    )


def _complete(command: CompleteTask, task: ClaimedTask, file: OrderFile, occasion: Occasion) -> Outcome:
    """An outcome of the task catalogue, with its arguments; contacts and texts stay off the event."""
    try:
        details = outcome_details(task.kind, command.outcome, command.details)
    except KeyError:
        allowed = ", ".join(OUTCOMES[task.kind])
        return Refused(slug="outcome-not-allowed", detail=f"outcome: {task.kind} allows {allowed}.")
    except ValidationError as problem:
        return Refused(slug="details-invalid", detail=_at_fault(problem))
    if task.blocked_by is not None:
        return Refused(
            slug="blocked-by-task", detail=f"Task {task.blocked_by} must be completed before this one."
        )
    if isinstance(file.contact, ContactErased):
        if isinstance(details, WithContact | WithText):
            return ORDER_ERASED
        details = without_personal(details)
    if isinstance(details, WithContact) and file.knows.buyer_id is None:
        return Refused(slug="buyer-unknown", detail="The order's buyer is not known yet; try again soon.")
    answer = conversation.complete_answer(task, command, details, file, occasion)
    completed = TaskCompleted(
        **named(task),
        agent_id=command.agent_id,
        outcome=command.outcome,
        details=_published(details, answer),
    )
    late = task.due_at is not None and task.due_at < command.at
    return (
        (escalate(task) if late else NOTHING)
        + Decision(
            rule=task.rule,
            notes=_explained(command, getattr(details, "reason", ""), file),
            events=(completed,),
            timers=no_timers(task.task_id),
            contacts=_contacts(details, file),
        )
        + answer
    )


def _published(details: Strict, answer: Decision) -> dict[str, JsonValue]:
    if isinstance(details, WithContact):
        return {"contact": CONTACTS_TOPIC}
    if isinstance(details, WithText):
        return dict(answer.result)
    published: dict[str, JsonValue] = details.model_dump(mode="json")
    return {**published, "reason": IN_THE_FILE} if "reason" in published else published


def _explained(command: ReturnTask | CompleteTask, reason: str, file: OrderFile) -> tuple[TaskExplained, ...]:
    """What the agent wrote beside it, for the task's history: it is in the file and in no event."""
    if not reason:
        return ()
    explained = TaskExplained(
        order_id=file.order_id,
        at=command.at,
        task_id=command.task_id,
        agent_id=command.agent_id,
        reason=reason,
    )
    return (explained,)


def _contacts(details: Strict, file: OrderFile) -> tuple[Contact, ...]:
    if not isinstance(details, WithContact) or file.knows.buyer_id is None:
        return ()
    receiver = details.contact
    if receiver.email is None and isinstance(file.contact, Reachable):
        # An address that is put right takes nobody's mail away.
        receiver = receiver.model_copy(update={"email": file.contact.email})
    return (Contact(payload=ContactChanged(buyer_id=file.knows.buyer_id, receiver=receiver)),)


def _held(command: Heartbeat | ReturnTask | CompleteTask, file: OrderFile) -> ClaimedTask | Refused:
    """The task, if this agent holds it and his lease has not run out."""
    task = file.task(command.task_id)
    match task:
        case None:
            return unknown_task(command.task_id)
        case ClaimedTask() if task.agent_id == command.agent_id and _runs(task, command.at):
            return task
        case ClaimedTask() | OpenTask():
            return Refused(slug="not-claimed-by-you", detail="Claim the task before you act on it.")
        case _:
            return _ended()


def _runs(task: ClaimedTask, at: datetime) -> bool:
    """Whether the lease still runs; what comes exactly at its end comes first."""
    return at <= task.lease_until


def _ended() -> Refused:
    return Refused(slug="task-ended", detail="The task has been completed or has closed itself.")


def _at_fault(problem: ValidationError) -> str:
    """The field at fault and what is expected there, without what was given: that may be personal."""
    error = problem.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(("details", *(str(part) for part in error["loc"])))
    expected = "is not a valid e-mail address" if where.endswith(".email") else error["msg"]
    return f"{where}: {expected}"
