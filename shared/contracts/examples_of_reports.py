"""Examples of what is said about reminders that go together and about a shop's days."""

from collections.abc import Mapping
from typing import Any, Final

_REPORT: Final[Mapping[str, Any]] = {"report": "report~2d1f6c0b7a9e4835c1d0e2f3a4b5c6d7", "day": "2026-03-03"}
_REMINDED: Final[Mapping[str, Any]] = {
    "template": "payment_reminder",
    "message_id": "payment_reminder-5a1b",
}
_OTHER: Final[Mapping[str, Any]] = {
    "stage": "first",
    "total": "12.50",
    "currency": "EUR",
    "closes_at": "2026-03-03T12:20:00Z",
}
_ROW: Final[Mapping[str, Any]] = {
    "stage": "first",
    "messages": 1,
    "reminded": 2,
    "paid": 1,
    "paid_within": {"one_hour": 1},
    "amounts": [{"currency": "EUR", "amount": "36.30"}],
}
_FOUND: Final[Mapping[str, Any]] = {"kind": "refund_open", "count": 1, "orders": ["DE-10482"]}

OF_REPORTS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "message.withdrawn": (
        "2026-03-03T00:10:00Z",
        {**_REMINDED, "buyer_day": "day~7f3e9c1a5b2d4860f1e2d3c4b5a69788"},
    ),
    "message.merged": (
        "2026-03-03T09:10:00Z",
        {**_REMINDED, "others": [{**_OTHER, "order_id": "DE-10490", "message_id": "payment_reminder-0d4c"}]},
    ),
    "reminder.noted": ("2026-03-03T09:10:01Z", {**_REPORT, "part": 4, "row": _ROW}),
    "reminders.added_up": ("2026-03-03T23:05:00Z", {**_REPORT, "rows": [_ROW]}),
    "reminders.reported": (
        "2026-03-03T23:10:00Z",
        {
            "day": "2026-03-03",
            "rows": [_ROW],
            "messages": 1,
            "reminded": 2,
            "paid": 1,
            "amounts": [{"currency": "EUR", "amount": "36.30"}],
            "cost": "0.05",
            "cost_currency": "EUR",
            "message_price": "0.05",
            "roi": "726.00",
        },
    ),
    "findings.noted": (
        "2026-03-03T07:30:00Z",
        {
            **_REPORT,
            "part": 4,
            "findings": [
                {"kind": "refund_open", "about": "RC-2071", "task_id": "check_with_carrier-5b1f0c9a7d3e4f62"}
            ],
        },
    ),
    "findings.added_up": ("2026-03-03T07:35:00Z", {**_REPORT, "found": [_FOUND]}),
    "day.swept": ("2026-03-03T07:40:00Z", {"day": "2026-03-03", "found": [_FOUND], "new_tasks": 0}),
}
"""For each event, when the story tells it and the fields that are its own."""
