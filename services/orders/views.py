"""What can be seen of an order: its stage, lines, parcels, cases, money and next deadline."""

from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from services.orders.react import heard_of_goods
from services.orders.state import (
    NO_HANDLING,
    Case,
    Goods,
    Handling,
    LatePayment,
    LineStage,
    Parcel,
    Payment,
    Refund,
)
from services.orders.state.evolve import late_payment, without_task
from shared.contracts.base import Amount, Currency, Frozen, Id, Name, Utc
from shared.contracts.event import Event
from shared.contracts.events import handling, orders
from shared.contracts.events.common import FactOutOfStage, TaskWanted, TaskWithdrawn
from shared.contracts.facts import Line

DeadlineName = Literal["payment", "ship", "completion"]
ServedStage = Literal["paid", "cancelling", "dispatched", "delivered"]
SeenStage = Literal["unpaid", "closed", "cancelled", "refunded", "completed"] | ServedStage
OUT_OF_STAGE_KEPT: Final = 20
"""How many facts that did not fit are shown, the newest ones."""


class LineSeen(Frozen):
    """One line, where it is, and whether it was paid back."""

    line_id: Id
    sku: Id
    name: Name
    quantity: int
    amount: Amount
    stage: LineStage
    refunded: bool


class NotFitting(Frozen):
    """A fact that did not fit."""

    fact: Name
    fact_id: Id
    slug: Name
    at: Utc


class Unseen(Frozen):
    """Nothing can be seen yet: the order was not placed."""

    stage: Literal["unknown"] = "unknown"


class OrderView(Frozen):
    """An order as it is shown."""

    stage: SeenStage
    order_id: Id
    shop_id: Id
    platform: Id
    buyer_id: Id
    placed_at: Utc
    ship_service: Name
    currency: Currency
    total: Amount
    lines: tuple[LineSeen, ...]
    parcels: tuple[Parcel, ...] = ()
    cases: tuple[Case, ...] = ()
    missing: tuple[Id, ...] = ()
    """Lines that strayed with a parcel and have not left again since."""
    called_off: tuple[Id, ...] = ()
    """Lines that shall not leave any more."""
    payment: Payment | None = None
    refunds: tuple[Refund, ...] = ()
    late_payments: tuple[LatePayment, ...] = ()
    deadline: DeadlineName | None = None
    """Which deadline comes next."""
    deadline_at: Utc | None = None
    freight: Amount | None = None
    supplements: Id | None = None
    """The order that this one adds to."""
    handling: Handling = NO_HANDLING
    """Flag, wishes, remarks, checks, shortages, and what keeps it from leaving."""
    handling_by: Utc | None = None
    """The next moment at which somebody is late with that."""
    ship_overdue: bool = False
    """Whether it was said that not everything left in time."""
    out_of_stage: tuple[NotFitting, ...] = ()
    changed_at: Utc
    changed_by: Name
    """The last thing that happened to it, such as `order.paid`."""


View = Annotated[Unseen | OrderView, Field(discriminator="stage")]
INITIAL_VIEW: Final[View] = Unseen()
VIEW: Final[TypeAdapter[View]] = TypeAdapter(View)

_SERVED: Final = ("paid", "cancelling", "dispatched", "delivered")


def project(view: View, event: Event) -> View:
    """The view after an event that the order said or heard; the same object if it is untouched."""
    if isinstance(view, Unseen):
        return _placed(event, event.data) if isinstance(event.data, orders.OrderPlaced) else view
    seen = _said(view, event) if event.source == "orders" else _heard(view, event)
    if seen is view:
        return view
    return seen.model_copy(update={"changed_at": event.time, "changed_by": event.name})


def _placed(event: Event, said: orders.OrderPlaced) -> OrderView:
    return OrderView(
        stage="unpaid",
        order_id=event.subject,
        shop_id=said.shop_id,
        platform=said.platform,
        buyer_id=said.buyer_id,
        placed_at=event.time,
        ship_service=said.ship_service,
        currency=said.currency,
        total=said.total,
        lines=tuple(_line(line) for line in said.lines),
        freight=said.freight,
        supplements=said.supplements,
        deadline="payment",
        deadline_at=said.closes_at,
        changed_at=event.time,
        changed_by=event.name,
    )


def _line(line: Line) -> LineSeen:
    return LineSeen(
        line_id=line.line_id,
        sku=line.sku,
        name=line.name,
        quantity=line.quantity,
        amount=line.amount,
        stage="waiting",
        refunded=False,
    )


