"""Changes of an order: another address, attribute, price or freight, and another article for a line.

A change is made at once and then goes the way of every wish. After the payment a lower price is given back
when the buyer has confirmed it. A higher one is refused: an order has one payment, which only the buyer can
make, so what costs more is placed as an order of its own that supplements this one. It then has its own
deadline, its own reminders and its own guard against paying twice.
"""

from hashlib import sha256
from typing import Final, assert_never

from services.orders.commands import (
    AddressChange,
    AttributeChange,
    FreightChange,
    LineSwap,
    MakeChange,
    PriceChange,
)
from services.orders.decide.undoing import CHANGES, changed, replacing
from services.orders.decide.wishes import TOO_MANY, new_id, still_here
from services.orders.state import Order, Served, State
from services.orders.state.handling import WISHES_MAX
from services.orders.templates import WishRules
from shared.contracts.base import AMOUNT_MAX_DIGITS
from shared.contracts.events import handling as says
from shared.contracts.events.orders import ContactChanged
from shared.contracts.facts import Line, Receiver
from shared.kernel.capabilities import forbids
from shared.kernel.decision import Contact, Decision, Outcome, Refused
from shared.kernel.profiles import Profile

_NO_LINE: Final = Refused(slug="line-unknown", detail="The order has no line of this id.", missing=True)
_LINE_LEFT: Final = Refused(slug="left-already", detail="This line has left, or is not wanted any more.")
_OPEN: Final = Refused(slug="wish-open", detail="Another change of this line is open; end it first.")
_SAME: Final = Refused(slug="nothing-changed", detail="It is like that already.")
_DEARER: Final = Refused(
    slug="needs-supplement",
    detail="The order is paid. For what costs more, let the buyer place an order that supplements it.",
)
_NO_FREIGHT: Final = Refused(slug="freight-unknown", detail="The shop did not say what the carriage costs.")
_TOO_LARGE: Final = Refused(
    slug="amount-too-large", detail=f"The total would have more than {AMOUNT_MAX_DIGITS} digits."
)
MARK_CHARS: Final = 4


def made(command: MakeChange, state: State, profile: Profile, wishes: WishRules) -> Outcome:
    """Step 1 of a change: what the platform allows is changed; it waits for its flag."""
    change = command.change
    order = still_here(state)
    if isinstance(order, Refused):
        return order
    if len(order.handling.wishes) >= WISHES_MAX:
        return TOO_MANY
    action = wishes[change.kind].may
    forbidden = None if action is None else forbids(profile, action)
    if forbidden is not None:
        return forbidden
    paid = isinstance(state, Served)
    match change:
        case AddressChange():
            return _address(order, change, command.by, paid)
        case FreightChange():
            return _freight(order, change, command.by, paid)
        case AttributeChange() | PriceChange() | LineSwap():
            return _line(order, change, command.by, paid, profile)
        case _:
            assert_never(change)


def mark_of(buyer_id: str, receiver: Receiver) -> str:
    """A mark of where an order goes, to tell one buyer's addresses apart.

    It has 16 bits: of all addresses in the world too many share one for it to lead back to any.
    """
    parts = (receiver.name, receiver.address, receiver.postal_code, receiver.city, receiver.state)
    text = "\x1f".join((buyer_id, *((part or "").strip().casefold() for part in parts)))
    return sha256(text.encode()).hexdigest()[:MARK_CHARS]


def _address(order: Order, change: AddressChange, by: str, paid: bool) -> Decision:
    wish_id = new_id(order, "address")
    contact = Contact(payload=ContactChanged(buyer_id=order.buyer_id, receiver=change.receiver))
    made = says.WishMade(wish_id=wish_id, kind="address", by=by, paid=paid)
    return replacing(order, "address", by) + Decision(
        rule=CHANGES, events=(made,), contacts=(contact,), result={"wish_id": wish_id}
    )


def _freight(order: Order, change: FreightChange, by: str, paid: bool) -> Outcome:
    if order.freight is None:
        return _NO_FREIGHT
    if change.amount == order.freight:
        return _SAME
    if paid and change.amount > order.freight:
        return _DEARER
    if _open(order, "freight", None):
        return _OPEN
    wish_id = new_id(order, "freight")
    wish = says.WishMade(
        wish_id=wish_id, kind="freight", by=by, paid=paid, was_freight=order.freight, freight=change.amount
    )
    return _changing(wish, changed(order, wish_id, freight=change.amount))


def _line(
    order: Order, change: AttributeChange | PriceChange | LineSwap, by: str, paid: bool, profile: Profile
) -> Outcome:
    was = order.line(change.line_id)
    if was is None:
        return _NO_LINE
    if change.line_id not in order.goods.owed():
        return _LINE_LEFT
    if _open(order, change.kind, change.line_id):
        return _OPEN
    now = _changed_line(was, change)
    if now == was:
        return _SAME
    if paid and now.amount > was.amount:
        return _DEARER
    forbidden = forbids(profile, "change_price") if now.amount != was.amount else None
    if forbidden is not None:
        return forbidden
    wish_id = new_id(order, change.kind)
    wish = says.WishMade(wish_id=wish_id, kind=change.kind, by=by, paid=paid, was=was, line=now)
    return _changing(wish, changed(order, wish_id, line=now))


def _changed_line(was: Line, change: AttributeChange | PriceChange | LineSwap) -> Line:
    match change:
        case AttributeChange():
            return was.model_copy(update={"name": change.name, "sku": change.sku or was.sku})
        case PriceChange():
            return was.model_copy(update={"amount": change.amount})
        case LineSwap():
            return Line(
                line_id=was.line_id,
                sku=change.sku,
                name=change.name,
                quantity=change.quantity,
                amount=change.amount,
            )


def _changing(wish: says.WishMade, changes: tuple[says.OrderChanged, ...]) -> Outcome:
    if not changes:
        return _TOO_LARGE
    return Decision(rule=CHANGES, events=(wish, *changes), result={"wish_id": wish.wish_id})


def _open(order: Order, kind: str, line_id: str | None) -> bool:
    return any(
        wish.kind == kind if line_id is None else wish.line is not None and wish.line.line_id == line_id
        for wish in order.handling.open_wishes()
    )
