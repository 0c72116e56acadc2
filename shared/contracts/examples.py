"""One example of every event, out of one order's story: two mugs and a packet of tea from the demo shop.

An example is made from `TOLD`, which has the fields that are an event's own, and from `USUAL`, which has
those that most events share. A field that neither names gets a value by its type, so that a new event
has an example from the start; give it a better one here.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from shared.contracts.catalog import CONTACTS_TOPIC, SERVICES, contacts_source
from shared.contracts.event import Event, Payload, event_id
from shared.contracts.example_care import CARE
from shared.contracts.example_values import value_by_type
from shared.contracts.examples_of_reports import OF_REPORTS
from shared.contracts.facts import tracking_subject
from shared.contracts.handling_examples import HANDLING

ORDER: Final = "DE-10482"
CASE: Final = "RC-2071"
PARCEL: Final = "P-10482-1"
TASK: Final = "check_with_carrier-5b1f0c9a7d3e4f62"
MESSAGE: Final = "delay_notice-91c2a4d07be35f18"
TRACKING_NO: Final = "00340434161094042557"
PLACED: Final = "2026-03-02T12:00:00Z"

Values = Mapping[str, Any]

USUAL: Final[Values] = {
    "agent_id": "agent-mia",
    "amount": "23.80",
    "buyer_id": "b-7301",
    "by": "buyer",
    "by_rule": "inspection",
    "carrier": "dhl",
    "case_id": CASE,
    "channel": "mail",
    "closes_at": "2026-03-03T12:00:00Z",
    "currency": "EUR",
    "decided_by": "agent",
    "dispatched_at": "2026-03-03T15:20:00Z",
    "due_at": "2026-03-07T08:05:00Z",
    "kind": "return_and_refund",
    "lines": ["1"],
    "location": "Leipzig",
    "message_id": MESSAGE,
    "order_id": ORDER,
    "parcel_id": PARCEL,
    "payment_id": "pay-55102",
    "priority": "normal",
    "reason": "no_reason",
    "refund_id": "refund-RC-2071",
    "scanned_at": "2026-03-05T08:05:00Z",
    "ship_by": "2026-03-04T12:40:00Z",
    "since": "2026-03-05T08:05:00Z",
    "sighting_id": "aftership/00340434161094042557/6f1d0c2b9a4e8375",
    "summary": "Parcel P-10482-1 has had no scan for 48 hours; ask dhl where it is.",
    "task_id": TASK,
    "template": "delay_notice",
    "total": "36.30",
    "tracking_no": TRACKING_NO,
    "weight_grams": 1240,
}

_STALL: Final[Values] = {"kind": "check_with_carrier", "wanted_by": "logistics"}
_ON_THE_WAY: Final[Values] = {"deadline": "stalled", "deadline_at": "2026-03-07T08:05:00Z"}

_BACK_AT: Final = "2026-03-13T09:30:00Z"
_BACK: Final = {"case_id": CASE, "condition": "intact"}
_TOLD: Final = {"id": "f-7", "at": _BACK_AT, "order_id": ORDER, "fact": "return.received", "data": _BACK}

TOLD: Final[Mapping[str, tuple[str, Values]]] = {
    **CARE,
    **HANDLING,
    **OF_REPORTS,
    # orders
    "order.placed": (
        PLACED,
        {
            "shop_id": "demo",
            "platform": "default",
            "ship_service": "Standard",
            "lines": [
                {"line_id": "1", "sku": "MUG-BLUE", "name": "Blue mug", "quantity": 2, "amount": "23.80"},
                {"line_id": "2", "sku": "TEA-ASSAM", "name": "Assam tea", "quantity": 1, "amount": "12.50"},
            ],
        },
    ),
    "order.payment_reminder_due": ("2026-03-03T00:00:00Z", {"stage": "first"}),
    "order.paid": ("2026-03-02T12:40:00Z", {"amount": "36.30"}),
    "order.closed": ("2026-03-03T12:00:00Z", {"reason": "unpaid"}),
    "order.reopened": ("2026-03-03T14:10:00Z", {"amount": "36.30", "ship_by": "2026-03-05T14:10:00Z"}),
    "order.late_payment_refund_wanted": ("2026-03-03T14:10:00Z", {"amount": "36.30"}),
    "order.cancelled": ("2026-03-02T12:20:00Z", {"reason": "ordered twice"}),
    "order.cancellation_requested": (
        "2026-03-02T18:00:00Z",
        {"reason": "ordered twice", "amount": "36.30", "lines": ["1", "2"]},
    ),
    "order.cancellation_undone": ("2026-03-02T19:00:00Z", {"lines": ["1", "2"], "reason": "case_ended"}),
    "order.ship_overdue": ("2026-03-04T12:40:00Z", {"lines": ["2"]}),
    "order.dispatched": ("2026-03-03T15:20:00Z", {"parcels": [PARCEL]}),
    "order.delivered": (
        "2026-03-06T10:30:00Z",
        {"delivered_at": "2026-03-06T10:30:00Z", "completes_at": "2026-03-16T10:30:00Z"},
    ),
    "order.deadline_changed": (
        "2026-03-09T09:00:00Z",
        {"deadline": "completion", "was": "2026-03-16T10:30:00Z", "deadline_at": None, "reason": "case_open"},
    ),
    "order.completed": ("2026-03-16T10:30:00Z", {"after_case": False}),
    "order.refunded": ("2026-03-02T18:00:05Z", {"amount": "36.30"}),
    "fact.passed_on": (_BACK_AT, {"fact": _TOLD}),
    "contact.changed": (
        PLACED,
        {
            "receiver": {
                "name": "Erika Mustermann",
                "phone": "+49 30 0000 0000",
                "email": "erika@buyer.example",
                "country": "Germany",
                "city": "Berlin",
                "postal_code": "10115",
                "address": "Musterweg 1",
            }
        },
    ),
    # logistics
    "parcel.dispatched": (
        "2026-03-03T15:20:00Z",
        {"lines": ["1", "2"], "deadline": "pickup_overdue", "deadline_at": "2026-03-04T15:20:00Z"},
    ),
    "parcel.picked_up": (
        "2026-03-03T18:00:00Z",
        {
            "scanned_at": "2026-03-03T18:00:00Z",
            "deadline": "stalled",
            "deadline_at": "2026-03-05T18:00:00Z",
        },
    ),
    "parcel.in_transit": ("2026-03-05T08:05:00Z", _ON_THE_WAY),
    "parcel.out_for_delivery": ("2026-03-06T07:15:00Z", {"scanned_at": "2026-03-06T07:15:00Z"}),
    "parcel.delivered": (
        "2026-03-06T10:30:00Z",
        {"scanned_at": "2026-03-06T10:30:00Z", "lines": ["1", "2"], "location": "Berlin"},
    ),
    "parcel.exception": (
        "2026-03-05T08:05:00Z",
        {**_ON_THE_WAY, "reason": "address not found", "fault": "buyer"},
    ),
    "parcel.exception_resolved": ("2026-03-05T16:40:00Z", {"by": "agent"}),
    "parcel.returning": ("2026-03-05T08:05:00Z", {}),
    "parcel.returned": ("2026-03-09T11:00:00Z", {"scanned_at": "2026-03-09T11:00:00Z", "lines": ["1", "2"]}),
    "parcel.pickup_overdue": (
        "2026-03-04T15:20:00Z",
        {"deadline": "stalled", "deadline_at": "2026-03-05T15:20:00Z"},
    ),
    "parcel.stalled": (
        "2026-03-07T08:05:00Z",
        {"level": 1, "deadline": "stalled", "deadline_at": "2026-03-10T08:05:00Z"},
    ),
    "parcel.moving_again": (
        "2026-03-08T06:45:00Z",
        {"level": 1, "stood_since": "2026-03-05T08:05:00Z", "scanned_at": "2026-03-08T06:45:00Z"},
    ),
    "parcel.lost_suspected": ("2026-03-15T08:05:00Z", {}),
    "parcel.lost": ("2026-03-15T13:00:00Z", {"lines": ["1", "2"]}),
    "parcel.found": ("2026-03-15T13:00:00Z", {}),
    "parcel.movement_confirmed": (
        "2026-03-07T09:00:00Z",
        {
            "answer": "moving",
            "confirmed_at": "2026-03-07T09:00:00Z",
            "deadline": "stalled",
            "deadline_at": "2026-03-09T09:00:00Z",
        },
    ),
    "parcel.pickup_cancelled": ("2026-03-04T17:00:00Z", {"lines": ["1", "2"]}),
    "parcel.deadline_changed": (
        "2026-03-03T12:00:00Z",
        {
            "deadline": "stalled_1",
            "deadline_at": "2026-03-06T09:00:00Z",
            "was": "2026-03-05T09:00:00Z",
            "reason": "receiver_changed",
        },
    ),
    "parcel.rebooked": ("2026-03-04T17:00:00Z", {"carrier": "hermes", "was_carrier": "dhl"}),
    "parcel.delay_announced": (
        "2026-03-07T09:00:00Z",
        {
            "until": "2026-03-10T12:00:00Z",
            "deadline": "stalled",
            "deadline_at": "2026-03-12T12:00:00Z",
        },
    ),
    "parcel.return_ordered": ("2026-03-05T16:40:00Z", {}),
    "parcel.address_corrected": ("2026-03-05T16:40:00Z", {}),
    "parcel.resend_wanted": ("2026-03-09T14:00:00Z", {"lines": ["1", "2"]}),
    "parcel.refund_wanted": ("2026-03-09T14:00:00Z", {"lines": ["1", "2"]}),
    "shipment.stopped": ("2026-03-02T18:00:01Z", {"lines": ["1", "2"], "reason": "refunded"}),
    "shipment.resumed": ("2026-03-02T19:00:01Z", {"lines": ["1", "2"], "reason": "refund_given_up"}),
    "carrier_claim.opened": ("2026-03-16T09:00:00Z", {}),
    "parcel.number_doubted": ("2026-03-03T15:20:00Z", {"scheme": "ups_1z"}),
    "sighting.recorded": (
        "2026-03-03T14:10:00Z",
        {"status": "picked_up", "scanned_at": "2026-03-03T14:00:00Z", "waits_until": "2026-03-04T14:10:00Z"},
    ),
    "sighting.matched": (
        "2026-03-05T08:06:00Z",
        {"status": "in_transit", "told_at": "2026-03-05T08:06:00Z", "fault": None, "reason": None},
    ),
    "sighting.unmatched": (
        "2026-03-04T14:10:00Z",
        {"status": "picked_up", "scanned_at": "2026-03-03T14:00:00Z", "reason": "no-parcel"},
    ),
    # aftersales
    "case.opened": (
        "2026-03-09T09:00:00Z",
        {"holds_order": True, "deadline_at": "2026-03-11T09:00:00Z", "parcel_id": None},
    ),
    "case.deadline_changed": (
        "2026-03-09T09:00:00Z",
        {"was": "2026-03-11T09:00:00Z", "deadline_at": "2026-03-16T09:00:00Z", "reason": "approved"},
    ),
    "case.approved": (
        "2026-03-09T09:00:00Z",
        {"decided_by": "automatic", "deadline_at": "2026-03-16T09:00:00Z"},
    ),
    "case.refused": (
        "2026-03-20T09:00:00Z",
        {
            "decided_by": "automatic",
            "slug": "return-window-closed",
            "dispute_until": "2026-03-27T09:00:00Z",
        },
    ),
    "case.offered": (
        "2026-03-10T10:00:00Z",
        {"offer": "partial_refund", "amount": "8.00", "deadline_at": "2026-03-12T10:00:00Z"},
    ),
    "case.offer_declined": ("2026-03-11T08:30:00Z", {"deadline_at": "2026-03-13T08:30:00Z"}),
    "case.return_shipped": (
        "2026-03-12T16:00:00Z",
        {"tracking_no": "00340434161094077120", "deadline_at": "2026-03-22T16:00:00Z"},
    ),
    "case.return_received": (
        "2026-03-14T11:00:00Z",
        {"condition": "damaged", "deadline_at": "2026-03-16T11:00:00Z"},
    ),
    "case.inspected": ("2026-03-15T09:30:00Z", {"result": "accept"}),
    "case.refund_started": ("2026-03-15T09:30:00Z", {}),
    "case.refunded": ("2026-03-15T09:30:04Z", {"parcel_id": None}),
    "case.refund_failed": ("2026-03-15T09:30:04Z", {"reason": "account_closed"}),
    "case.reship_wanted": ("2026-03-16T09:00:00Z", {"kind": "lost_parcel", "lines": ["1", "2"]}),
    "case.closed": ("2026-03-16T09:00:00Z", {"reason": "not_sent_back"}),
    "case.weight_verified": ("2026-03-10T10:00:00Z", {"result": "short"}),
    "case.disputed": ("2026-03-21T09:00:00Z", {"deadline_at": "2026-03-24T09:00:00Z"}),
    "case.evidence_submitted": ("2026-03-22T09:00:00Z", {"refs": ["photo-3311", "chat-908"]}),
    "case.evidence_missed": ("2026-03-24T09:00:00Z", {}),
    "case.dispute_settled": ("2026-03-25T09:00:00Z", {"winner": "buyer"}),
    "case.negotiated": ("2026-03-20T15:00:00Z", {}),
    "refund.paid_elsewhere": (
        "2026-03-11T09:00:00Z",
        {"refund_id": "shopify-8841", "settled": [], "left": "12.50"},
    ),
    "review.received": ("2026-03-12T20:00:00Z", {"stars": 2, "review_id": "review-4410"}),
    "quality.signal": ("2026-03-15T09:30:00Z", {"sku": "MUG-BLUE", "reason": "broken"}),
    # notifications
    "message.asked": ("2026-03-07T08:05:00Z", {"buyer_day": "day:demo:b-7301:2026-03-07"}),
    "message.allowed": ("2026-03-07T08:05:00Z", {}),
    "message.capped": ("2026-03-07T08:05:00Z", {}),
    "message.sent": ("2026-03-07T08:05:02Z", {}),
    "message.suppressed": ("2026-03-07T08:05:00Z", {"reason": "daily_cap"}),
    "message.postponed": ("2026-03-06T21:30:00Z", {"until": "2026-03-07T08:00:00Z"}),
    "message.failed": ("2026-03-07T08:05:02Z", {"reason": "mailbox_unknown"}),
    "message.received": ("2026-03-07T11:00:00Z", {"message_id": "chat-908", "channel": "chat"}),
    "message.unanswered": (
        "2026-03-07T11:00:30Z",
        {
            "message_id": "chat-908",
            "waiting_since": "2026-03-07T11:00:00Z",
            "task_id": "answer_buyer-0d9e8c7b6a5f4e3d",
        },
    ),
    "message.answered": (
        "2026-03-07T11:04:00Z",
        {"message_ids": ["chat-908"], "by": "agent-mia", "reply_id": "reply-6f21d0c4a8b93e75"},
    ),
    "task.created": ("2026-03-07T08:05:01Z", {**_STALL, "details": {"parcel_id": PARCEL, "level": 1}}),
    "task.claimed": ("2026-03-07T08:40:00Z", {**_STALL, "lease_until": "2026-03-07T08:50:00Z"}),
    "task.lease_renewed": ("2026-03-07T08:45:00Z", {**_STALL, "lease_until": "2026-03-07T08:55:00Z"}),
    "task.returned": ("2026-03-07T08:50:00Z", {**_STALL, "reason": "lease_ran_out"}),
    "task.overdue": ("2026-03-09T08:05:00Z", {**_STALL, "priority": "high", "level": "supervisor"}),
    "task.priority_raised": (
        "2026-03-10T08:05:00Z",
        {**_STALL, "priority": "high", "reason": "no scan for 120 hours"},
    ),
    "task.completed": (
        "2026-03-07T09:00:00Z",
        {**_STALL, "outcome": "delayed_until", "details": {"date": "2026-03-10T12:00:00Z"}},
    ),
    "task.closed": ("2026-03-08T06:45:01Z", {**_STALL, "reason": "moving_again"}),
    # said by every service
    "fact.out_of_stage": (
        "2026-03-04T09:00:00Z",
        {
            "fact": "order.paid",
            "fact_id": "fact-8839",
            "slug": "order-closed",
            "detail": "The order closed unpaid on 2026-03-03.",
        },
    ),
    "task.wanted": (
        "2026-03-07T08:05:00Z",
        {"kind": "check_with_carrier", "details": {"parcel_id": PARCEL, "level": 1}},
    ),
    "task.raised": (
        "2026-03-10T08:05:00Z",
        {"kind": "check_with_carrier", "priority": "high", "reason": "no scan for 120 hours"},
    ),
    "task.withdrawn": ("2026-03-08T06:45:00Z", {"kind": "check_with_carrier", "reason": "moving_again"}),
    "message.wanted": ("2026-03-07T08:05:00Z", {"params": {"parcel_id": PARCEL, "carrier": "dhl"}}),
}
"""For each event, when the story tells it and the fields that are its own."""

RULES: Final[Mapping[str, str]] = {
    "order.payment_reminder_due": "payment_reminder_after",
    "fact.passed_on": "pass_on",
    "order.closed": "close_unpaid_after",
    "order.ship_overdue": "ship_within",
    "order.completed": "auto_complete_after",
    "order.offer_made": "offers",
    "order.erased": "erasure",
    "parcel.pickup_overdue": "pickup_overdue_after",
    "parcel.stalled": "stall_levels",
    "parcel.lost_suspected": "lost_suspected_after",
    "case.refused": "no_reason_return",
    "case.closed": "ship_back_within",
    "message.suppressed": "buyer_daily_cap",
    "message.postponed": "quiet_hours",
    "message.unanswered": "first_response_within",
    "task.returned": "claim_lease",
}


def sources_of(cls: type[Payload]) -> tuple[str, ...]:
    """The sources that may say this payload."""
    if cls.name == "contact.changed":
        return (contacts_source("orders"), contacts_source("notifications"))
    return SERVICES if cls.service == "any" else (cls.service,)


def topics_of(cls: type[Payload]) -> tuple[str, ...]:
    """The topics on which this payload is said."""
    if cls.name == "contact.changed":
        return (CONTACTS_TOPIC,)
    return tuple(f"{source}.v1" for source in sources_of(cls))


def example_of(cls: type[Payload]) -> Event:
    """The example of one event: always the same for the same payload class."""
    told_at, own = TOLD.get(cls.name, (PLACED, {}))
    values = {
        name: own.get(name, USUAL[name] if name in USUAL else value_by_type(name, field, PLACED))
        for name, field in cls.model_fields.items()
        if name in own or name in USUAL or field.is_required()
    }
    source = _teller(cls)
    subject = tracking_subject(TRACKING_NO) if cls.name.startswith("sighting.") else ORDER
    sequence = 1 + sum(cls.name.encode()) % 9
    return Event(
        id=event_id(source, subject, sequence),
        source=source,
        name=cls.name,
        version=cls.version,
        subject=subject,
        time=datetime.fromisoformat(told_at).astimezone(UTC),
        sequence=sequence,
        correlation_id="fact-8812",
        causation_id="fact-8812",
        shop_id="demo",
        rule=RULES.get(cls.name),
        profile="default@1",
        overrides="{}",
        data=cls.model_validate(values),
    )


def _teller(cls: type[Payload]) -> str:
    """Who says it in the story; shared payloads are mostly about the parcel."""
    if cls.name in {"fact.out_of_stage", "contact.changed"}:
        return sources_of(cls)[0]
    return "logistics" if cls.service == "any" else cls.service
