"""Help with a payment that fails: a message the first time, an agent when it fails again.

Rule `payment_help`. Source: customer-service practice, duty O2.
"""

from typing import Final

from services.orders.decide.asking import tell_buyer, want
from services.orders.decide.wishes import NOT_KNOWN
from services.orders.state import Cancelled, Closed, State, Unknown, Unpaid
from shared.contracts.events import handling as says
from shared.contracts.facts import PaymentFailed
from shared.kernel import money
from shared.kernel.calendar import utc_text
from shared.kernel.decision import NOTHING, Decision, Outcome, Refused
from shared.kernel.profiles import Profile

_RULE: Final = "payment_help"
TIMES_MAX: Final = 1_000


def failed(fact: PaymentFailed, state: State, profile: Profile) -> Outcome:
    """The buyer gets help while he can still pay; a failure told late, of an order paid since, is history."""
    match state:
        case Unknown():
            return NOT_KNOWN.model_copy(update={"early": True})
        case Unpaid():
            return _helped(fact, state, profile)
        case Closed() | Cancelled():
            return Refused(slug=f"order-{state.stage}", detail=f"The order was {state.stage} by then.")
        case _:
            return NOTHING


def _helped(fact: PaymentFailed, state: Unpaid, profile: Profile) -> Decision:
    order, handling = state.order, state.order.handling
    times = min(handling.payment_failures + 1, TIMES_MAX)
    said = says.PaymentFailed(reason=fact.data.reason, times=times)
    decision = Decision(rule=_RULE, events=(said,))
    if times == 1:
        params = {
            "reason": fact.data.reason,
            "total": money.plain(order.total),
            "currency": order.currency,
            "closes_at": utc_text(state.closes_at),
        }
        message = tell_buyer(order, "payment_help", "first", {**params})
        return decision + Decision(messages=(message.model_copy(update={"stale_at": state.closes_at}),))
    if handling.tasks_about(order.order_id, "help_with_payment"):
        return decision
    task = want(
        order,
        "help_with_payment",
        order.order_id,
        fact.at,
        profile.values.payment_help_within,
        f"The buyer tried to pay {times} times and could not: {fact.data.reason}.",
        more={"times": times, "reason": fact.data.reason, "total": money.plain(order.total)},
    )
    return decision + Decision(tasks=(task,))
