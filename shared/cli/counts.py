"""Counting what a run said: the names of DOMAIN.md section 1.6, and all names."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from shared.contracts.event import Event
from shared.contracts.events import aftersales, common, logistics, notifications, orders

INNER: Final = frozenset(
    {
        "task.wanted",
        "task.raised",
        "task.withdrawn",
        "message.wanted",
        "message.asked",
        "message.allowed",
        "message.capped",
        "message.withdrawn",
        "message.merged",
        "reminder.noted",
        "reminders.added_up",
        "findings.noted",
        "findings.added_up",
        "contact.changed",
        "order.deadline_changed",
        "case.refund_started",
        "case.deadline_changed",
        "parcel.deadline_changed",
        "carrier_claim.deadline_changed",
        "incident.deadline_changed",
        "parcel.watched",
        "incident.ruled_out",
        "parcel.weighed",
        "parcel.measured",
    }
)
"""What is said on the way to a task, a message, a refund, a deadline or a report; it is in no count."""

DOMAIN_NAMES: Final = frozenset(
    {
        "case.approved.automatic",
        "case.approved.deadline",
        "case.closed.not_sent_back",
        "case.refunded",
        "case.refunded.by_deadline_inspection",
        "case.refused.return-window-closed",
        "message.unanswered",
        "order.closed.unpaid",
        "order.completed",
        "order.completed.after_case",
        "order.placed",
        "order.ship_overdue",
        "parcel.delivered",
        "parcel.exception",
        "parcel.lost_suspected",
        "parcel.moving_again",
        "parcel.pickup_overdue",
        "parcel.returned",
        "parcel.stalled.1",
        "parcel.stalled.2",
        "payment_reminder_due.first",
        "payment_reminder_due.last_call",
        "task.call_about_review",
        "task.decide_case",
        "task.decide_inspection",
        "task.verify_weight",
    }
)
"""The names of DOMAIN.md section 1.6, `out_of_stage.<fact>` apart."""


def count_names(event: Event) -> tuple[str, ...]:
    """The names that one event counts under; none for what services say among themselves."""
    match event.data:
        case orders.PaymentReminderDue(stage=stage):
            return (f"payment_reminder_due.{stage}",)
        case orders.OrderClosed(reason=reason):
            return (f"order.closed.{reason}",)
        case orders.OrderCompleted(after_case=True):
            return ("order.completed", "order.completed.after_case")
        case logistics.ParcelStalled(level=level):
            return (f"parcel.stalled.{level}",)
        case aftersales.CaseApproved(decided_by=decider):
            return (f"case.approved.{decider}",)
        case aftersales.CaseRefused(slug=slug):
            return (f"case.refused.{slug}",)
        case aftersales.CaseClosed(reason=reason):
            return (f"case.closed.{reason}",)
        case aftersales.CaseRefunded(by_rule="inspect_within"):
            return ("case.refunded", "case.refunded.by_deadline_inspection")
        case notifications.MessageSent(template=template):
            return (f"message.sent.{template}",)
        case notifications.MessageSuppressed(reason=reason):
            return (f"message.suppressed.{reason}",)
        case notifications.TaskCreated(kind=kind):
            return (f"task.{kind}",)
        case notifications.TaskCompleted(kind=kind, outcome=outcome):
            return (f"task.completed.{kind}.{outcome}",)
        case common.FactOutOfStage(fact=fact):
            return (f"out_of_stage.{fact}",)
        case _:
            return () if event.name in INNER else (event.name,)


class Counts:
    """A tally of events, each counted once however often it is seen."""

    def __init__(self) -> None:
        self._names: Counter[str] = Counter()
        self._seen: dict[tuple[str, str], int] = {}

    def add(self, event: Event) -> bool:
        """Count the event unless it was counted before; whether it was new.

        A subject's events on a topic come in order, so its highest number is all that is kept.
        """
        source = (event.source, event.subject)
        if event.sequence <= self._seen.get(source, 0):
            return False
        self._seen[source] = event.sequence
        self._names.update(count_names(event))
        return True

    def extend(self, events: Iterable[Event]) -> None:
        """Count all of these."""
        for event in events:
            self.add(event)

    @property
    def all(self) -> dict[str, int]:
        """Every name that was counted, in order of name."""
        return dict(sorted(self._names.items()))

    @property
    def domain(self) -> dict[str, int]:
        """The names of DOMAIN.md section 1.6 that were counted, in order of name."""
        return domain_names(self._names)


def domain_names(counted: Mapping[str, int]) -> dict[str, int]:
    """Those of the counts that DOMAIN.md section 1.6 names."""
    return {
        name: count
        for name, count in sorted(counted.items())
        if count and (name in DOMAIN_NAMES or name.startswith("out_of_stage."))
    }
