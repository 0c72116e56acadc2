"""WeChat Shop's events and the objects that they carry, as far as they are read.

Source: developers.weixin.qq.com, doc/store/shop/notify (events), doc/store/API/order/get and
doc/store/API/aftersale/getaftersaleorder (the objects).
"""

from typing import Annotated

from pydantic import Field

from services.orders.inlets.fields import Cents, Epoch, Label, PlainId, Seen


class Product(Seen):
    """One product of an order: its lines here."""

    product_id: PlainId
    sku_id: PlainId
    sku_cnt: Annotated[int, Field(ge=0)]
    title: Label | None = None
    sku_code: str | None = None
    sale_price: Cents
    """Of one, before reductions."""
    real_price: Cents | None = None
    """What was paid for all of it: coupons and a changed price taken off."""


class Sent(Seen):
    """Which product of an order something is about."""

    product_id: PlainId
    sku_id: PlainId


class Parcel(Seen):
    """A parcel that left, and what is in it."""

    waybill_id: str | None = None
    delivery_id: str | None = None
    delivery_time: Epoch | None = None
    product_infos: tuple[Sent, ...] | None = None


class Address(Seen):
    """The receiver, as far as the shop may see him."""

    user_name: str | None = None
    tel_number: str | None = None
    postal_code: str | None = None
    province_name: str | None = None
    city_name: str | None = None
    county_name: str | None = None
    detail_info: str | None = None


class DeliveryInfo(Seen):
    """Where the order goes, and what went."""

    address_info: Address | None = None
    delivery_product_info: tuple[Parcel, ...] | None = None


class PayInfo(Seen):
    """When it was paid, and under which number."""

    pay_time: Epoch | None = None
    transaction_id: str | None = None


class PriceInfo(Seen):
    """What the order costs, in cents."""

    order_price: Cents
    freight: Cents | None = None


class Detail(Seen):
    """Everything of an order but its number and stage."""

    product_infos: tuple[Product, ...]
    price_info: PriceInfo
    pay_info: PayInfo | None = None
    delivery_info: DeliveryInfo | None = None


class Order(Seen):
    """An order as WeChat's API returns it."""

    order_id: PlainId
    create_time: Epoch
    status: PlainId
    openid: PlainId | None = None
    order_detail: Detail


class OrderInfo(Seen):
    """What a bare event says of an order."""

    order_id: PlainId
    cancel_type: PlainId | None = None


class Returned(Seen):
    """The parcel by which goods come back."""

    waybill_id: str | None = None
    delivery_id: str | None = None


class RefundInfo(Seen):
    """What is to be paid back, in cents."""

    amount: Cents


class Case(Seen):
    """A case as WeChat's API returns it."""

    after_sale_order_id: PlainId
    order_id: PlainId
    type: str
    reason: str | None = None
    create_time: Epoch
    update_time: Epoch | None = None
    product_info: Sent
    refund_info: RefundInfo
    return_info: Returned | None = None


class CaseInfo(Seen):
    """What a bare event says of a case."""

    after_sale_order_id: PlainId
    order_id: PlainId
    status: str


class Sealed(Seen):
    """What is posted: cipher text."""

    Encrypt: str


class Event(Seen):
    """An event, with the object that a bridge adds."""

    Event: str
    CreateTime: Epoch
    FromUserName: PlainId | None = None
    order_info: OrderInfo | None = None
    finder_shop_aftersale_status_update: CaseInfo | None = None
    order: Order | None = None
    after_sale_order: Case | None = None
