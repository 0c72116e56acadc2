"""What `orders` says."""

from typing import Literal

from shared.contracts.base import Amount, Currency, Id, Name, Utc
from shared.contracts.event import Payload, says
from shared.contracts.facts import Line, PassedFact, Receiver
from shared.contracts.wishes import VerifiedField

PAID_BACK_LATE = "paid-back-after-leaving"
"""Slug of a cancellation out of stage that says that all the money went back."""


@says("order.placed", "orders")
class OrderPlaced(Payload):
    """A buyer placed an order. Who receives it is on the contacts topic."""

    shop_id: Id
    platform: Id
    buyer_id: Id
    currency: Currency
    total: Amount
    lines: tuple[Line, ...]
    ship_service: Name
    closes_at: Utc
    """When it closes if it is not paid."""
    freight: Amount | None = None
    ships_to: Name | None = None
    """A mark that tells one buyer's addresses apart and leads back to none."""
    supplements: Id | None = None
    """The order that this one adds to."""
    checks: tuple[VerifiedField, ...] = ()
    """What looked complete when it was placed."""


@says("order.paid", "orders")
class OrderPaid(Payload):
    """The money arrived while the order could still be served."""

    amount: Amount
    payment_id: Id
    ship_by: Utc


@says("order.payment_reminder_due", "orders")
class PaymentReminderDue(Payload):
    """The order is still unpaid at a moment at which the buyer should hear of it."""

    stage: Literal["first", "last_call"]
    """Which of the reminder's texts."""
    total: Amount
    currency: Currency
    closes_at: Utc
    step: Name | None = None
    """The stage's name in a profile that has others than these two."""
    withheld: Name | None = None
    """Why the shop's settings keep it from the buyer, if they do: a slug such as `amount_too_small`."""


@says("order.closed", "orders")
class OrderClosed(Payload):
    """The order ended without being served."""

    reason: Name


@says("order.reopened", "orders")
class OrderReopened(Payload):
    """An agent reopened an order that had closed before its payment arrived."""

    amount: Amount
    payment_id: Id
    ship_by: Utc


@says("order.late_payment_refund_wanted", "orders")
class LatePaymentRefundWanted(Payload):
    """An agent decided to give a late payment back; `aftersales` pays it."""

    amount: Amount
    currency: Currency
    payment_id: Id


@says("order.cancelled", "orders")
class OrderCancelled(Payload):
    """An unpaid order was taken off."""

    reason: Name
    by: Name


@says("order.cancellation_requested", "orders")
class CancellationRequested(Payload):
    """What of a paid order has not left shall be taken off; `aftersales` gives the money back."""

    reason: Name
    by: Name
    amount: Amount
    """What was paid for these lines and not paid back yet."""
    currency: Currency
    lines: tuple[Id, ...] = ()
    """The lines that shall not leave any more; none named means all of them."""


@says("order.cancellation_undone", "orders")
class CancellationUndone(Payload):
    """The cancellation of these lines came to nothing: they were not paid back and shall leave after all."""

    lines: tuple[Id, ...]
    reason: Name


@says("order.ship_overdue", "orders")
class ShipOverdue(Payload):
    """Not every line was dispatched when it was promised."""

    ship_by: Utc
    lines: tuple[Id, ...]
    """The lines that had not left."""


@says("order.dispatched", "orders")
class OrderDispatched(Payload):
    """Every line that is still wanted has left."""

    parcels: tuple[Id, ...]


@says("order.delivered", "orders")
class OrderDelivered(Payload):
    """Every line that is still wanted has arrived."""

    delivered_at: Utc
    """When the last parcel arrived."""
    completes_at: Utc


@says("order.deadline_changed", "orders")
class OrderDeadlineChanged(Payload):
    """A deadline of the order moved, stood still (`None`) or ran on."""

    deadline: Literal["payment", "ship", "completion"]
    was: Utc | None
    deadline_at: Utc | None
    reason: Name


@says("order.receipt_extended", "orders")
class OrderReceiptExtended(Payload):
    """The buyer has longer to confirm the receipt."""

    days: int
    completes_at: Utc | None
    """When the order completes now; None while a case makes the time stand still."""


@says("order.urge_requested", "orders")
class OrderUrgeRequested(Payload):
    """The platform, for the buyer, urges the shipment with a ticket that has a deadline of its own."""

    ticket_id: Id
    deadline_at: Utc
    lines: tuple[Id, ...]
    """The lines that have not left."""


@says("order.urge_answered", "orders")
class OrderUrgeAnswered(Payload):
    """The ticket was answered, or lost its cause since everything left."""

    ticket_id: Id
    in_time: bool
    by: Literal["agent", "dispatch"] = "agent"


@says("order.completed", "orders")
class OrderCompleted(Payload):
    """The order ended well."""

    after_case: bool
    """Whether the waiting time had passed while an after-sales case was open."""


@says("order.offer_made", "orders")
class OrderOfferMade(Payload):
    """The order ended well, and its buyer is offered something for the next one."""

    kind: Literal["voucher", "gift"]
    what: Name
    """The voucher's code, or the article that is packed with the next order."""
    kept: Amount
    """What was paid for the order and not paid back; the offer goes by it."""
    currency: Currency
    valid_until: Utc


@says("order.refunded", "orders")
class OrderRefunded(Payload):
    """The order ended because all of it was paid back and nothing of it arrived or is on its way."""

    amount: Amount
    currency: Currency
    by_platform: bool = False
    """Whether the platform paid it back itself: `aftersales` then pays nothing of it again."""


@says("order.erased", "orders")
class OrderErased(Payload):
    """The buyer was erased: every service forgets who he is and what he wrote about this order."""

    was_open: bool = False
    """Whether something of the order was not over yet."""


@says("fact.passed_on", "orders")
class FactPassedOn(Payload):
    """A shop platform told orders a fact that another service takes; that service takes it from here.

    Without free text. A further kind of fact is another version, since readers read the kinds they know.
    """

    fact: PassedFact


@says("contact.changed", "any")
class ContactChanged(Payload):
    """Who receives the order now. On `contacts.v1` only, compacted, erased by a tombstone.

    `orders` says it for a placed order, `notifications` when an agent confirmed another contact.
    """

    buyer_id: Id
    receiver: Receiver
