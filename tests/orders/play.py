"""An order under test: its facts, parcels, cases and tasks in a few words."""

from datetime import datetime, timedelta
from typing import Any, Literal, Self

from services.orders.app import SERVICE
from services.orders.views import OrderView
from shared.contracts import facts
from shared.contracts.event import Payload
from shared.contracts.events import aftersales, logistics, notifications
from shared.kernel.decision import Decision, Refused
from shared.kernel.profiles import Profile
from shared.kernel.unfit import out_of_stage
from tests.kit.rules import START, Play, after, heard

Strayed = Literal["lost", "returned", "pickup_cancelled"]
STRAYED: dict[Strayed, type[Payload]] = {
    "lost": logistics.ParcelLost,
    "returned": logistics.ParcelReturned,
    "pickup_cancelled": logistics.ParcelPickupCancelled,
}
LINES = ("1", "2")
PAID_AT = after(hours=1)


def order_placed(
    at: datetime = START,
    lines: tuple[str, ...] = LINES,
    ship_service: str = "Standard Class",
    fact_id: str = "f1",
    total: str = "30.00",
) -> facts.OrderPlaced:
    return facts.OrderPlaced.model_validate(
        {
            "id": fact_id,
            "at": at,
            "order_id": "A-1",
            "data": {
                "shop_id": "demo",
                "buyer_id": "B-1",
                "currency": "EUR",
                "total": total,
                "lines": [
                    {"line_id": line, "sku": f"SKU-{line}", "name": "Thing", "quantity": 1, "amount": "15.00"}
                    for line in lines
                ],
                "ship_service": ship_service,
                "receiver": {"name": "Ada Example", "email": "ada@example.com", "address": "1 Main Street"},
            },
        }
    )


def order_paid(
    at: datetime, payment_id: str = "P-1", amount: str = "30.00", fact_id: str = "f2"
) -> facts.OrderPaid:
    return facts.OrderPaid.model_validate(
        {
            "id": fact_id,
            "at": at,
            "order_id": "A-1",
            "data": {"amount": amount, "payment_id": payment_id},
        }
    )


def order_cancelled(
    at: datetime, reason: str = "changed_mind", fact_id: str = "f3", *, paid_back: bool = False
) -> facts.OrderCancelled:
    return facts.OrderCancelled.model_validate(
        {
            "id": fact_id,
            "at": at,
            "order_id": "A-1",
            "data": {"reason": reason, "paid_back": paid_back},
        }
    )


def parcel_of(parcel_id: str) -> dict[str, str]:
    return {"parcel_id": parcel_id, "carrier": "ups", "tracking_no": f"T-{parcel_id}"}


