"""An order and its parcels, told in a few words: what the plays of logistics are made of."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from services.logistics.app import SERVICE
from services.logistics.state import Parcel, Placed
from shared.contracts import facts
from shared.contracts.events import notifications, orders
from shared.contracts.events.common import TaskWanted
from shared.contracts.facts import Line, Receiver, ScanStatus
from shared.kernel.profiles import Profile
from tests.kit.rules import START, Play, after

ORDER = "A-1"


def line(line_id: str) -> Line:
    return Line(line_id=line_id, sku=f"SKU-{line_id}", name="Mug", quantity=1, amount=Decimal("9.90"))


def placed(*lines: str) -> orders.OrderPlaced:
    return orders.OrderPlaced(
        shop_id="demo",
        platform="default",
        buyer_id="b-1",
        currency="EUR",
        total=Decimal("19.80"),
        lines=tuple(line(one) for one in lines or ("1", "2")),
        ship_service="Standard",
        closes_at=after(hours=24),
    )


def contact(name: str) -> orders.ContactChanged:
    return orders.ContactChanged(buyer_id="b-1", receiver=Receiver(name=name, city="Berlin"))


def dispatched(
    at: datetime = START,
    parcel: str = "P-1",
    *lines: str,
    carrier: str = "dhl",
    tracking: str | None = None,
    fact_id: str | None = None,
    weight: int | None = None,
) -> facts.ShipmentDispatched:
    body = facts.ShipmentDispatchedBody(
        parcel_id=parcel,
        carrier=carrier,
        tracking_no=tracking or f"T-{parcel}",
        lines=lines or ("1", "2"),
        weight_grams=weight,
    )
    return facts.ShipmentDispatched(id=fact_id or f"d-{parcel}-{at}", at=at, order_id=ORDER, data=body)


def scan(
    status: ScanStatus,
    scanned_at: datetime,
    heard_at: datetime | None = None,
    *,
    parcel: str = "P-1",
    carrier: str = "dhl",
    **more: Any,
) -> facts.ShipmentScanned:
    tracking = more.pop("tracking", f"T-{parcel}")
    body = facts.ShipmentScannedBody(
        carrier=carrier, tracking_no=tracking, status=status, scanned_at=scanned_at, **more
    )
    heard = heard_at or scanned_at
    return facts.ShipmentScanned(id=f"s-{status}-{scanned_at}-{heard}", at=heard, order_id=ORDER, data=body)


def shipping(*parcels: str, profile: Profile | None = None) -> Play:
    """An order whose parcels were dispatched at the start."""
    play = Play(SERVICE, ORDER, profile).hear(placed(), START)
    for parcel in parcels or ("P-1",):
        play.do(dispatched(START, parcel))
    return play


def parcel_of(play: Play, parcel_id: str = "P-1") -> Parcel:
    assert isinstance(play.state, Placed)
    parcel = play.state.parcel(parcel_id)
    assert parcel is not None
    return parcel


def wanted(play: Play, kind: str) -> list[TaskWanted]:
    return [task for task in play.of("task.wanted") if task.kind == kind]


def withdrawn(play: Play) -> list[tuple[str, str]]:
    return [(task.kind, task.reason) for task in play.of("task.withdrawn")]


def messages(play: Play) -> list[str]:
    return [message.template for message in play.of("message.wanted")]


def complete(play: Play, kind: str, outcome: str, at: datetime, parcel: str = "P-1", **details: Any) -> Play:
    """An agent completes the newest task of that kind about the parcel."""
    play.run_until(at)
    task = [task for task in wanted(play, kind) if task.details["parcel_id"] == parcel][-1]
    payload = notifications.TaskCompleted(
        task_id=task.task_id,
        kind=task.kind,
        wanted_by="logistics",
        agent_id="agent-mia",
        outcome=outcome,
        details=details,
    )
    return play.hear(payload, at)