def _said(view: OrderView, event: Event) -> OrderView:
    said = event.data
    handled = view.handling.after(said, event.time)
    if handled is not view.handling:
        by = handled.deadline_at
        view = view.model_copy(update={"handling": handled, "handling_by": by})
    match said:
        case handling.OrderChanged():
            return _changed(view, said)
        case orders.OrderPaid() | orders.OrderReopened():
            payment = Payment(payment_id=said.payment_id, amount=said.amount, paid_at=event.time)
            paid = view.model_copy(update={"stage": "paid", "payment": payment})
            return _deadline(_decided(paid, said.payment_id), "ship", said.ship_by)
        case orders.PaymentReminderDue():
            return view.model_copy()
        case orders.OrderClosed():
            return _ended(view, "closed")
        case orders.OrderCancelled():
            return _ended(view, "cancelled")
        case orders.OrderRefunded():
            return _ended(view, "refunded")
        case orders.OrderCompleted():
            return _ended(view, "completed")
        case orders.LatePaymentRefundWanted():
            return _decided(view, said.payment_id)
        case TaskWanted(kind="late_payment"):
            late = late_payment(said)
            known = view.late_payments
            return view if late is None else view.model_copy(update={"late_payments": (*known, late)})
        case TaskWithdrawn(kind="late_payment"):
            left = tuple(without_task(one, said.task_id) for one in view.late_payments)
            return view.model_copy(update={"late_payments": left})
        case FactOutOfStage():
            told = NotFitting(fact=said.fact, fact_id=said.fact_id, slug=said.slug, at=event.time)
            kept = (*view.out_of_stage, told)[-OUT_OF_STAGE_KEPT:]
            return view.model_copy(update={"out_of_stage": kept})
        case _:
            return _said_on_the_way(view, event)


def _changed(view: OrderView, said: handling.OrderChanged) -> OrderView:
    seen = {line.line_id: line for line in view.lines}
    lines = tuple(
        _line(line).model_copy(update={"stage": was.stage, "refunded": was.refunded})
        for line in said.lines
        if (was := seen.get(line.line_id)) is not None
    )
    return view.model_copy(update={"lines": lines, "total": said.total, "freight": said.freight})


def _said_on_the_way(view: OrderView, event: Event) -> OrderView:
    said = event.data
    match said:
        case orders.CancellationRequested():
            return _with_goods(view, _goods(view).call_off(said.lines))
        case orders.ShipOverdue():
            return _over(view.model_copy(update={"ship_overdue": True}), "ship")
        case TaskWanted(kind="urge_shipment"):
            return _over(view, "ship")
        case orders.OrderDispatched():
            return _over(_with_goods(view, _goods(view)), "ship")
        case orders.OrderDelivered():
            return _deadline(_with_goods(view, _goods(view)), "completion", said.completes_at)
        case orders.OrderDeadlineChanged():
            return _deadline(_with_goods(view, _goods(view)), said.deadline, said.deadline_at)
        case _:
            return view


def _heard(view: OrderView, event: Event) -> OrderView:
    heard = heard_of_goods(event)
    if heard is None:
        return view
    goods = _goods(view)
    changed = goods.after(heard)
    if changed is goods:
        return view
    completes_at = view.deadline_at if view.deadline == "completion" else None
    return _with_goods(view, changed, stays=completes_at is not None and completes_at < event.time)


def _goods(view: OrderView) -> Goods:
    return Goods(
        lines=tuple(dict.fromkeys(line.line_id for line in view.lines)),
        parcels=view.parcels,
        missing=view.missing,
        called_off=view.called_off,
        cases=view.cases,
        refunds=view.refunds,
    )


def _with_goods(view: OrderView, goods: Goods, *, stays: bool = False) -> OrderView:
    """The view with other goods. An order whose completion is due stays where it is until then."""
    refunded = goods.refunded()
    lines = tuple(
        line.model_copy(
            update={"stage": goods.line_stage(line.line_id), "refunded": line.line_id in refunded}
        )
        for line in view.lines
    )
    return view.model_copy(
        update={
            "stage": goods.reach() if view.stage in _SERVED and not stays else view.stage,
            "lines": lines,
            "parcels": goods.parcels,
            "missing": goods.missing,
            "called_off": goods.called_off,
            "cases": goods.cases,
            "refunds": goods.refunds,
        }
    )


def _ended(view: OrderView, stage: SeenStage) -> OrderView:
    return view.model_copy(update={"stage": stage, "deadline": None, "deadline_at": None})


def _deadline(view: OrderView, deadline: DeadlineName, at: Utc | None) -> OrderView:
    if at is None:
        return _over(view, deadline)
    return view.model_copy(update={"deadline": deadline, "deadline_at": at})


def _over(view: OrderView, deadline: DeadlineName) -> OrderView:
    if view.deadline != deadline:
        return view
    return view.model_copy(update={"deadline": None, "deadline_at": None})


def _decided(view: OrderView, payment_id: str) -> OrderView:
    late = tuple(
        one.model_copy(update={"decided": True}) if one.payment_id == payment_id else one
        for one in view.late_payments
    )
    return view.model_copy(update={"late_payments": late})