class OrderPlay(Play):
    """A play of orders that takes facts which do not fit, and projects what is heard, as the engine does."""

    def __init__(self, profile: Profile | None = None, subject: str = "A-1") -> None:
        super().__init__(SERVICE, subject, profile)
        self.looked_into: set[str] = set()

    def do(self, *commands: Any, now: datetime | None = None) -> Self:
        for command in commands:
            super().do(command, now=now)
            refused = self.outcomes[-1]
            if isinstance(refused, Refused) and not refused.early and hasattr(command, "fact"):
                self._fold(
                    out_of_stage(
                        "orders",
                        self.subject,
                        command.fact,
                        command.id,
                        refused,
                        self.looked_into,
                    ),
                    command.at,
                )
                self.looked_into.add(command.fact)
        return self

    def hear(self, payload: Payload, at: datetime, subject: str | None = None) -> Self:
        event = heard(payload, at, subject or self.subject, n=next(self._heard))
        self.view = self.service.project(self.view, event)
        for about, command in self.service.react(event):
            if about == self.subject:
                self.do(command)
        return self

    def placed(self, **about: Any) -> Self:
        return self.do(order_placed(**about))

    def paid(self, at: datetime = PAID_AT, **about: Any) -> Self:
        return self.run_until(at - timedelta(microseconds=1)).do(order_paid(at, **about))

    def left(self, parcel_id: str, at: datetime, lines: tuple[str, ...] = LINES) -> Self:
        self.run_until(at - timedelta(microseconds=1))
        said = {**parcel_of(parcel_id), "lines": lines, "dispatched_at": at}
        return self.hear(logistics.ParcelDispatched.model_validate(said), at)

    def arrived(
        self,
        parcel_id: str,
        at: datetime,
        lines: tuple[str, ...] = LINES,
        scanned_at: datetime | None = None,
    ) -> Self:
        self.run_until(at - timedelta(microseconds=1))
        said = {**parcel_of(parcel_id), "lines": lines, "scanned_at": scanned_at or at}
        return self.hear(logistics.ParcelDelivered.model_validate(said), at)

    def strayed(
        self,
        parcel_id: str,
        at: datetime,
        how: Strayed,
        lines: tuple[str, ...] = LINES,
    ) -> Self:
        self.run_until(at - timedelta(microseconds=1))
        said = {**parcel_of(parcel_id), "lines": lines, "scanned_at": at}
        return self.hear(STRAYED[how].model_validate(said), at)

    def case_opened(
        self,
        case_id: str,
        at: datetime,
        lines: tuple[str, ...] = LINES,
        kind: aftersales.CaseKind = "refund_only",
        holds: bool = True,
    ) -> Self:
        self.run_until(at - timedelta(microseconds=1))
        said = aftersales.CaseOpened.model_validate(
            {
                "case_id": case_id,
                "kind": kind,
                "reason": "no_reason",
                "lines": lines,
                "amount": "30.00",
                "currency": "EUR",
                "holds_order": holds,
            }
        )
        return self.hear(said, at)

    def case_approved(self, case_id: str, at: datetime, lines: tuple[str, ...] = LINES) -> Self:
        self.run_until(at - timedelta(microseconds=1))
        said = aftersales.CaseApproved(
            case_id=case_id, kind="refund_only", decided_by="automatic", lines=lines, before_dispatch=True
        )
        return self.hear(said, at)

    def case_refunded(
        self,
        case_id: str,
        at: datetime,
        lines: tuple[str, ...] = LINES,
        amount: str = "30.00",
        kind: aftersales.CaseKind = "refund_only",
        by_rule: str = "answer_within",
    ) -> Self:
        self.run_until(at - timedelta(microseconds=1))
        said = aftersales.CaseRefunded.model_validate(
            {
                "case_id": case_id,
                "kind": kind,
                "refund_id": f"R-{case_id}",
                "lines": lines,
                "amount": amount,
                "currency": "EUR",
                "decided_by": "automatic",
                "by_rule": by_rule,
                "goods_wanted": by_rule == "offer",
            }
        )
        return self.hear(said, at)

    def case_closed(
        self, case_id: str, at: datetime, kind: aftersales.CaseKind = "return_and_refund"
    ) -> Self:
        self.run_until(at - timedelta(microseconds=1))
        return self.hear(aftersales.CaseClosed(case_id=case_id, kind=kind, reason="not_sent_back"), at)

    def case_refused(self, case_id: str, at: datetime) -> Self:
        self.run_until(at - timedelta(microseconds=1))
        said = aftersales.CaseRefused(
            case_id=case_id, kind="refund_only", decided_by="agent", slug="not-eligible"
        )
        return self.hear(said, at)

    def answered(
        self, task: Any, outcome: str, at: datetime, wanted_by: str = "orders", **details: Any
    ) -> Self:
        self.run_until(at - timedelta(microseconds=1))
        said = notifications.TaskCompleted(
            task_id=task.task_id,
            kind=task.kind,
            wanted_by=wanted_by,
            agent_id="ann",
            outcome=outcome,
            details=details,
        )
        return self.hear(said, at)

    def tasks(self, kind: str) -> list[Any]:
        return [task for task in self.of("task.wanted") if task.kind == kind]

    @property
    def stage(self) -> str:
        assert self.view.stage == self.state.stage
        stage: str = self.state.stage
        return stage

    @property
    def seen(self) -> OrderView:
        assert isinstance(self.view, OrderView)
        return self.view

    @property
    def yes(self) -> Decision:
        assert isinstance(self.last, Decision), self.last
        return self.last


def paid_order(**about: Any) -> OrderPlay:
    """An order of two lines, paid an hour after it was placed; everything must leave within 7 days."""
    return OrderPlay().placed(**about).paid()


def delivered_order() -> OrderPlay:
    """Paid, left after a day, arrived after three."""
    return paid_order().left("p1", after(days=1)).arrived("p1", after(days=3))
