"""The stages of an order: a tagged union, and what each of them knows."""

from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from services.orders.state.buyer import Buyer
from services.orders.state.goods import Goods, Reach
from services.orders.state.handling import NO_HANDLING, Handling
from shared.contracts.base import PERSONAL, Amount, Currency, Frozen, Id, Name, Text, Utc
from shared.contracts.facts import Line
from shared.contracts.wishes import VerifiedField


class LatePayment(Frozen):
    """Money that came when the order had ended unpaid."""

    task_id: Id
    payment_id: Id
    amount: Amount
    decided: bool = False


class Urge(Frozen):
    """A platform's ticket that urges the shipment."""

    ticket_id: Id
    task_id: Id
    deadline_at: Utc
    answered: bool = False


class Kept(Frozen):
    """A text that may name the buyer: an invoice's title, a card's text, an agent's remark."""

    about: Id
    """The wish or remark that it belongs to."""
    text: Text


class Order(Frozen):
    """What is known of an order from its placing to its end."""

    order_id: Id
    shop_id: Id
    buyer_id: Id
    currency: Currency
    total: Amount
    lines: tuple[Line, ...]
    ship_service: Name
    placed_at: Utc
    goods: Goods
    late_payments: tuple[LatePayment, ...] = ()
    paid_back_at: Utc | None = None
    """When it was taken off and paid back, of an order whose payment had not been told or came late."""
    urges: tuple[Urge, ...] = ()
    freight: Amount | None = None
    """What of the total is for the carriage, if the shop said so."""
    ships_to: Name | None = None
    checks: tuple[VerifiedField, ...] = ()
    """What looked complete when it was placed."""
    handling: Handling = NO_HANDLING
    extensions: tuple[int, ...] = ()
    """The days that the buyer was given to confirm the receipt, each time that he was."""
    texts: Annotated[tuple[Kept, ...], PERSONAL] = ()
    """What is not said to others."""
    erased: bool = False
    """Whether its buyer was erased."""

    def line(self, line_id: str) -> Line | None:
        """The line of that id."""
        return next((line for line in self.lines if line.line_id == line_id), None)


class Payment(Frozen):
    """The order's money."""

    payment_id: Id
    amount: Amount
    paid_at: Utc


class ShipPromise(Frozen):
    """By when everything has to leave."""

    ship_by: Utc
    runs: bool = True
    """Whether the deadline is still to come."""
    overdue_said: bool = False
    urged: int = 0
    """How many `urge_shipment` tasks were wanted."""
    task_id: Id | None = None
    """The one that is open."""


class Completion(Frozen):
    """When the order completes."""

    arrived_at: Utc
    """The delivery of the last parcel."""
    moment: Utc
    """When the waiting time after it is over."""
    runs_to: Utc | None
    """When the order completes; None while a case makes the time stand still."""
    after_case: bool = False
    """Whether the waiting time was over before the case was."""


class Unknown(Frozen):
    """Nothing is known of the order."""

    stage: Literal["unknown"] = "unknown"
    texts: Annotated[tuple[Kept, ...], PERSONAL] = ()
    """Texts that were told with the order itself."""
    erased: bool = False
    """Whether the buyer was erased, of an order that only others were told of."""


class Unpaid(Frozen):
    """Placed; the money is awaited."""

    stage: Literal["unpaid"] = "unpaid"
    order: Order
    closes_at: Utc
    call_task: Id | None = None
    """The `call_about_payment` that was wanted."""


class _Served(Frozen):
    order: Order
    payment: Payment
    promise: ShipPromise
    dispatched_said: bool = False
    delivered_said: bool = False


class Paid(_Served):
    """Paid; something has still to leave, or is stopped and waits for its refund."""

    stage: Literal["paid"] = "paid"


class Cancelling(_Served):
    """Nothing has left and nothing will; the money goes back."""

    stage: Literal["cancelling"] = "cancelling"


class Dispatched(_Served):
    """Every line that is still wanted has left."""

    stage: Literal["dispatched"] = "dispatched"


class Delivered(_Served):
    """Every line has arrived or was paid back, and at least one arrived."""

    stage: Literal["delivered"] = "delivered"
    completion: Completion


class Closed(Frozen):
    """Ended unpaid, by itself."""

    stage: Literal["closed"] = "closed"
    order: Order
    reason: Name


class Cancelled(Frozen):
    """Ended unpaid, since somebody wanted it off."""

    stage: Literal["cancelled"] = "cancelled"
    order: Order
    reason: Name
    by: Name


class Refunded(Frozen):
    """Ended: all of it was paid back and nothing arrived."""

    stage: Literal["refunded"] = "refunded"
    order: Order
    payment: Payment


class Completed(Frozen):
    """Ended well."""

    stage: Literal["completed"] = "completed"
    order: Order
    payment: Payment
    after_case: bool


Served = Paid | Cancelling | Dispatched | Delivered
Known = Unpaid | Served | Closed | Cancelled | Refunded | Completed
State = Annotated[Unknown | Known, Field(discriminator="stage")]

AnyFile = Annotated[Unknown | Known | Buyer, Field(discriminator="stage")]
"""An order's file, or a buyer's."""

INITIAL: AnyFile = Unknown()
STATE: TypeAdapter[AnyFile] = TypeAdapter(AnyFile)


_NOT_DELIVERED: Final[dict[Reach, type[Paid] | type[Cancelling] | type[Dispatched]]] = {
    "paid": Paid,
    "cancelling": Cancelling,
    "dispatched": Dispatched,
    "delivered": Dispatched,
}


def served(state: Served, order: Order, promise: ShipPromise, completion: Completion | None) -> Served:
    """The stage that a paid order is in, by its goods and by whether its completion is known."""
    if completion is not None:
        return Delivered(
            order=order,
            payment=state.payment,
            promise=promise,
            dispatched_said=state.dispatched_said,
            delivered_said=state.delivered_said,
            completion=completion,
        )
    return _NOT_DELIVERED[order.goods.reach()](
        order=order,
        payment=state.payment,
        promise=promise,
        dispatched_said=state.dispatched_said,
        delivered_said=state.delivered_said,
    )
