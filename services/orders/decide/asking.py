"""Tasks and messages about an order's handling: wanted once for an occasion, withdrawn with its cause."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from pydantic import JsonValue

from services.orders.state import OpenTask, Order, Wish
from shared.contracts.events.common import MessageWanted, TaskWanted, TaskWithdrawn
from shared.contracts.tasks import Priority, TaskKind
from shared.kernel import money
from shared.kernel.calendar import later
from shared.kernel.decision import task_id

SERVICE: Final = "orders"
RULE: Final = "orderlink"
"""Who did it where a rule did."""


def want(
    order: Order,
    kind: TaskKind,
    about: str,
    at: datetime,
    within: timedelta,
    summary: str,
    priority: Priority = "normal",
    more: dict[str, JsonValue] | None = None,
) -> TaskWanted:
    """A task about a wish, a shortage or the order itself. A later one about the same has another id."""
    return TaskWanted(
        task_id=task_id(SERVICE, order.order_id, kind, about, order.handling.asked + 1),
        kind=kind,
        order_id=order.order_id,
        due_at=later(at, within),
        priority=priority,
        summary=summary,
        details={"about": about, **(more or {})},
    )


def look_into(order: Order, *about: str, summary: str, details: dict[str, JsonValue]) -> TaskWanted:
    """Somebody is to look into it, once for what it is about."""
    return TaskWanted(
        task_id=task_id(SERVICE, order.order_id, "look_into", *about),
        kind="look_into",
        order_id=order.order_id,
        priority="high",
        summary=summary,
        details=details,
    )


def withdraw(order: Order, tasks: Iterable[OpenTask], reason: str) -> tuple[TaskWithdrawn, ...]:
    """These tasks have lost their cause."""
    return tuple(
        TaskWithdrawn(task_id=task.task_id, kind=task.kind, order_id=order.order_id, reason=reason)
        for task in tasks
    )


def detail_of(wish: Wish) -> dict[str, str]:
    """What may be said of a wish to agents, buyers and in remarks; nothing that names the buyer."""
    told: dict[str, str] = {"kind": wish.kind}
    if wish.carrier is not None:
        told["carrier"] = wish.carrier
    if wish.slot is not None:
        told["slot"] = wish.slot
    if wish.was is not None and wish.line is not None:
        told |= {"was": wish.was.name, "now": wish.line.name, "amount": money.plain(wish.line.amount)}
    if wish.freight is not None:
        told["amount"] = money.plain(wish.freight)
    return told


def tell_buyer(order: Order, template: str, about: str, params: dict[str, JsonValue]) -> MessageWanted:
    """The buyer is to hear of it, once for what it is about."""
    return MessageWanted(
        message_id=task_id(SERVICE, order.order_id, template, about),
        template=template,
        order_id=order.order_id,
        params=params,
    )
