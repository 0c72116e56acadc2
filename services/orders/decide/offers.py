"""Rule `offers`: whose order ended well is offered a voucher or a gift for the next one, by its amount.

Source: customer-service practice, duty O21. Nothing is asked in return, a review least of all.
"""

from datetime import datetime
from typing import Final

from pydantic import JsonValue

from services.orders.decide.asking import tell_buyer
from services.orders.state import Delivered
from shared.contracts.events import orders
from shared.kernel import money
from shared.kernel.calendar import later, utc_text
from shared.kernel.decision import NOTHING, Decision
from shared.kernel.offers import offer_for
from shared.kernel.profiles import Profile

TEMPLATE: Final = "offer"


def made(state: Delivered, at: datetime, profile: Profile) -> Decision:
    """The offer that the order has earned by its completion; nothing where its amount reaches none."""
    order = state.order
    kept = money.writable(max(state.payment.amount - order.goods.paid_back(), money.ZERO))
    offer = offer_for(profile.values.offers, kept, order.currency)
    if offer is None:
        return NOTHING
    until = later(at, offer.valid_for)
    said = orders.OrderOfferMade(
        kind=offer.kind, what=offer.what, kept=kept, currency=order.currency, valid_until=until
    )
    params: dict[str, JsonValue] = {"kind": offer.kind, "what": offer.what, "valid_until": utc_text(until)}
    return Decision(
        rule="offers", events=(said,), messages=(tell_buyer(order, TEMPLATE, offer.kind, params),)
    )
