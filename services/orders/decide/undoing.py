"""The end of a wish that is not done: what it changed is put back, and money that follows from it goes back.

A wish that gave money back stays as it is, and so does a price that the buyer has paid: the order's money and
its lines say the same at every moment.
"""

from decimal import Decimal
from typing import Final

from services.orders.decide.asking import detail_of, look_into, withdraw
from services.orders.state import Completed, Order, Refunded, Served, State, Wish
from shared.contracts.events import handling as says
from shared.contracts.facts import Line
from shared.contracts.wishes import WishKind
from shared.kernel import money
from shared.kernel.decision import NOTHING, Decision

REQUESTS: Final = "special_requests"
CHANGES: Final = "order_changes"


def rule_of(kind: WishKind) -> str:
    """The rule by which a wish of this kind goes its way."""
    return REQUESTS if kind in {"courier", "invoice", "card", "slot"} else CHANGES


def drop(
    order: Order, wish: Wish, reason: str, by: str, *, paid: Decimal | None = None, left: bool = False
) -> Decision:
    """End an open wish and put back what it changed, as far as money does not speak against it.

    A wish that gave money back stays. So does a price that the buyer has paid since: where it was a lower
    one, or the goods have `left`. A dearer one that he takes back before that is put back and given back.
    """
    said = says.WishDropped(wish_id=wish.wish_id, kind=wish.kind, reason=reason, by=by)
    paid_as_changed = paid is not None and not wish.paid and wish.cheaper_by != 0
    gave_back = wish.stands and bool(give_back(order, wish))
    stays = gave_back or (paid_as_changed and (left or wish.cheaper_by > 0))
    undone = () if stays else _undone(order, wish)
    too_much: tuple[says.GiveBackWanted, ...] = ()
    if undone and paid_as_changed and paid is not None:
        too_much = _too_much(order, wish, min(-wish.cheaper_by, paid - undone[0].total))
    ended = Decision(
        rule=rule_of(wish.kind),
        events=(said, *undone, *too_much),
        tasks=withdraw(order, order.handling.tasks_about(wish.wish_id), reason),
    )
    return ended + _paid_less(order, wish) if stays and paid_as_changed and not left else ended


def _paid_less(order: Order, wish: Wish) -> Decision:
    task = look_into(
        order,
        "paid_as_changed",
        wish.wish_id,
        summary=f"{wish.wish_id} was dropped after its lower price was paid: that price stays.",
        details={**detail_of(wish), "wish_id": wish.wish_id},
    )
    return Decision(tasks=(task,))


def replacing(order: Order, kind: WishKind, by: str) -> Decision:
    """A newer wish of the same kind takes the place of one that is still open."""
    decision = NOTHING
    for wish in order.handling.open_wishes():
        if wish.kind == kind:
            decision += drop(order, wish, "replaced", by)
    return decision


def paid_for(state: State) -> Decimal | None:
    """What was paid for the order; None while its payment is awaited, and where it ended without one."""
    return state.payment.amount if isinstance(state, Served | Refunded | Completed) else None


def give_back(order: Order, wish: Wish) -> tuple[says.GiveBackWanted, ...]:
    """What the buyer paid too much: of a line that became cheaper, or of the freight."""
    return _too_much(order, wish, wish.cheaper_by) if wish.paid else ()


def _too_much(order: Order, wish: Wish, amount: Decimal) -> tuple[says.GiveBackWanted, ...]:
    if amount <= 0:
        return ()
    lines = () if wish.line is None else (wish.line.line_id,)
    amount = money.writable(amount)
    said = says.GiveBackWanted(wish_id=wish.wish_id, amount=amount, currency=order.currency, lines=lines)
    return (said,)


def _undone(order: Order, wish: Wish) -> tuple[says.OrderChanged, ...]:
    """The line or the freight as it was, unless it has been changed again since."""
    if wish.was is not None and wish.line is not None and order.line(wish.line.line_id) == wish.line:
        return changed(order, wish.wish_id, line=wish.was)
    if wish.was_freight is not None and wish.freight is not None and order.freight == wish.freight:
        return changed(order, wish.wish_id, freight=wish.was_freight)
    return ()


def changed(
    order: Order, wish_id: str, *, line: Line | None = None, freight: Decimal | None = None
) -> tuple[says.OrderChanged, ...]:
    """The order with another line or another freight, and the total that follows.

    Nothing if it stays, or if the total has more digits than can be written.
    """
    lines, total, now_freight = order.lines, order.total, order.freight
    if line is not None:
        was = order.line(line.line_id)
        total += line.amount - (line.amount if was is None else was.amount)
        lines = tuple(line if one.line_id == line.line_id else one for one in lines)
    if freight is not None and order.freight is not None:
        total += freight - order.freight
        now_freight = freight
    total = max(total, money.ZERO)
    if not money.fits(total) or (lines, now_freight) == (order.lines, order.freight):
        return ()
    said = says.OrderChanged(
        lines=lines,
        total=total,
        freight=now_freight,
        was_total=order.total,
        currency=order.currency,
        wish_id=wish_id,
    )
    return (said,)
