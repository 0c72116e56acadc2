"""Orders that belong together: one that supplements another. Rule `supplement`, duty O14."""

from typing import Final

from services.orders.commands import LearnSupplement
from services.orders.decide.wishes import NOT_KNOWN
from services.orders.state import State, Unknown
from shared.contracts.events import handling as says
from shared.kernel.decision import NOTHING, Decision, Outcome, Refused

SUPPLEMENTS_MAX: Final = 50


def supplemented(command: LearnSupplement, state: State) -> Outcome:
    """The first order learns which order adds to it, once."""
    if isinstance(state, Unknown):
        return NOT_KNOWN
    if (command.shop_id, command.buyer_id) != (state.order.shop_id, state.order.buyer_id):
        return Refused(slug="other-buyer", detail="The order that adds to this one is another buyer's.")
    known = state.order.handling.supplemented_by
    if command.by_order in known:
        return NOTHING
    if len(known) >= SUPPLEMENTS_MAX:
        return Refused(slug="too-many-supplements", detail=f"At most {SUPPLEMENTS_MAX} orders add to one.")
    return Decision(rule="supplement", events=(says.OrderSupplemented(by_order=command.by_order),))
