"""Rule `erasure`: an order whose buyer need not be known any more forgets him, and says so to the others.

Source: design section 6. While the trade still needs him, since something is to be paid, sent, carried or
decided, it is refused by name of what is open, unless whoever asks takes that upon himself.
"""

from services.orders.decide.wishes import NOT_KNOWN
from services.orders.state import Known, Served, State, Unknown, Unpaid
from shared.contracts.events.orders import OrderErased
from shared.kernel.decision import Contact, Decision, Outcome, Refused
from shared.kernel.erasure import RULE, EraseBuyer


def erased(command: EraseBuyer, state: State) -> Outcome:
    """The order's part: what it keeps goes, its contact gets a tombstone, the other services hear of it.

    An order that was never placed may be erased too: others may have been told of it. One that is erased
    gets another tombstone, which comes after whatever was written to the topic since.
    """
    is_erased = state.erased if isinstance(state, Unknown) else state.order.erased
    if is_erased:
        return Decision(rule=RULE, contacts=(Contact(payload=None),))
    if isinstance(state, Unknown):
        return _forgotten(was_open=False) if command.even_though_open else NOT_KNOWN
    still_open = _open(state)
    if still_open and not command.even_though_open:
        return Refused(
            slug="order-open",
            detail=f"even_though_open: the buyer is still needed, since {', '.join(still_open)}; "
            "wait for the end of that, or say true.",
        )
    return _forgotten(was_open=bool(still_open))


def _forgotten(*, was_open: bool) -> Decision:
    said = OrderErased(was_open=was_open)
    return Decision(rule=RULE, events=(said,), contacts=(Contact(payload=None),), erases=True)


def _open(state: Known) -> tuple[str, ...]:
    """What of the order is not over."""
    goods = state.order.goods
    runs = (f"the order is {state.stage}",) if isinstance(state, Unpaid | Served) else ()
    under_way = (parcel for parcel in goods.parcels if parcel.stage == "under_way")
    undecided = (late for late in state.order.late_payments if not late.decided)
    return (
        *runs,
        *(f"parcel {parcel.parcel_id} is under way" for parcel in under_way),
        *(f"case {case.case_id} is open" for case in goods.cases if case.open),
        *(f"payment {late.payment_id} came too late" for late in undecided),
    )
