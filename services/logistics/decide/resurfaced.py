"""Rule `lost_parcel_seen`: a parcel whose loss was confirmed is scanned after all.

The loss is not taken back: the buyer was promised goods or money for it, and may have them. What the scan
shows is said, and an agent gets the goods, the money and the claim in order; once for each of: it is seen,
it was delivered, it came back.
"""

from pydantic import JsonValue

from services.logistics.decide.tasks import SERVICE, named
from services.logistics.state import Lost, Placed
from services.logistics.state.claims import Reconciled
from shared.contracts.events import logistics as said
from shared.contracts.events.common import TaskWanted
from shared.contracts.facts import ScanStatus, ShipmentScannedBody
from shared.kernel.calendar import utc_text
from shared.kernel.decision import NOTHING, Decision, task_id

RULE = "lost_parcel_seen"
_WHERE: dict[said.Resurfaced, str] = {
    "seen": "was scanned on its way",
    "delivered": "was delivered",
    "returned": "is back at the sender",
}
_GOODS: dict[str, str] = {
    "refund": "the buyer has his money back: does he keep it and pay, or does it come back",
    "reship": "the buyer was sent a new one: have one of the two brought back",
    "served": "the buyer was served for the loss: have the goods brought back, or paid",
}


def resurfaced(scan: ShipmentScannedBody, parcel: Lost, state: Placed) -> Decision:
    """What is to be done, where the scan is news: newer than all before it, and not of a kind told before."""
    older = parcel.newest_scan_at is not None and scan.scanned_at <= parcel.newest_scan_at
    how = _seen_as(scan.status)
    if older or how in parcel.resurfaced:
        return NOTHING
    claim = parcel.open_claim
    event = said.ParcelResurfaced(
        **named(parcel),
        lines=parcel.lines,
        how=how,
        scanned_at=scan.scanned_at,
        served=None if claim is None else claim.remedy or "served",
        claim=None if claim is None else claim.stage,
    )
    details: dict[str, JsonValue] = {
        "slug": "lost-parcel-seen",
        "parcel_id": parcel.parcel_id,
        "carrier": parcel.carrier,
        "tracking_no": parcel.tracking_no,
        "lines": list(parcel.lines),
        "how": how,
        "scanned_at": utc_text(scan.scanned_at),
        "served": event.served,
        "served_with": None if claim is None or claim.served_with is None else str(claim.served_with),
        "claim": event.claim,
        "paid_by_carrier": str(claim.paid_by_carrier) if isinstance(claim, Reconciled) else None,
    }
    task = TaskWanted(
        task_id=task_id(SERVICE, state.order_id, "look_into", parcel.parcel_id, "resurfaced", how),
        kind="look_into",
        order_id=state.order_id,
        priority="high",
        summary=f"Parcel {parcel.parcel_id} counts as lost and {_WHERE[how]}: {_to_do(parcel)}.",
        details=details,
    )
    return Decision(rule=RULE, events=(event,), tasks=(task,))


def _seen_as(status: ScanStatus) -> said.Resurfaced:
    match status:
        case "delivered" | "returned":
            return status
        case _:
            return "seen"


def _to_do(parcel: Lost) -> str:
    """What there is to put in order, by what the buyer and the shop got for the loss so far."""
    claim = parcel.open_claim
    if claim is None:
        return "settle with the buyer that he keeps it, before he is given anything else"
    goods = _GOODS[claim.remedy or "served"]
    if not isinstance(claim, Reconciled):
        return f"{goods}; withdraw the claim"
    if claim.paid_by_carrier > 0:
        return f"{goods}; what {parcel.carrier} paid for it goes back"
    return goods
