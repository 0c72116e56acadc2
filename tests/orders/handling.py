"""The service team at work on an order, in a few words: each takes the play and the hour."""

from typing import Any

from services.orders import commands
from shared.contracts import facts
from shared.contracts.tasks import WithReplacement
from shared.kernel.profiles import Profile
from tests.kit.rules import after, default_profile
from tests.orders.play import OrderPlay, order_placed

COURIER = {"kind": "courier", "carrier": "sf"}
INVOICE = {"kind": "invoice", "title": "Example Ltd"}
CARD = {"kind": "card", "text": "Happy birthday, Ada"}
SLOT = {"kind": "slot", "slot": "18:00-21:00"}
DETAILS = {"courier": COURIER, "invoice": INVOICE, "card": CARD, "slot": SLOT}
RECEIVER = {"name": "Ada Example", "phone": "+49 30 1", "city": "Bonn", "address": "2 Side Street"}
CHANGES: dict[str, dict[str, Any]] = {
    "address": {"kind": "address", "receiver": RECEIVER},
    "attribute": {"kind": "attribute", "line_id": "1", "name": "Thing, red"},
    "price": {"kind": "price", "line_id": "1", "amount": "12.00"},
    "freight": {"kind": "freight", "amount": "1.00"},
    "swap": {
        "kind": "swap",
        "line_id": "1",
        "sku": "SKU-9",
        "name": "Other thing",
        "quantity": 1,
        "amount": "15.00",
    },
}


def checking(verification: str, **values: Any) -> Profile:
    """The default profile with checks before the release."""
    return default_profile(verification=verification, **values)


def placed_with(play: OrderPlay, **data: Any) -> OrderPlay:
    """An order with freight, requests or a link: 30.00 in lines and what is told."""
    fact = order_placed(total=str(data.pop("total", "30.00")))
    body = {**fact.data.model_dump(mode="json"), **data}
    return play.do(facts.OrderPlaced(id="f1", at=fact.at, order_id="A-1", data=body))  # type: ignore[arg-type]


def paid_with(profile: Profile | None = None, **data: Any) -> OrderPlay:
    """The same, paid an hour later."""
    play = placed_with(OrderPlay(profile), **data)
    return play.paid(amount=str(data.get("total", "30.00")))


def request(play: OrderPlay, kind: str, hours: float = 2) -> OrderPlay:
    return play.do(
        commands.MakeRequest.model_validate({"at": after(hours=hours), "request": DETAILS[kind], "by": "mia"})
    )


def change(play: OrderPlay, kind: str, hours: float = 2, **about: Any) -> OrderPlay:
    told = {**CHANGES[kind], **about}
    return play.do(
        commands.MakeChange.model_validate({"at": after(hours=hours), "change": told, "by": "mia"})
    )


def flag(play: OrderPlay, wish_id: str, hours: float = 2, colour: Any = None) -> OrderPlay:
    return play.do(commands.FlagWish(at=after(hours=hours), wish_id=wish_id, colour=colour, by="mia"))


def confirm(play: OrderPlay, wish_id: str, hours: float = 3) -> OrderPlay:
    return play.do(commands.ConfirmWish(at=after(hours=hours), wish_id=wish_id, by="mia"))


def tell(play: OrderPlay, wish_id: str, hours: float = 3) -> OrderPlay:
    return play.do(commands.TellWarehouse(at=after(hours=hours), wish_id=wish_id))


def acknowledge(play: OrderPlay, wish_id: str, hours: float = 4) -> OrderPlay:
    return play.do(commands.AcknowledgeWish(at=after(hours=hours), wish_id=wish_id, by="warehouse"))


def told_acknowledged(play: OrderPlay, wish_id: str, hours: float = 4) -> OrderPlay:
    data = facts.InstructionAcknowledgedBody(wish_id=wish_id)
    return play.do(
        facts.InstructionAcknowledged(id=f"a-{wish_id}", at=after(hours=hours), order_id="A-1", data=data)
    )


def drop(play: OrderPlay, wish_id: str, hours: float = 3, refused: bool = False) -> OrderPlay:
    return play.do(
        commands.DropWish(
            at=after(hours=hours), wish_id=wish_id, reason="changed_mind", by="mia", refused=refused
        )
    )


def verify(play: OrderPlay, items: bool, address: bool, contact: bool, hours: float = 2) -> OrderPlay:
    return play.do(
        commands.VerifyOrder(at=after(hours=hours), items=items, address=address, contact=contact, by="mia")
    )


def short(play: OrderPlay, *lines: str, hours: float = 2, back_at: Any = None) -> OrderPlay:
    data = facts.StockShortBody(lines=lines, back_at=back_at)
    return play.do(facts.StockShort(id=f"s-{hours}", at=after(hours=hours), order_id="A-1", data=data))


def choose(play: OrderPlay, choice: Any, hours: float = 3, **more: Any) -> OrderPlay:
    told = commands.ChooseForShortage(
        at=after(hours=hours), shortage_id="stock-1", choice=choice, by="mia", **more
    )
    return play.do(told)


def failed(play: OrderPlay, number: int, hours: float) -> OrderPlay:
    data = facts.PaymentFailedBody(reason="card_declined")
    return play.do(facts.PaymentFailed(id=f"x-{number}", at=after(hours=hours), order_id="A-1", data=data))


def done(play: OrderPlay, wish_id: str) -> OrderPlay:
    """A wish's whole way."""
    return acknowledge(confirm(flag(play, wish_id), wish_id), wish_id)


def replacement(amount: str = "15.00", line_id: str = "2") -> WithReplacement:
    return WithReplacement.model_validate(
        {"line_id": line_id, "sku": "SKU-9", "name": "Other thing", "quantity": 1, "amount": amount}
    )
