"""WooCommerce's webhooks: order.created and order.updated, as its REST API v3 shows an order.

Source: woocommerce-rest-api-docs, wp-api-v3, _webhooks.md and _orders.md. The signature is the body's
HMAC-SHA256 in base64, X-WC-Webhook-Signature. A webhook that is saved is tried by a form with nothing
but `webhook_id`, which is not signed. Ids count from 1 in every shop, so an order's id here has its shop's
before it.
"""

from typing import Annotated, Any, Final

from pydantic import Field

from services.orders.inlets.fields import GivenBack, Label, LocalUtc, Money, PlainId, Seen, joined, receiver
from services.orders.inlets.tables import TABLES, is_reason
from services.orders.inlets.telling import Story, nothing
from shared.kernel.inlets import Delivery, Inlet, Read, Reading, read_json
from shared.kernel.signatures import in_base64

SYSTEM: Final = "woocommerce"
_STATUS: Final = TABLES["woocommerce_status"]


class _Line(Seen):
    id: PlainId
    name: Label | None = None
    sku: str | None = None
    product_id: PlainId | None = None
    quantity: Annotated[int, Field(ge=0)]
    total: Money


class _Address(Seen):
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address_1: str | None = None
    address_2: str | None = None
    city: str | None = None
    state: str | None = None
    postcode: str | None = None
    country: str | None = None
    email: str | None = None
    phone: str | None = None


class _Shipping(Seen):
    method_title: Label | None = None


class _Refund(Seen):
    id: PlainId
    total: GivenBack


class _Order(Seen):
    id: PlainId
    status: str
    currency: str
    total: Money
    shipping_total: Money | None = None
    customer_id: PlainId = "0"
    date_created_gmt: LocalUtc
    date_paid_gmt: LocalUtc | None = None
    date_modified_gmt: LocalUtc | None = None
    transaction_id: str | None = None
    payment_method: str | None = None
    billing: _Address | None = None
    shipping: _Address | None = None
    line_items: tuple[_Line, ...]
    shipping_lines: tuple[_Shipping, ...] | None = None
    refunds: tuple[_Refund, ...] | None = None


def read(delivery: Delivery) -> Reading:
    """The facts of one webhook; the topic is in its headers."""
    match delivery.headers.get("x-wc-webhook-topic", ""):
        case "order.created" | "order.updated":
            order = _Order.model_validate(read_json(delivery.body, delivery.depth_max))
            return _order(order, delivery.shop_id)
        case "order.deleted":
            return nothing("order.deleted: the bin of the shop is not the end of an order; cancel it")
        case _:
            return nothing("topic: nothing is read of it")


def tries(delivery: Delivery) -> bool:
    """The ping by which WooCommerce tries an address, when a webhook is saved."""
    return set(delivery.form) == {"webhook_id"} and "x-wc-webhook-signature" not in delivery.headers


def _order(order: _Order, shop_id: str) -> Read:
    meaning = _STATUS.meaning(order.status)
    if meaning is not None and is_reason(meaning) and order.status != "failed":
        return nothing(f"status: {meaning}")
    lines = [_line(line) for line in order.line_items if line.quantity]
    if not lines:
        return nothing("line_items: an order without lines has nothing to be shipped")
    story = Story(SYSTEM, f"{shop_id}-{order.id}")
    shown, unread = _receiver(order)
    story.leave(*unread)
    guest = order.customer_id == "0"
    story.tell(
        "order.placed",
        order.date_created_gmt,
        shop_id=shop_id,
        platform=SYSTEM,
        buyer_id=f"{shop_id}-guest-{order.id}" if guest else f"{shop_id}-{order.customer_id}",
        currency=order.currency,
        total=order.total,
        lines=lines,
        ship_service=_ship_service(order),
        receiver=shown,
        freight=order.shipping_total,
    )
    if order.date_paid_gmt is not None or meaning == "paid":
        story.tell(
            "order.paid",
            order.date_paid_gmt or order.date_modified_gmt or order.date_created_gmt,
            amount=order.total,
            payment_id=joined(order.transaction_id)[:100] or f"{story.order_id}-paid",
        )
    if order.payment_method == "cod" and meaning == "paid" and order.date_paid_gmt is None:
        story.leave("payment_method: cash on delivery is told as paid, before the carrier has collected it")
    for refund in (one for one in order.refunds or () if one.total):
        story.tell(
            "refund.paid",
            order.date_modified_gmt or order.date_created_gmt,
            refund_id=f"{SYSTEM}-{story.order_id}-{refund.id}"[:128],
            amount=refund.total,
        )
    if meaning in {"cancelled", "paid_back"}:
        story.tell(
            "order.cancelled",
            order.date_modified_gmt or order.date_created_gmt,
            reason=order.status,
            by="shop",
            paid_back=meaning == "paid_back",
        )
    elif meaning is None:
        story.leave("status: a word that is not known, of a plugin perhaps")
    elif is_reason(meaning):
        story.leave(f"status: {meaning}")
    return story.read()


def _line(line: _Line) -> dict[str, Any]:
    return {
        "line_id": line.id,
        "sku": joined(line.sku)[:128] or f"product-{line.product_id or line.id}",
        "name": line.name or f"line {line.id}",
        "quantity": line.quantity,
        "amount": line.total,
    }


def _ship_service(order: _Order) -> str:
    titles = (line.method_title for line in order.shipping_lines or ())
    return next((title for title in titles if title), "Standard")


def _receiver(order: _Order) -> tuple[dict[str, Any], tuple[str, ...]]:
    billing = order.billing or _Address()
    to = order.shipping if order.shipping is not None and order.shipping.address_1 else billing
    return receiver(
        joined(to.first_name, to.last_name, between=" ") or to.company,
        phone=to.phone or billing.phone,
        email=billing.email,
        country=to.country,
        state=to.state,
        city=to.city,
        postal_code=to.postcode,
        address=joined(to.company, to.address_1, to.address_2),
    )


INLET: Final = Inlet(
    system=SYSTEM,
    signed=lambda delivery, secret: in_base64(delivery, secret, "x-wc-webhook-signature"),
    read=read,
    tries=tries,
    one_shop=True,
)
