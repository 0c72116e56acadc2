"""Taobao's and Tmall's messages (TMC), posted by a bridge.

TMC is a connection that the shop's own client keeps open; it posts nothing. A bridge that holds it posts
each message as `{"topic": …, "content": …}`, content as it came (a JSON text) or as an object, and may add
`trade` (as taobao.trade.fullinfo.get returns it) and `refund` (taobao.refund.get). It signs the body in
`X-Orderlink-Signature`.

Source: open.taobao.com/tmc.htm (messages), bububa/opentaobao model/tbtrade (trade and order).
Times are Chinese local time.
"""

from hashlib import sha256
from typing import Annotated, Any, Final

from pydantic import Field

from services.orders.inlets.fields import Label, LocalChina, Money, PlainId, Seen, joined, receiver, slug
from services.orders.inlets.tables import TABLES, is_reason
from services.orders.inlets.telling import Story, nothing
from shared.kernel.inlets import Delivery, Inlet, Reading, Unreadable, read_json
from shared.kernel.signatures import by_bridge

SYSTEM: Final = "taobao"
_TOPICS: Final = TABLES["taobao_topics"]
_STATUS: Final = TABLES["taobao_trade_status"]
_BILLS: Final = TABLES["taobao_bill_type"]
_BARE: Final = (
    "the message names the trade only; post it with `trade` as taobao.trade.fullinfo.get returns it"
)
_RUNS: Final = frozenset({"taobao_trade_TradeClose"})


class _Message(Seen):
    tid: PlainId
    oid: PlainId | None = None
    status: str | None = None
    payment: Money | None = None
    refund_id: PlainId | None = None
    refund_fee: Money | None = None
    bill_type: str | None = None
    modified: LocalChina | None = None


class _Line(Seen):
    oid: PlainId
    title: Label | None = None
    num: Annotated[int, Field(ge=0)]
    divide_order_fee: Money | None = None
    payment: Money | None = None
    total_fee: Money | None = None
    outer_sku_id: str | None = None
    outer_iid: str | None = None
    sku_id: PlainId | None = None
    num_iid: PlainId | None = None
    logistics_company: Label | None = None
    invoice_no: str | None = None
    consign_time: LocalChina | None = None


class _Lines(Seen):
    order: tuple[_Line, ...]


class _Trade(Seen):
    tid: PlainId
    status: str
    created: LocalChina
    pay_time: LocalChina | None = None
    consign_time: LocalChina | None = None
    end_time: LocalChina | None = None
    payment: Money
    post_fee: Money | None = None
    shipping_type: Label | None = None
    buyer_open_uid: str | None = None
    buyer_nick: str | None = None
    receiver_name: str | None = None
    receiver_mobile: str | None = None
    receiver_phone: str | None = None
    receiver_country: str | None = None
    receiver_state: str | None = None
    receiver_city: str | None = None
    receiver_district: str | None = None
    receiver_town: str | None = None
    receiver_address: str | None = None
    receiver_zip: str | None = None
    orders: _Lines


class _Refund(Seen):
    refund_id: PlainId
    refund_fee: Money | None = None
    company_name: Label | None = None
    sid: str | None = None


class _Posted(Seen):
    topic: str
    content: Any
    trade: _Trade | None = None
    refund: _Refund | None = None


def read(delivery: Delivery) -> Reading:
    """The facts of one message."""
    posted = _Posted.model_validate(read_json(delivery.body, delivery.depth_max))
    meaning = _TOPICS.meaning(posted.topic)
    if meaning is None or is_reason(meaning):
        return nothing(f"topic: {meaning or 'nothing is read of it'}")
    content = posted.content
    if isinstance(content, str):
        content = read_json(content, delivery.depth_max)
    message = _Message.model_validate(content)
    if meaning == "trade":
        return _trade(posted, message, delivery)
    match meaning:
        case "refund":
            return _asked(message, delivery)
        case "paid_back":
            return _paid_back(posted, message, delivery)
        case _:
            return _sent_back(posted, message, delivery)


def _trade(posted: _Posted, message: _Message, delivery: Delivery) -> Reading:
    trade = posted.trade
    story = Story(SYSTEM, message.tid)
    if trade is None:
        _bare(posted.topic, message, delivery, story)
        return story.read()
    if trade.tid != message.tid:
        return Unreadable("trade.tid", "the trade that the message names", "another")
    lines = [_line(line) for line in trade.orders.order if line.num]
    if not lines:
        return nothing("trade.orders: a trade without lines has nothing to be shipped")
    _placed(trade, lines, delivery.shop_id, story)
    meaning = _STATUS.meaning(trade.status)
    if meaning is None:
        story.leave("trade.status: a word that is not known")
    if trade.pay_time is not None and meaning in {"paid", "paid_back"}:
        story.tell("order.paid", trade.pay_time, amount=trade.payment, payment_id=_payment(message))
    elif meaning == "paid":
        story.leave("trade.pay_time: the trade counts as paid, and has no time of it")
    if meaning in {"cancelled", "paid_back"}:
        story.tell(
            "order.cancelled",
            trade.end_time or delivery.received_at,
            reason=trade.status.lower(),
            by="platform",
            paid_back=meaning == "paid_back",
        )
    _parcels(trade, delivery, story)
    return story.read()


