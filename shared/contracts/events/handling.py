"""What `orders` says of the service team's work on an order: wishes, flags, checks, the release, stock.

Nothing here names or places the buyer: an address travels on the contacts topic, the title of an invoice,
the text of a card and an agent's own remark stay in the order's file and are read there by their ids.
"""

from typing import Literal

from shared.contracts.base import Amount, Currency, Frozen, Id, Name, Utc
from shared.contracts.event import Payload, says
from shared.contracts.facts import Line
from shared.contracts.wishes import FlagColour, VerifiedField, WishKind


class _Wish(Payload):
    wish_id: Id
    kind: WishKind


class _WishDetail(_Wish):
    carrier: Id | None = None
    slot: Name | None = None
    was: Line | None = None
    line: Line | None = None
    """The line that was changed, as it was and as it is."""
    was_freight: Amount | None = None
    freight: Amount | None = None


@says("order.wish_made", "orders")
class WishMade(_WishDetail):
    """A special request was taken, or a change was made. It waits for its flag."""

    by: Name
    paid: bool = False
    """Whether the order was paid by then, so that less money means giving some back."""


@says("order.flagged", "orders")
class OrderFlagged(Payload):
    """The order has a flag of this colour now, for a wish or for itself."""

    colour: FlagColour
    by: Name
    wish_id: Id | None = None
    remark: str | None = None
    """The shop's fixed remark for this kind of wish, with its date and author, in the shop's language."""


@says("order.remarked", "orders")
class OrderRemarked(Payload):
    """Somebody of the shop wrote a remark. Its text stays in the order's file."""

    remark_id: Id
    by: Name


@says("order.wish_confirmed", "orders")
class WishConfirmed(_Wish):
    """The buyer stands by the wish."""

    by: Name


@says("order.wish_dropped", "orders")
class WishDropped(_Wish):
    """The wish is over without being fulfilled."""

    reason: Name
    by: Name


@says("order.instruction_given", "orders")
class InstructionGiven(_WishDetail):
    """The warehouse and who prints its labels are told. Titles and texts are read from the order."""

    acknowledged: bool = False
    """Whether nothing has to be acknowledged, so that the wish is done."""
    acknowledge_by: Utc | None = None


@says("order.instruction_acknowledged", "orders")
class InstructionAcknowledged(_Wish):
    """The warehouse has seen the instruction and goes by it."""

    by: Name


@says("order.changed", "orders")
class OrderChanged(Payload):
    """Lines, freight or total of the order are others now."""

    lines: tuple[Line, ...]
    total: Amount
    freight: Amount | None = None
    was_total: Amount
    currency: Currency
    wish_id: Id


@says("order.give_back_wanted", "orders")
class GiveBackWanted(Payload):
    """The order became cheaper after it was paid: `aftersales` gives the difference back, once a wish."""

    wish_id: Id
    amount: Amount
    currency: Currency
    lines: tuple[Id, ...] = ()
    """The line that became cheaper; none where it was the freight."""


@says("order.verified", "orders")
class OrderVerified(Payload):
    """What was checked of the order before its release."""

    good: tuple[VerifiedField, ...] = ()
    wrong: tuple[VerifiedField, ...] = ()
    by: Name


@says("order.release_blocked", "orders")
class ReleaseBlocked(Payload):
    """The order must not leave yet, and what it waits for."""

    waits_for: tuple[Name, ...]
    """`items`, `address`, `contact`, or ids of wishes and shortages."""


@says("order.released", "orders")
class OrderReleased(Payload):
    """Nothing keeps the order from leaving any more: it is handed to who ships."""

    by: Name


@says("order.payment_failed", "orders")
class PaymentFailed(Payload):
    """The buyer tried to pay and could not."""

    reason: Name
    times: int


@says("order.stock_short", "orders")
class StockShort(Payload):
    """The warehouse does not have everything that was ordered."""

    shortage_id: Id
    lines: tuple[Id, ...]
    skus: tuple[Id, ...]
    back_at: Utc | None = None
    """When the warehouse expects the goods."""


@says("order.choice_made", "orders")
class ChoiceMade(Payload):
    """The buyer chose what becomes of lines that are out of stock."""

    shortage_id: Id
    choice: Literal["wait", "replace", "cancel_lines", "not_needed"]
    lines: tuple[Id, ...]
    by: Name


@says("order.supplemented", "orders")
class OrderSupplemented(Payload):
    """Another order was placed to add to this one."""

    by_order: Id


class FreightShare(Frozen):
    """The freight of one of a buyer's orders, and how much of it is too much."""

    order_id: Id
    freight: Amount
    give_back: Amount


@says("freight.merge_due", "orders")
class FreightMergeDue(Payload):
    """Orders of one buyer and address may leave as one, and pay freight more than once. Of a buyer's file."""

    orders: tuple[FreightShare, ...]
    currency: Currency
    give_back: Amount
    """What the orders pay too much, together."""
