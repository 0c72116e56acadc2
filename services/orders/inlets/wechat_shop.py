"""WeChat Shop's events: `channels_ec_order_*` and `channels_ec_aftersale_update`.

Source: developers.weixin.qq.com, doc/store/shop/notify (events), doc/store/API/order/get and
doc/store/API/aftersale/getaftersaleorder (the objects), doc/store/API/basics/message_push (how it comes:
JSON, always encrypted). An event names an order and says little more. A bridge that has the shop's access
token can post the same event with the object as WeChat's API returns it, as `order` or `after_sale_order`,
signed in `X-Orderlink-Signature`; of a bare event only what it says is told, the rest is left.

The secret is `token:EncodingAESKey`, both as they stand in the shop's settings; with `:appid` behind it,
what WeChat encrypted for another app is not taken.
"""

import re
from dataclasses import replace
from typing import Any, Final

from pydantic import ValidationError

from services.orders.inlets import wechat_cipher as cipher
from services.orders.inlets import wechat_objects as objects
from services.orders.inlets.fields import joined, receiver, slug
from services.orders.inlets.tables import TABLES, is_reason
from services.orders.inlets.telling import Story, nothing
from shared.kernel.inlets import Delivery, Inlet, NotJson, Read, Reading, Unreadable, read_json, same
from shared.kernel.signatures import BRIDGE_HEADER, by_bridge

SYSTEM: Final = "wechat_shop"
_ORDER_EVENTS: Final = frozenset(
    {
        "channels_ec_order_new",
        "channels_ec_order_pay",
        "channels_ec_order_wait_shipping",
        "channels_ec_order_deliver",
        "channels_ec_order_cancel",
        "channels_ec_order_ext_info_update",
    }
)
_OTHERS: Final = {
    "channels_ec_order_confirm": "orders complete here by their own rule",
    "channels_ec_order_settle": "settlements are the platform's own",
    "channels_ec_complaint_update": "a dispute is opened here by the shop's people",
}
_CANCEL: Final = TABLES["wechat_cancel_type"]
_STATUS: Final = TABLES["wechat_order_status"]
_CASE_TYPE: Final = TABLES["wechat_aftersale_type"]
_CASE_STATUS: Final = TABLES["wechat_aftersale_status"]
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
_BARE: Final = "it names the order only; post it with the object that WeChat's API returns"


def signed(delivery: Delivery, secret: str) -> bool:
    """An address that is tried, an encrypted event, or a bridge's delivery; each has its own signature."""
    if BRIDGE_HEADER in delivery.headers:
        return by_bridge(delivery, secret)
    token, query = secret.partition(":")[0], delivery.query
    told = (token, query.get("timestamp", ""), query.get("nonce", ""))
    if not delivery.body:
        return same(query.get("signature", ""), cipher.signature(*told))
    # `signature` says nothing about the body: an event counts by the signature over its cipher text.
    encrypted = _encrypted(delivery)
    if encrypted is None:
        return False
    return same(query.get("msg_signature", ""), cipher.signature(*told, encrypted))


def opened(delivery: Delivery, secret: str) -> Delivery | Unreadable:
    """The delivery with its plain text; what a bridge posts is plain already."""
    if BRIDGE_HEADER in delivery.headers:
        return delivery
    _, _, written = secret.partition(":")
    written, _, app_id = written.partition(":")
    key = cipher.key_of(written)
    if key is None:
        return Unreadable("Encrypt", "a secret here that is written token:EncodingAESKey", "another")
    inside = cipher.opened(_encrypted(delivery) or "", key)
    if inside is None:
        return Unreadable("Encrypt", "a text encrypted with this inlet's EncodingAESKey", "another")
    if app_id and not same(inside.app_id, app_id):
        return Unreadable(
            "Encrypt", "a text for the app whose id the secret here names", "one for another app"
        )
    return replace(delivery, body=inside.message)


def _encrypted(delivery: Delivery) -> str | None:
    try:
        return objects.Sealed.model_validate(read_json(delivery.body, delivery.depth_max)).Encrypt
    except (NotJson, ValidationError):
        return None


