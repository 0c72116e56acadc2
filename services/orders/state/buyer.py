"""A buyer's own file: the orders with freight that he placed last, which may leave as one."""

from hashlib import sha256
from typing import Final, Literal

from services.orders.commands import PlacedWithFreight
from shared.contracts.base import Frozen
from shared.kernel.decision import Note

ORDERS_MAX: Final = 20
"""How many of his last orders are looked at."""


class Buyer(Frozen):
    """What a buyer placed last, oldest first."""

    stage: Literal["buyer"] = "buyer"
    orders: tuple[PlacedWithFreight, ...] = ()


class OrderOfBuyer(Note):
    """The buyer placed one more."""

    order: PlacedWithFreight


def buyer_file(shop_id: str, buyer_id: str) -> str:
    """The subject of a buyer's file; it names neither him nor the shop."""
    both = f"{shop_id}\x1f{buyer_id}"
    return f"buyer/{sha256(both.encode()).hexdigest()[:32]}"


def after_order(buyer: Buyer, order: PlacedWithFreight) -> Buyer:
    """The buyer's file with one more order; the oldest goes when it is full."""
    return Buyer(orders=(*buyer.orders, order)[-ORDERS_MAX:])
