"""Outcomes of the tasks about an order's handling, as the commands that they stand for."""

from pydantic import ValidationError

from services.orders.commands import (
    AnswerTask,
    ChooseForShortage,
    ConfirmWish,
    DropWish,
    VerifyOrder,
)
from services.orders.decide import freight, release, stock, wishes
from services.orders.decide.asking import look_into
from services.orders.state import HandlingAnswered, State, Unknown, of_order
from services.orders.templates import WishRules
from shared.contracts.tasks import OnDate, WithChecks, WithReason, WithReplacement, outcome_details
from shared.kernel.decision import NOTHING, Decision, Outcome, Refused
from shared.kernel.profiles import Profile

_NO_TASK = Refused(slug="task-unknown", detail="No open task of this id is about the order.", missing=True)
_MOOT = frozenset({"nothing-to-ship", "left-already", "order-cancelling"})
"""Refusals after which nobody has to do anything: what the task was about is over."""
_NO_SENSE = Refused(slug="outcome-unknown", detail="The task does not allow this outcome.")


def answered(command: AnswerTask, state: State, profile: Profile, rules: WishRules) -> Outcome:
    """What an agent's answer stands for; his task is not open any more."""
    if isinstance(state, Unknown):
        return wishes.NOT_KNOWN
    task = state.order.handling.task(command.task_id)
    if task is None or task.kind != command.kind:
        return _NO_TASK
    try:
        details = outcome_details(command.kind, command.outcome, command.details)
    except (KeyError, ValidationError):
        return _NO_SENSE
    at, about, by = command.at, task.about, command.by
    taken = HandlingAnswered(task_id=command.task_id)
    state = of_order(state, taken)
    follows: Outcome
    match (details, command.kind, command.outcome):
        case (_, "confirm_wish", "confirmed"):
            follows = wishes.confirmed(ConfirmWish(at=at, wish_id=about, by=by), state)
        case (WithReason(), "confirm_wish", _):
            declined = DropWish(at=at, wish_id=about, reason="declined", by=by)
            follows = wishes.dropped(declined, state, profile)
        case (_, "call_warehouse", "acknowledged"):
            follows = wishes.acknowledged(about, by, state)
        case (WithReason(), "call_warehouse", _):
            follows = _impossible(about, command, state, profile)
        case (WithChecks(), _, _):
            checked = VerifyOrder(at=at, by=by, **details.model_dump())
            follows = release.verified(checked, state, profile)
        case (_, "offer_choice", "wait" | "replace" | "cancel_lines" as choice):
            choose = ChooseForShortage(
                at=at,
                shortage_id=about,
                choice=choice,
                until=details.date if isinstance(details, OnDate) else None,
                replacement=details if isinstance(details, WithReplacement) else None,
                by=by,
            )
            follows = stock.chosen(choose, state, profile, rules)
        case (_, "merge_freight", "give_back"):
            follows = freight.given_back(by, at, state, profile, rules)
        case _:
            follows = Decision(rule="merged_freight" if command.kind == "merge_freight" else "payment_help")
    if isinstance(follows, Refused):
        follows = _not_followed(command, state, follows)
    return Decision(notes=(taken,)) + follows


def _not_followed(command: AnswerTask, state: State, refused: Refused) -> Decision:
    """The task is over all the same, since nobody can answer it again: somebody looks into what is left."""
    if isinstance(state, Unknown) or refused.slug in _MOOT:
        return NOTHING
    task = look_into(
        state.order,
        "answer_not_followed",
        command.task_id,
        summary=f"The answer {command.outcome} to {command.kind} can't be followed: {refused.detail}",
        details={"task_id": command.task_id, "slug": refused.slug},
    )
    return Decision(tasks=(task,))


def _impossible(wish_id: str, command: AnswerTask, state: State, profile: Profile) -> Outcome:
    """The warehouse can't: the wish is over, and somebody tells the buyer."""
    off = DropWish(at=command.at, wish_id=wish_id, reason="warehouse_cannot", by=command.by, refused=True)
    dropped = wishes.dropped(off, state, profile)
    if isinstance(dropped, Refused) or isinstance(state, Unknown):
        return dropped
    task = look_into(
        state.order,
        "warehouse_cannot",
        wish_id,
        summary=f"The warehouse can't do {wish_id}: tell the buyer, and find another way.",
        details={"wish_id": wish_id},
    )
    return dropped + Decision(tasks=(task,))