def greet(delivery: Delivery) -> bytes:
    """WeChat wants its `echostr` back."""
    return delivery.query.get("echostr", "").encode("utf-8", "replace")


def read(delivery: Delivery) -> Reading:
    """The facts of one event."""
    event = objects.Event.model_validate(read_json(delivery.body, delivery.depth_max))
    if event.Event in _ORDER_EVENTS:
        if event.order_info is None:
            return Unreadable("order_info", "an object with order_id", "nothing")
        return _order_event(event, event.order_info, delivery.shop_id)
    if event.Event == "channels_ec_aftersale_update":
        info = event.finder_shop_aftersale_status_update
        if info is None:
            return Unreadable(
                "finder_shop_aftersale_status_update", "an object with after_sale_order_id", "nothing"
            )
        return _case_event(event, info)
    return nothing(f"Event: {_OTHERS.get(event.Event, 'nothing is read of it')}")


def _order_event(event: objects.Event, info: objects.OrderInfo, shop_id: str) -> Reading:
    story = Story(SYSTEM, info.order_id)
    order = event.order
    if order is None:
        if event.Event != "channels_ec_order_cancel":
            return nothing(f"order_info: {_BARE}")
        _cancelled(event, info, story)
        return story.read()
    if order.order_id != info.order_id:
        return Unreadable("order.order_id", "the order that the event names", "another")
    meaning = _STATUS.meaning(order.status)
    lines = [_line(line) for line in order.order_detail.product_infos if line.sku_cnt]
    if not lines:
        return nothing("order.order_detail.product_infos: an order without lines has nothing to be shipped")
    _placed(event, order, lines, shop_id, story)
    _paid(order, meaning, story)
    if event.Event == "channels_ec_order_cancel":
        _cancelled(event, info, story)
    elif meaning in {"cancelled", "paid_back"}:
        story.tell(
            "order.cancelled",
            event.CreateTime,
            reason=f"status_{order.status}",
            by="platform",
            paid_back=meaning == "paid_back",
        )
    _parcels(event, order, story)
    return story.read()


def _line_id(of: objects.Product | objects.Sent) -> str:
    return f"{of.product_id}-{of.sku_id}"


def _line(line: objects.Product) -> dict[str, Any]:
    return {
        "line_id": _line_id(line),
        "sku": joined(line.sku_code)[:128] or line.sku_id,
        "name": line.title or line.sku_id,
        "quantity": line.sku_cnt,
        "amount": line.sale_price * line.sku_cnt if line.real_price is None else line.real_price,
    }


def _placed(
    event: objects.Event, order: objects.Order, lines: list[dict[str, Any]], shop_id: str, story: Story
) -> None:
    delivery = order.order_detail.delivery_info
    to = (delivery.address_info if delivery is not None else None) or objects.Address()
    shown, unread = receiver(
        to.user_name,
        phone=to.tel_number,
        state=to.province_name,
        city=to.city_name,
        postal_code=to.postal_code,
        address=joined(to.county_name, to.detail_info, between=" "),
    )
    story.leave(*unread)
    story.tell(
        "order.placed",
        order.create_time,
        shop_id=shop_id,
        platform=SYSTEM,
        buyer_id=order.openid or event.FromUserName or f"buyer-of-{order.order_id}",
        currency="CNY",
        total=order.order_detail.price_info.order_price,
        lines=lines,
        receiver=shown,
        freight=order.order_detail.price_info.freight,
    )


def _paid(order: objects.Order, meaning: str | None, story: Story) -> None:
    """Whether it was paid is told by the status, and the time to it: an order refunded since was paid too."""
    pay = order.order_detail.pay_info
    if pay is not None and pay.pay_time is not None and meaning in {"paid", "paid_back"}:
        story.tell(
            "order.paid",
            pay.pay_time,
            amount=order.order_detail.price_info.order_price,
            payment_id=joined(pay.transaction_id)[:128] or f"{SYSTEM}-{order.order_id}",
        )
    elif meaning == "paid":
        story.leave("order.order_detail.pay_info.pay_time: the order counts as paid, and has no time of it")
    elif meaning is None:
        story.leave("order.status: a number that is not known")
    elif is_reason(meaning):
        story.leave(f"order.status: {meaning}")


