"""Outcomes of tasks: which case an agent's answer belongs to, and which rule takes it."""

from pydantic import ValidationError

from services.aftersales.commands import TakeOutcome
from services.aftersales.decide.answers import case_decided, weight_verified
from services.aftersales.decide.refunds import looked_into
from services.aftersales.decide.returns import inspected
from services.aftersales.decide.reviews import called
from services.aftersales.decide.terms import CASE_DECIDED
from services.aftersales.state import (
    Choosing,
    Deciding,
    File,
    Inspecting,
    Paid,
    RefundFailed,
    Reviewing,
    Weighing,
    open_tasks,
)
from shared.contracts.tasks import outcome_details
from shared.kernel.decision import NOTHING, Outcome, Refused
from shared.kernel.profiles import Profile


def outcome_taken(command: TakeOutcome, state: File, profile: Profile) -> Outcome:
    """An agent's outcome moves the case that wanted the task, unless it went on before."""
    try:
        details = outcome_details(command.kind, command.outcome, command.details)
    except (KeyError, ValidationError):
        return Refused(
            slug="outcome-malformed",
            detail=f"{command.outcome} is no outcome of {command.kind}, or lacks details",
        )
    asked = (command.task_id, command.kind)
    case = next((case for case in state.cases if asked in open_tasks(case)), None)
    if case is None:
        if command.kind == "look_into":
            return NOTHING
        return Refused(slug=CASE_DECIDED, detail="no case waits for this task any more")
    match case:
        case Reviewing():
            return called(case, command.outcome)
        case RefundFailed():
            return looked_into(case, command.outcome)
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
