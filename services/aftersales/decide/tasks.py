"""Outcomes of tasks: which case an agent's answer belongs to, and which rule takes it."""

from pydantic import ValidationError

from services.aftersales.commands import TakeOutcome
from services.aftersales.decide import replacing
from services.aftersales.decide.answers import case_decided, weight_verified
from services.aftersales.decide.refunds import looked_into
from services.aftersales.decide.returns import inspected
from services.aftersales.decide.reviews import called
from services.aftersales.decide.terms import CASE_DECIDED, SERVICE, WEIGHT_NOT_VERIFIED
from services.aftersales.state import (
    AnyCase,
    Choosing,
    Closed,
    Deciding,
    File,
    Inspecting,
    Paid,
    RefundFailed,
    Reviewing,
    Unknown,
    Weighing,
    open_tasks,
)
from shared.contracts.events.common import TaskWanted
from shared.contracts.tasks import outcome_details
from shared.kernel.decision import NOTHING, Decision, Outcome, Refused, task_id
from shared.kernel.profiles import Profile


def outcome_taken(command: TakeOutcome, state: File, profile: Profile) -> Outcome:
    """An agent's outcome moves the case that wanted the task, unless it went on before.

    His task is over, so what can't be followed is for somebody to look into before the case decides itself.
    """
    outcome = _taken(command, state, profile)
    case = _waiting(command, state)
    if not isinstance(outcome, Refused) or case is None or isinstance(state.order, Unknown):
        return outcome
    if outcome.slug == WEIGHT_NOT_VERIFIED:
        # That task is blocked, so it is open still.
        return outcome
    task = TaskWanted(
        task_id=task_id(SERVICE, state.order.order_id, "look_into", "answer_not_followed", command.task_id),
        kind="look_into",
        order_id=state.order.order_id,
        priority="high",
        summary=f"The answer {command.outcome} to {command.kind} can't be followed: {outcome.detail}. "
        "What it was about decides itself at its deadline.",
        details={"slug": outcome.slug, "case_id": case.case_id, "task_id": command.task_id},
    )
    return Decision(tasks=(task,))


def _waiting(command: TakeOutcome, state: File) -> AnyCase | None:
    """The case that wanted the task and has not gone on."""
    asked = (command.task_id, command.kind)
    return next((case for case in state.cases if asked in open_tasks(case)), None)


def _taken(command: TakeOutcome, state: File, profile: Profile) -> Outcome:
    try:
        details = outcome_details(command.kind, command.outcome, command.details)
    except (KeyError, ValidationError):
        return Refused(
            slug="outcome-malformed",
            detail=f"{command.outcome} is no outcome of {command.kind}, or lacks details",
        )
    case = _waiting(command, state)
    if case is None:
        if command.kind == "look_into":
            return NOTHING
        return Refused(slug=CASE_DECIDED, detail="no case waits for this task any more")
    match case:
        case Reviewing():
            return called(case, command.outcome)
        case RefundFailed():
            return looked_into(case, command.outcome)
        case Closed():
            return replacing.looked_into(case, command.outcome)
        case _:
            pass
    if not isinstance(state.order, Paid):
        return Refused(slug="order-not-paid", detail="the order is not paid")
    match case:
        case Weighing() if command.kind == "verify_weight":
            return weight_verified(command.outcome, details, case)
        case Weighing() | Deciding() | Choosing():
            return case_decided(command, details, case, state, state.order, profile)
        case Inspecting():
            return inspected(command, details, case, state, state.order, profile)
        case _:
            return NOTHING