def _bare(topic: str, message: _Message, delivery: Delivery, story: Story) -> None:
    """What a message says by itself: that the trade was paid, or that the whole of it was closed."""
    at = message.modified or delivery.received_at
    whole = message.oid is None or message.oid == message.tid
    if topic == "taobao_trade_TradeBuyerPay" and message.payment is not None and whole:
        story.tell("order.paid", at, amount=message.payment, payment_id=_payment(message))
        return
    meaning = _STATUS.meaning(message.status or "")
    if topic in _RUNS and whole and meaning in {"cancelled", "paid_back"} and message.status is not None:
        story.tell(
            "order.cancelled",
            at,
            reason=message.status.lower(),
            by="platform",
            paid_back=meaning == "paid_back",
        )
        return
    story.leave(f"content: {_BARE}")


def _payment(message: _Message) -> str:
    """A trade is paid once; the bare message does not always have Alipay's own number."""
    return f"{SYSTEM}-{message.tid}"


def _line(line: _Line) -> dict[str, Any]:
    amounts = (line.divide_order_fee, line.payment, line.total_fee)
    own = joined(line.outer_sku_id)[:128] or joined(line.outer_iid)[:128]
    return {
        "line_id": line.oid,
        "sku": own or line.sku_id or line.num_iid or line.oid,
        "name": line.title or f"line {line.oid}",
        "quantity": line.num,
        "amount": next((amount for amount in amounts if amount is not None), None),
    }


def _placed(trade: _Trade, lines: list[dict[str, Any]], shop_id: str, story: Story) -> None:
    shown, unread = receiver(
        trade.receiver_name,
        phone=trade.receiver_mobile or trade.receiver_phone,
        country=trade.receiver_country,
        state=trade.receiver_state,
        city=trade.receiver_city or trade.receiver_district,
        postal_code=trade.receiver_zip,
        address=joined(trade.receiver_district, trade.receiver_town, trade.receiver_address, between=" "),
    )
    story.leave(*unread)
    story.tell(
        "order.placed",
        trade.created,
        shop_id=shop_id,
        platform=SYSTEM,
        buyer_id=_buyer(trade),
        currency="CNY",
        total=trade.payment,
        lines=lines,
        ship_service=trade.shipping_type or "express",
        receiver=shown,
        freight=trade.post_fee,
    )


def _buyer(trade: _Trade) -> str:
    """The open id. A nickname is a person's, and an event must not carry it: it stands for itself hashed."""
    if joined(trade.buyer_open_uid):
        return joined(trade.buyer_open_uid)[:128]
    if joined(trade.buyer_nick):
        return f"nick-{sha256(joined(trade.buyer_nick).encode()).hexdigest()[:24]}"
    return f"buyer-of-{trade.tid}"


def _parcels(trade: _Trade, delivery: Delivery, story: Story) -> None:
    parcels: dict[tuple[str, str], list[_Line]] = {}
    for line in trade.orders.order:
        number = joined(line.invoice_no)
        if number and line.num:
            parcels.setdefault((slug(line.logistics_company or "") or "other", number), []).append(line)
    for (carrier, number), lines in parcels.items():
        story.tell(
            "shipment.dispatched",
            lines[0].consign_time or trade.consign_time or delivery.received_at,
            parcel_id=f"{carrier}-{number}",
            carrier=carrier,
            tracking_no=number,
            lines=tuple(line.oid for line in lines),
        )


def _asked(message: _Message, delivery: Delivery) -> Reading:
    kind = _BILLS.meaning(message.bill_type or "")
    if kind is None:
        return nothing("content.bill_type: whether the goods come back is not said")
    if message.refund_id is None or message.refund_fee is None:
        missing = "refund_id" if message.refund_id is None else "refund_fee"
        return Unreadable(f"content.{missing}", "a value", "nothing")
    story = Story(SYSTEM, message.tid)
    story.tell(
        "refund.requested",
        message.modified or delivery.received_at,
        case_id=message.refund_id,
        kind=kind,
        reason="not_told",
        amount=message.refund_fee,
        lines=(message.oid or message.tid,),
    )
    return story.read()


def _sent_back(posted: _Posted, message: _Message, delivery: Delivery) -> Reading:
    refund = posted.refund
    if refund is None or not joined(refund.sid):
        return nothing("content: it names no waybill; post it with `refund` as taobao.refund.get returns it")
    if refund.refund_id != message.refund_id:
        return Unreadable("refund.refund_id", "the one that the message names", "another")
    story = Story(SYSTEM, message.tid)
    story.tell(
        "return.shipped",
        message.modified or delivery.received_at,
        case_id=refund.refund_id,
        carrier=slug(refund.company_name or "") or "other",
        tracking_no=joined(refund.sid),
    )
    return story.read()


def _paid_back(posted: _Posted, message: _Message, delivery: Delivery) -> Reading:
    """Taobao gave money back, for the request of that id, which is the refund's too."""
    refund = posted.refund
    if refund is not None and refund.refund_id != message.refund_id:
        return Unreadable("refund.refund_id", "the one that the message names", "another")
    amount = refund.refund_fee if refund is not None and refund.refund_fee is not None else message.refund_fee
    if message.refund_id is None or amount is None:
        return nothing("content: it names no amount; post it with `refund` as taobao.refund.get returns it")
    story = Story(SYSTEM, message.tid)
    story.tell(
        "refund.paid",
        message.modified or delivery.received_at,
        refund_id=f"{SYSTEM}-{message.refund_id}",
        case_id=message.refund_id,
        amount=amount,
        lines=(message.oid or message.tid,),
    )
    return story.read()


INLET: Final = Inlet(system=SYSTEM, signed=by_bridge, read=read, one_shop=True)
