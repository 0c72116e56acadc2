"""Medusa's events, posted by a subscriber of yours.

Medusa posts nothing by itself, and its events are thin: `order.placed` has `{"id": …}`,
`order.fulfillment_created` `{"order_id": …, "fulfillment_id": …}`. A subscriber posts
`{"name": …, "data": …, "order": …}`, the order as Medusa's API returns it with items, shipping_address,
shipping_methods, payment_collections.payments and fulfillments.labels and .items, and signs the body in
`X-Orderlink-Signature`. Of a bare event nothing can be told: it names neither lines nor money.

Source: medusajs/medusa @59e6747 (OrderWorkflowEvents, the order's types); docs.medusajs.com, events.
"""

from typing import Annotated, Any, Final

from pydantic import Field

from services.orders.inlets.fields import Label, Money, PlainId, Seen, joined, receiver, slug
from services.orders.inlets.tables import TABLES, is_reason
from services.orders.inlets.telling import Story, nothing
from shared.contracts.base import Utc
from shared.kernel.inlets import Delivery, Inlet, Reading, Unreadable, read_json
from shared.kernel.signatures import by_bridge

SYSTEM: Final = "medusa"
_EVENTS: Final = TABLES["medusa_events"]
_PAYMENT: Final = TABLES["medusa_payment_status"]
_BARE: Final = "the event names the order only; post it with `order` as Medusa's API returns it"


class _Item(Seen):
    id: PlainId
    title: Label | None = None
    product_title: Label | None = None
    variant_sku: str | None = None
    variant_id: PlainId | None = None
    quantity: Annotated[int, Field(ge=0)]
    total: Money | None = None
    unit_price: Money


class _Address(Seen):
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address_1: str | None = None
    address_2: str | None = None
    city: str | None = None
    province: str | None = None
    postal_code: str | None = None
    country_code: str | None = None
    phone: str | None = None


class _Method(Seen):
    name: Label | None = None


class _Payment(Seen):
    id: PlainId
    captured_at: Utc | None = None


class _Collection(Seen):
    payments: tuple[_Payment, ...] | None = None


class _Label(Seen):
    tracking_number: str | None = None


class _Packed(Seen):
    line_item_id: PlainId


class _Fulfillment(Seen):
    id: PlainId
    provider_id: Label | None = None
    created_at: Utc | None = None
    shipped_at: Utc | None = None
    canceled_at: Utc | None = None
    labels: tuple[_Label, ...] | None = None
    items: tuple[_Packed, ...] | None = None


class _Order(Seen):
    id: PlainId
    status: str | None = None
    created_at: Utc
    canceled_at: Utc | None = None
    currency_code: str
    total: Money
    shipping_total: Money | None = None
    email: str | None = None
    customer_id: PlainId | None = None
    payment_status: str | None = None
    items: tuple[_Item, ...]
    shipping_address: _Address | None = None
    shipping_methods: tuple[_Method, ...] | None = None
    payment_collections: tuple[_Collection, ...] | None = None
    fulfillments: tuple[_Fulfillment, ...] | None = None


class _Data(Seen):
    id: PlainId | None = None
    order_id: PlainId | None = None


class _Event(Seen):
    name: str
    data: _Data
    order: _Order | None = None


def read(delivery: Delivery) -> Reading:
    """The facts of one event."""
    event = _Event.model_validate(read_json(delivery.body, delivery.depth_max))
    meaning = _EVENTS.meaning(event.name)
    if meaning is None or is_reason(meaning):
        return nothing(f"name: {meaning or 'nothing is read of it'}")
    order_id = event.data.order_id or event.data.id
    if order_id is None:
        return Unreadable("data.id", "the order's id", "nothing")
    order = event.order
    if order is None:
        return nothing(f"data: {_BARE}")
    if order.id != order_id:
        return Unreadable("order.id", "the order that the event names", "another")
    story = Story(SYSTEM, order.id)
    lines = [_line(item) for item in order.items if item.quantity]
    if not lines:
        return nothing("order.items: an order without lines has nothing to be shipped")
    _placed(order, lines, delivery.shop_id, story)
    _paid(order, delivery, story)
    if event.name == "order.canceled" or order.canceled_at is not None:
        story.tell(
            "order.cancelled",
            order.canceled_at or delivery.received_at,
            reason="canceled",
            by="shop",
            paid_back=order.payment_status == "refunded",
        )
    for fulfillment in order.fulfillments or ():
        _parcel(fulfillment, delivery, story)
    return story.read()


def _line(item: _Item) -> dict[str, Any]:
    return {
        "line_id": item.id,
        "sku": joined(item.variant_sku)[:128] or item.variant_id or item.id,
        "name": item.product_title or item.title or item.id,
        "quantity": item.quantity,
        "amount": item.unit_price * item.quantity if item.total is None else item.total,
    }


def _placed(order: _Order, lines: list[dict[str, Any]], shop_id: str, story: Story) -> None:
    to = order.shipping_address or _Address()
    shown, unread = receiver(
        joined(to.first_name, to.last_name, between=" ") or to.company,
        phone=to.phone,
        email=order.email,
        country=None if to.country_code is None else to.country_code.upper(),
        state=to.province,
        city=to.city,
        postal_code=to.postal_code,
        address=joined(to.company, to.address_1, to.address_2),
    )
    story.leave(*unread)
    names = (method.name for method in order.shipping_methods or ())
    story.tell(
        "order.placed",
        order.created_at,
        shop_id=shop_id,
        platform=SYSTEM,
        buyer_id=order.customer_id or f"guest-{order.id}",
        currency=order.currency_code.upper(),
        total=order.total,
        lines=lines,
        ship_service=next((name for name in names if name), "Standard"),
        receiver=shown,
        freight=order.shipping_total,
    )


def _paid(order: _Order, delivery: Delivery, story: Story) -> None:
    meaning = _PAYMENT.meaning(order.payment_status or "not_paid")
    if meaning == "paid":
        payments = [one for group in order.payment_collections or () for one in group.payments or ()]
        captured = next((one for one in payments if one.captured_at is not None), None)
        story.tell(
            "order.paid",
            delivery.received_at if captured is None else captured.captured_at or delivery.received_at,
            amount=order.total,
            payment_id=f"{SYSTEM}-{order.id}" if captured is None else captured.id,
        )
    elif meaning is None:
        story.leave("order.payment_status: a word that is not known")
    elif is_reason(meaning):
        story.leave(f"order.payment_status: {meaning}")


def _parcel(left: _Fulfillment, delivery: Delivery, story: Story) -> None:
    if left.canceled_at is not None:
        return
    numbers = [joined(label.tracking_number) for label in left.labels or ()]
    number = next((one for one in numbers if one), "")
    if not number or not left.items:
        story.leave("order.fulfillments: one without a tracking number or items; told when it has them")
        return
    story.tell(
        "shipment.dispatched",
        left.shipped_at or left.created_at or delivery.received_at,
        parcel_id=left.id,
        carrier=slug(left.provider_id or "") or "other",
        tracking_no=number,
        lines=tuple(dict.fromkeys(item.line_item_id for item in left.items)),
    )


INLET: Final = Inlet(system=SYSTEM, signed=by_bridge, read=read, one_shop=True)
