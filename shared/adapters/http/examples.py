"""Examples of every fact, for OpenAPI. They are well formed; a test sees to it."""

from typing import Any, Final

_PLACED: Final[dict[str, Any]] = {
    "shop_id": "demo",
    "platform": "default",
    "buyer_id": "buyer-7",
    "currency": "EUR",
    "total": "59.80",
    "lines": [
        {"line_id": "1", "sku": "CUP-BLUE", "name": "Blue cup", "quantity": 2, "amount": "19.80"},
        {"line_id": "2", "sku": "POT-1L", "name": "Tea pot", "quantity": 1, "amount": "40.00"},
    ],
    "ship_service": "Standard Class",
    "receiver": {
        "name": "Jo Example",
        "phone": "+49 555 0100",
        "email": "jo@example.com",
        "country": "DE",
        "city": "Berlin",
        "postal_code": "10115",
        "address": "Example Street 1",
    },
}
_BODIES: Final[dict[str, dict[str, Any]]] = {
    "order.placed": _PLACED,
    "order.paid": {"amount": "59.80", "payment_id": "pay-1"},
    "order.cancelled": {"reason": "changed_mind", "by": "buyer"},
    "payment.failed": {"reason": "card_declined", "payment_id": "pay-0"},
    "stock.short": {"lines": ["2"], "back_at": "2026-03-09T08:00:00Z"},
    "instruction.acknowledged": {"wish_id": "courier-1", "by": "warehouse"},
    "shipment.dispatched": {
        "parcel_id": "parcel-1",
        "carrier": "dhl",
        "tracking_no": "00340434161094042557",
        "lines": ["1", "2"],
        "weight_grams": 1450,
    },
    "shipment.scanned": {
        "carrier": "dhl",
        "tracking_no": "00340434161094042557",
        "status": "in_transit",
        "text": "Arrived at the sorting centre",
        "location": "Leipzig",
        "scanned_at": "2026-03-03T06:10:00Z",
    },
    "refund.requested": {
        "case_id": "case-1",
        "kind": "return_and_refund",
        "reason": "no_reason",
        "amount": "19.80",
        "lines": ["1"],
    },
    "return.shipped": {"case_id": "case-1", "carrier": "dhl", "tracking_no": "00340434161094099999"},
    "return.received": {"case_id": "case-1", "condition": "intact"},
    "refund.paid": {"refund_id": "R-77", "amount": "5.00", "lines": ["1"]},
    "review.posted": {"stars": 5, "text": "Lovely pot."},
    "buyer.message": {"channel": "chat", "text": "When will it arrive?"},
}


def fact_examples(*kinds: str) -> dict[str, Any]:
    """One example of each kind of fact, as OpenAPI names them."""
    return {
        kind: {
            "summary": kind,
            "value": {
                "id": f"{kind}-0001",
                "at": "2026-03-02T12:00:00Z",
                "fact": kind,
                "order_id": "A-1001",
                "data": _BODIES[kind],
            },
        }
        for kind in kinds
    }