def _cancelled(event: objects.Event, info: objects.OrderInfo, story: Story) -> None:
    meaning = _CANCEL.meaning(info.cancel_type or "")
    if meaning is None:
        story.leave("order_info.cancel_type: who called it off, and whether its money went back, is not said")
        return
    paid_back = meaning == "paid_back"
    story.tell(
        "order.cancelled",
        event.CreateTime,
        reason=f"cancel_type_{info.cancel_type}",
        by="platform" if paid_back else meaning,
        paid_back=paid_back,
    )


def _parcels(event: objects.Event, order: objects.Order, story: Story) -> None:
    delivery = order.order_detail.delivery_info
    for parcel in (delivery.delivery_product_info if delivery is not None else None) or ():
        number = joined(parcel.waybill_id)
        if not number or not parcel.product_infos:
            story.leave("order.order_detail.delivery_info: a parcel without waybill_id or products")
            continue
        carrier = slug(parcel.delivery_id or "") or "other"
        story.tell(
            "shipment.dispatched",
            parcel.delivery_time or event.CreateTime,
            parcel_id=f"{carrier}-{number}",
            carrier=carrier,
            tracking_no=number,
            lines=tuple(dict.fromkeys(_line_id(sent) for sent in parcel.product_infos)),
        )


def _case_event(event: objects.Event, info: objects.CaseInfo) -> Reading:
    meaning = _CASE_STATUS.meaning(info.status)
    if meaning is None or is_reason(meaning):
        return nothing(f"status: {meaning or 'a word that is not known'}")
    case = event.after_sale_order
    if case is None:
        return nothing(f"finder_shop_aftersale_status_update: {_BARE}")
    if (case.order_id, case.after_sale_order_id) != (info.order_id, info.after_sale_order_id):
        return Unreadable("after_sale_order.after_sale_order_id", "the one that the event names", "another")
    kind = _CASE_TYPE.meaning(case.type)
    if kind is None:
        return Unreadable("after_sale_order.type", f"one of {', '.join(_CASE_TYPE.words)}", "another")
    if meaning == "paid_back":
        return _paid_back(event, case)
    return _asked(case, kind) if meaning == "asked" else _sent_back(event, case)


def _asked(case: objects.Case, kind: str) -> Read:
    story = Story(SYSTEM, case.order_id)
    reason = case.reason or ""
    story.tell(
        "refund.requested",
        case.create_time,
        case_id=case.after_sale_order_id,
        kind=kind,
        reason=reason.lower() if _CODE.fullmatch(reason) else "not_told",
        amount=case.refund_info.amount,
        lines=(_line_id(case.product_info),),
    )
    return story.read()


def _paid_back(event: objects.Event, case: objects.Case) -> Read:
    story = Story(SYSTEM, case.order_id)
    story.tell(
        "refund.paid",
        case.update_time or event.CreateTime,
        refund_id=f"{SYSTEM}-{case.after_sale_order_id}",
        case_id=case.after_sale_order_id,
        amount=case.refund_info.amount,
        lines=(_line_id(case.product_info),),
    )
    return story.read()


def _sent_back(event: objects.Event, case: objects.Case) -> Read:
    returned = case.return_info or objects.Returned()
    if not joined(returned.waybill_id):
        return nothing("after_sale_order.return_info: no waybill of the return yet")
    story = Story(SYSTEM, case.order_id)
    story.tell(
        "return.shipped",
        case.update_time or event.CreateTime,
        case_id=case.after_sale_order_id,
        carrier=slug(returned.delivery_id or "") or "other",
        tracking_no=joined(returned.waybill_id),
    )
    return story.read()


INLET: Final = Inlet(
    system=SYSTEM,
    signed=signed,
    opened=opened,
    read=read,
    answer=b"success",
    greet=greet,
    one_shop=True,
)
