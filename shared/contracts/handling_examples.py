"""Examples of what is said of an order's handling, out of the same story as all the others."""

from collections.abc import Mapping
from typing import Any, Final

_WISH: Final[Mapping[str, Any]] = {"wish_id": "courier-1", "kind": "courier"}

HANDLING: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "order.erased": ("2027-03-02T09:00:00Z", {"was_open": False}),
    "order.offer_made": (
        "2026-03-16T10:30:00Z",
        {
            "kind": "voucher",
            "what": "THANKS-5",
            "kept": "39.90",
            "currency": "EUR",
            "valid_until": "2026-06-14T10:30:00Z",
        },
    ),
    "order.wish_made": ("2026-03-02T12:05:00Z", {**_WISH, "by": "agent-mia", "carrier": "sf"}),
    "order.flagged": (
        "2026-03-02T12:05:30Z",
        {
            "colour": "red",
            "by": "agent-mia",
            "wish_id": "courier-1",
            "remark": "The buyer chose the carrier sf--2026-03-02..agent-mia",
        },
    ),
    "order.remarked": ("2026-03-02T12:06:00Z", {"remark_id": "remark-0b51ce7ac2d14f8e", "by": "agent-mia"}),
    "order.wish_confirmed": ("2026-03-02T12:20:00Z", {**_WISH, "by": "agent-mia"}),
    "order.wish_dropped": ("2026-03-02T12:20:00Z", {**_WISH, "by": "agent-mia", "reason": "declined"}),
    "order.instruction_given": (
        "2026-03-02T12:40:00Z",
        {**_WISH, "carrier": "sf", "acknowledge_by": "2026-03-02T16:40:00Z"},
    ),
    "order.instruction_acknowledged": ("2026-03-02T13:10:00Z", {**_WISH, "by": "warehouse"}),
    "order.changed": (
        "2026-03-02T12:10:00Z",
        {
            "lines": [
                {"line_id": "1", "sku": "MUG-RED", "name": "Red mug", "quantity": 2, "amount": "23.80"},
                {"line_id": "2", "sku": "TEA-ASSAM", "name": "Assam tea", "quantity": 1, "amount": "12.50"},
            ],
            "was_total": "36.30",
            "wish_id": "attribute-1",
        },
    ),
    "order.give_back_wanted": (
        "2026-03-02T18:00:00Z",
        {"wish_id": "price-1", "amount": "2.50", "lines": ["2"]},
    ),
    "order.verified": ("2026-03-02T12:50:00Z", {"good": ["items", "address", "contact"], "by": "agent-mia"}),
    "order.release_blocked": ("2026-03-02T12:40:00Z", {"waits_for": ["address", "courier-1"]}),
    "order.released": ("2026-03-02T13:10:00Z", {"by": "agent-mia"}),
    "order.payment_failed": ("2026-03-02T12:15:00Z", {"reason": "card_declined", "times": 1}),
    "order.stock_short": (
        "2026-03-03T09:00:00Z",
        {"shortage_id": "stock-1", "lines": ["2"], "skus": ["TEA-ASSAM"], "back_at": "2026-03-09T08:00:00Z"},
    ),
    "order.choice_made": (
        "2026-03-03T10:00:00Z",
        {"shortage_id": "stock-1", "choice": "wait", "lines": ["2"], "by": "agent-mia"},
    ),
    "order.supplemented": ("2026-03-02T15:00:00Z", {"by_order": "DE-10490"}),
    "freight.merge_due": (
        "2026-03-02T15:00:00Z",
        {
            "orders": [
                {"order_id": "DE-10482", "freight": "4.90", "give_back": "0"},
                {"order_id": "DE-10490", "freight": "4.90", "give_back": "4.90"},
            ],
            "give_back": "4.90",
        },
    ),
}
"""For each event, when the story tells it and the fields that are its own."""
