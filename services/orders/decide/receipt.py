"""Rule `receipt_extension`: the buyer gets more days to confirm the receipt, as the platform allows."""

from datetime import timedelta

from services.orders.commands import ExtendReceipt
from services.orders.decide import timers
from services.orders.state import CompletionSet, Delivered, State, Unknown
from shared.contracts.events import orders
from shared.kernel.calendar import later
from shared.kernel.decision import Decision, Outcome, Refused, SetTimer
from shared.kernel.profiles import Profile


def extended(command: ExtendReceipt, state: State, profile: Profile) -> Outcome:
    """The completion moves by so many days. It stands still all the same while a case is open."""
    if isinstance(state, Unknown):
        return Refused(slug="order-unknown", detail="The order is not known.", missing=True)
    if not isinstance(state, Delivered):
        return Refused(
            slug="nothing-to-extend",
            detail=f"The order is {state.stage}; the time to confirm runs when everything has arrived.",
        )
    allowed = profile.facts.receive_extension_days or ()
    if command.days not in allowed:
        there_are = ", ".join(str(days) for days in allowed) or "none"
        return Refused(
            slug="days-not-allowed",
            detail=f"days: {profile.ref} allows {there_are}, got {command.days}.",
        )
    was = state.completion
    if len(state.order.extensions) >= profile.values.receipt_extensions_max:
        return Refused(
            slug="extended-before",
            detail=f"{profile.ref} allows {profile.values.receipt_extensions_max} extensions of an order.",
        )
    moment = later(was.moment, timedelta(days=command.days))
    runs_to = None if was.runs_to is None else max(moment, command.at)
    now = was.model_copy(update={"moment": moment, "runs_to": runs_to})
    said = orders.OrderReceiptExtended(days=command.days, completes_at=runs_to)
    if runs_to is None:
        return Decision(rule="receipt_extension", notes=(CompletionSet(completion=now),), events=(said,))
    changed = orders.OrderDeadlineChanged(
        deadline="completion", was=was.runs_to, deadline_at=runs_to, reason="receipt_extended"
    )
    return Decision(
        rule="receipt_extension",
        notes=(CompletionSet(completion=now),),
        events=(said, changed),
        timers=(SetTimer(name=timers.COMPLETE, due_at=runs_to),),
    )
