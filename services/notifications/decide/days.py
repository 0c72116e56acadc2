"""The buyer's day: one file for each buyer of a shop and local date, which counts his messages."""

from datetime import date
from hashlib import sha256

from services.notifications.commands import ReserveMessage
from services.notifications.decide.occasion import Occasion
from services.notifications.state import AnyFile, BuyerDay, OrderFile
from services.notifications.state.files import Reserved
from shared.contracts.events.notifications import MessageAllowed, MessageCapped
from shared.kernel.decision import Decision, Outcome, Refused


def buyer_day(shop_id: str | None, buyer_id: str, day: date) -> str:
    """The subject of a buyer's day. A digest, so that it names nobody."""
    about = "\x1f".join((shop_id or "", buyer_id, day.isoformat()))
    return f"day~{sha256(about.encode()).hexdigest()[:32]}"


def reserve(command: ReserveMessage, state: AnyFile, occasion: Occasion) -> Outcome:
    """Rule `buyer_daily_cap`: room for one message more, or none. Asking twice reserves once."""
    if isinstance(state, OrderFile):
        return Refused(slug="not-a-day", detail="This file is an order's, not a buyer's day.")
    allowed = state.allowed if isinstance(state, BuyerDay) else ()
    reserved = Reserved(order_id=command.order_id, message_id=command.message_id)
    fits = reserved in allowed or len(allowed) < occasion.values.buyer_daily_cap
    answer = MessageAllowed if fits else MessageCapped
    return Decision(
        rule="buyer_daily_cap",
        events=(answer(message_id=command.message_id, template=command.template, order_id=command.order_id),),
    )
