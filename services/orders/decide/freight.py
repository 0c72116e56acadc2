"""Merged freight: orders of one buyer and address that leave as one pay for one carriage.

Rule `merged_freight`. Source: customer-service practice, duty O12. The buyer's file hears which orders he
placed; what it finds it says, and each order's own file asks an agent, since only he sees whether they
really leave together.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pydantic import JsonValue

from services.orders.commands import (
    FlagWish,
    FreightChange,
    KnowOrder,
    MakeChange,
    MergeFreight,
    PlacedWithFreight,
)
from services.orders.decide import wishes
from services.orders.decide.asking import look_into, want
from services.orders.decide.changes import made
from services.orders.decide.release import folded
from services.orders.decide.wishes import still_here
from services.orders.state import State, Unknown
from services.orders.state.buyer import Buyer, OrderOfBuyer, after_order
from services.orders.templates import WishRules
from shared.contracts.events import handling as says
from shared.kernel import money
from shared.kernel.capabilities import forbids
from shared.kernel.decision import NOTHING, Decision, Outcome, Refused
from shared.kernel.profiles import Profile

_RULE: Final = "merged_freight"
_NOT_TOO_MUCH: Final = Refused(slug="freight-unknown", detail="No freight of the order is too much.")


def merged(orders: Sequence[PlacedWithFreight]) -> tuple[says.FreightShare, ...]:
    """For orders that leave as one: the dearest freight is paid, the first of equals; the others go back."""
    dearest = max(orders, key=lambda order: order.freight, default=None)
    return tuple(
        says.FreightShare(
            order_id=order.order_id,
            freight=order.freight,
            give_back=money.ZERO if order is dearest else order.freight,
        )
        for order in orders
    )


def known(command: KnowOrder, state: Unknown | Buyer, profile: Profile) -> Outcome:
    """The buyer placed an order: which of his others may leave with it, and what is too much then."""
    buyer = state if isinstance(state, Buyer) else Buyer()
    if any(order.order_id == command.order.order_id for order in buyer.orders):
        return NOTHING
    learnt = Decision(notes=(OrderOfBuyer(order=command.order),))
    if profile.values.merge_freight == "off":
        return learnt
    new = command.order
    within = profile.values.merge_freight_within
    together = [
        order
        for order in after_order(buyer, new).orders
        if (order.ships_to, order.currency) == (new.ships_to, new.currency)
        and abs(order.placed_at - new.placed_at) <= within
    ]
    shares = merged(together)
    too_much = money.total(share.give_back for share in shares)
    if too_much <= 0 or not money.fits(too_much):
        return learnt
    due = says.FreightMergeDue(orders=shares, currency=new.currency, give_back=too_much)
    return learnt + Decision(rule=_RULE, events=(due,))


def asked(command: MergeFreight, state: State, profile: Profile) -> Outcome:
    """An agent is to give the freight back, once; where the platform forbids that, by another way."""
    order = still_here(state)
    if isinstance(order, Refused):
        return order
    freight, handling = order.freight, order.handling
    if freight is None or freight < command.give_back or handling.freight_too_much is not None:
        return NOTHING
    others = [*command.leaves_with]
    amount = money.plain(command.give_back)
    summary = f"{amount} {order.currency} of freight are too much: the buyer's orders leave as one."
    details: dict[str, JsonValue] = {"give_back": amount, "orders": [*others]}
    if forbids(profile, "change_freight") is not None:
        return Decision(rule=_RULE, tasks=(look_into(order, _RULE, summary=summary, details=details),))
    within = profile.values.choice_within
    task = want(order, "merge_freight", order.order_id, command.at, within, summary, more=details)
    return Decision(rule=_RULE, tasks=(task,))


def given_back(by: str, at: datetime, state: State, profile: Profile, rules: WishRules) -> Outcome:
    """The agent says yes: the freight is changed and flagged, and the buyer is asked like for any change."""
    order = still_here(state)
    if isinstance(order, Refused):
        return order
    too_much = order.handling.freight_too_much
    if too_much is None or order.freight is None or order.freight < too_much:
        return _NOT_TOO_MUCH
    change = MakeChange(at=at, change=FreightChange(amount=order.freight - too_much), by=by)
    decision = made(change, state, profile, rules)
    if isinstance(decision, Refused):
        return decision
    flag = FlagWish(at=at, wish_id=str(decision.result["wish_id"]), by=by)
    flagged = wishes.flagged(flag, folded(state, decision, at), profile, rules)
    return flagged if isinstance(flagged, Refused) else decision + flagged
