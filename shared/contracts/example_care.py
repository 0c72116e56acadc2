"""The story's examples of what is said of claims, incidents, enquiries and measures."""

from collections.abc import Mapping
from typing import Any, Final

INCIDENT: Final = "incident~demo~dhl~germany~3f0c9a7d~1"
_AT: Final = "2026-03-07T08:05:00Z"
_HERE: Final = {"incident_id": INCIDENT, "region": "Germany"}
_IN_ONE: Final = {**_HERE, "reason": "parcels_stand"}
_ONE: Final = {"order_id": "DE-10482", "parcel_id": "P-10482-1", "tell": True}
_ASKED: Final = {"enquiry_id": "enquiry-77ab0c9a7d3e4f62"}

CARE: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "parcel.watched": (_AT, {"region": "Germany", "before": "under_way", "now": "standing"}),
    "parcel.joined_incident": (_AT, _HERE),
    "parcel.left_incident": ("2026-03-09T10:00:00Z", {"incident_id": INCIDENT}),
    "incident.opened": (
        _AT,
        {**_IN_ONE, "by": "rule", "standing": 14, "under_way": 31, "orders": ["DE-10482", "DE-10490"]},
    ),
    "incident.parcels_joined": (_AT, {**_IN_ONE, "parcels": [_ONE]}),
    "incident.deadline_changed": (
        "2026-03-08T08:05:00Z",
        {
            **_IN_ONE,
            "was": "2026-03-08T08:05:00Z",
            "deadline_at": "2026-03-09T08:05:00Z",
            "reason": "goes_on",
        },
    ),
    "incident.closed": (
        "2026-03-09T10:00:00Z",
        {**_IN_ONE, "reason": "moving_again", "affected": 14, "still_standing": 2},
    ),
    "incident.parcels_released": ("2026-03-09T10:00:00Z", {**_HERE, "parcels": [_ONE]}),
    "incident.ruled_out": (_AT, {"region": "Germany", "parcels": [_ONE]}),
    "parcel.weighed": (
        "2026-03-03T18:00:00Z",
        {
            "ordered_grams": 1180,
            "warehouse_grams": 1240,
            "carrier_grams": 1250,
            "tolerance_grams": 62,
            "verdict": "matches",
            "reason": "not_below_order",
        },
    ),
    "enquiry.registered": (
        "2026-03-07T11:00:00Z",
        {**_ASKED, "about": "lookup", "deadline_at": "2026-03-08T11:00:00Z"},
    ),
    "enquiry.answered": ("2026-03-07T13:00:00Z", {**_ASKED, "deadline_at": "2026-03-09T13:00:00Z"}),
    "enquiry.followed_up": ("2026-03-09T09:00:00Z", {**_ASKED, "result": "arrived", "settled": True}),
    "enquiry.closed": ("2026-03-09T09:00:00Z", {**_ASKED, "reason": "delivered"}),
    "parcel.refused": ("2026-03-06T10:30:00Z", {"reason": "damaged"}),
    "parcel.complained_of": ("2026-03-09T09:00:00Z", {"reason": "delivered_late"}),
    "parcel.measured": (
        "2026-03-06T10:30:00Z",
        {
            "route": "Germany>Germany",
            "week": "2026-W10",
            "what": "delivered",
            "pickup_hours": 3,
            "transit_hours": 65,
            "longest_gap_hours": 39,
        },
    ),
    "parcel.resurfaced": (
        "2026-04-06T09:00:00Z",
        {"how": "delivered", "scanned_at": "2026-04-06T08:40:00Z", "served": "refund", "claim": "reconciled"},
    ),
    "carrier_claim.evidence_added": (
        "2026-03-16T10:00:00Z",
        {"evidence": "proof_of_value", "ref": "doc-311", "missing": ["carrier_trace"]},
    ),
    "carrier_claim.submitted": ("2026-03-16T11:00:00Z", {"amount": "36.30", "reference": "DHL-C-991"}),
    "carrier_claim.approved": ("2026-03-25T09:00:00Z", {"amount": "30.00"}),
    "carrier_claim.refused": ("2026-03-25T09:00:00Z", {"reason": "no_proof_of_value", "final": False}),
    "carrier_claim.appealed": ("2026-03-26T09:00:00Z", {}),
    "carrier_claim.overdue": (
        "2026-04-15T11:00:00Z",
        {"awaited": "decision", "was": "2026-04-15T11:00:00Z"},
    ),
    "carrier_claim.deadline_changed": (
        "2026-04-15T12:00:00Z",
        {"was": None, "deadline_at": "2026-04-22T12:00:00Z", "reason": "promised"},
    ),
    "carrier_claim.paid": ("2026-04-02T09:00:00Z", {"amount": "30.00"}),
    "carrier_claim.closed": ("2026-04-20T09:00:00Z", {"reason": "not_appealed"}),
    "carrier_claim.reconciled": (
        "2026-04-02T09:00:00Z",
        {"served_with": "36.30", "paid_by_carrier": "30.00", "shortfall": "6.30", "surplus": "0.00"},
    ),
    "order.urge_requested": (
        "2026-03-04T09:00:00Z",
        {"ticket_id": "ticket-5", "deadline_at": "2026-03-05T09:00:00Z"},
    ),
    "order.urge_answered": (
        "2026-03-04T12:00:00Z",
        {"ticket_id": "ticket-5", "in_time": True, "by": "agent"},
    ),
    "order.receipt_extended": ("2026-03-10T09:00:00Z", {"days": 5, "completes_at": "2026-03-21T10:30:00Z"}),
}
"""For each of these events, when the story tells it and the fields that are its own."""
