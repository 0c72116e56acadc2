"""How a case begins: what it is about is said, and a request that needs an answer waits for one."""

from datetime import datetime

from pydantic import JsonValue

from services.aftersales.commands import Weights
from services.aftersales.decide.terms import MISSING_ITEM, QUALITY_REASONS, SERVICE
from services.aftersales.state import (
    About,
    Answerable,
    CaseIs,
    Choosing,
    Deciding,
    File,
    Paid,
    Weighing,
)
from services.aftersales.state.file import AnyParcel
from shared.contracts.events import aftersales as says
from shared.contracts.events.common import TaskWanted
from shared.kernel.calendar import later
from shared.kernel.decision import Decision, task_id
from shared.kernel.money import plain
from shared.kernel.profiles import Profile


def opened(about: About, deadline_at: datetime | None = None) -> Decision:
    """Say what the case is about, and until when it waits for an answer."""
    said = says.CaseOpened(
        case_id=about.case_id,
        kind=about.kind,
        reason=about.reason,
        lines=about.lines,
        amount=about.amount,
        currency=about.currency,
        holds_order=about.holds_order,
        deadline_at=deadline_at,
        parcel_id=about.parcel_id,
    )
    return Decision(events=(said,))


def quality_signals(order: Paid, about: About) -> Decision:
    """Tell the product's people of a complaint about its quality, once for each product."""
    if about.reason not in QUALITY_REASONS:
        return Decision()
    skus = dict.fromkeys(line.sku for line in order.lines if line.line_id in about.lines)
    return Decision(
        events=tuple(says.QualitySignal(sku=sku, reason=about.reason, case_id=about.case_id) for sku in skus)
    )


def waits(state: File, order: Paid, about: About, profile: Profile) -> Decision:
    """Rule `answer_within`: the case waits for the shop's answer, and decides itself after a while.

    Rule `missing_item`: weights are compared first, and the answer is blocked by that task.
    """
    due_at = later(about.opened_at, profile.values.answer_within)
    decide = task_id(SERVICE, order.order_id, "decide_case", about.case_id, 1)
    case: Answerable
    if about.parcel_id is not None:
        case = Choosing(about=about, task_id=decide, deadline_at=due_at)
    elif about.reason == MISSING_ITEM:
        verify = task_id(SERVICE, order.order_id, "verify_weight", about.case_id)
        case = Weighing(about=about, task_id=decide, verify_task_id=verify, deadline_at=due_at)
    else:
        case = Deciding(about=about, task_id=decide, deadline_at=due_at)
    return (
        opened(about, due_at)
        + quality_signals(order, about)
        + Decision(notes=(CaseIs(case=case),), tasks=answer_tasks(state, order, case))
    )


def answer_tasks(state: File, order: Paid, case: Answerable) -> tuple[TaskWanted, ...]:
    """The tasks of a case that waits for an answer."""
    about = case.about
    details: dict[str, JsonValue] = {
        "case_id": about.case_id,
        "kind": about.kind,
        "reason": about.reason,
        "lines": list(about.lines),
        "amount": plain(about.amount),
        "currency": about.currency,
    }
    decide = TaskWanted(
        task_id=case.task_id,
        kind="decide_case",
        order_id=order.order_id,
        due_at=case.deadline_at,
        summary=_summary(case),
        details=details,
        blocked_by=case.verify_task_id if isinstance(case, Weighing) else None,
    )
    if not isinstance(case, Weighing):
        return (decide,)
    weigh = TaskWanted(
        task_id=case.verify_task_id,
        kind="verify_weight",
        order_id=order.order_id,
        due_at=case.deadline_at,
        summary="Compare the weights of the order, the warehouse and the carrier: is something missing?",
        details={**details, "ordered": _ordered(order, about), "parcels": _parcels(state, about)},
    )
    return (weigh, decide)


def _summary(case: Answerable) -> str:
    about = case.about
    if isinstance(case, Choosing):
        return f"Parcel {about.parcel_id} is lost: a new one, or {plain(about.amount)} {about.currency}?"
    asked = about.kind.replace("_", " ")
    amount = f"{plain(about.amount)} {about.currency}"
    return f"The buyer asks for {asked} ({about.reason}), {amount}: what is he told?"


def _ordered(order: Paid, about: About) -> list[JsonValue]:
    return [
        {"line_id": line.line_id, "sku": line.sku, "quantity": line.quantity}
        for line in order.lines
        if line.line_id in about.lines
    ]


def _parcels(state: File, about: About) -> list[JsonValue]:
    return [
        {
            "parcel_id": parcel.parcel_id,
            "carrier": parcel.carrier,
            "tracking_no": parcel.tracking_no,
            **_weights(state, parcel).model_dump(mode="json"),
        }
        for parcel in state.parcels
        if set(parcel.lines) & set(about.lines)
    ]


def _weights(state: File, parcel: AnyParcel) -> Weights:
    """What logistics compared; where it had nothing to compare, what the warehouse told when it left."""
    told = state.weights_of(parcel.parcel_id)
    if told.warehouse_grams is not None:
        return told
    return told.model_copy(update={"warehouse_grams": parcel.weight_grams})
