"""Rule `surcharges`: what a buyer pays on top who insists on a carrier."""

from services.logistics.state import Placed
from shared.contracts.base import Amount, Currency, Frozen, Id
from shared.kernel.carriage import surcharge_for
from shared.kernel.profiles import Profile


class Quote(Frozen):
    """The surcharge for a carrier on the way to an order's receiver."""

    carrier: Id
    agreed: bool
    """Whether the shop has a surcharge for it at all."""
    amount: Amount | None = None
    currency: Currency | None = None


def quoted(state: Placed, carrier: str, profile: Profile) -> Quote:
    """What the table says for this order's way."""
    receiver = None if state.contact is None else state.contact.receiver
    route = None if receiver is None else profile.route_to(receiver.country, receiver.state)
    found = surcharge_for(profile.values.surcharges, carrier, route)
    if found is None:
        return Quote(carrier=carrier, agreed=False)
    amount, currency = found
    return Quote(carrier=carrier, agreed=True, amount=amount, currency=currency)
