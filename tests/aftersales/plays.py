"""Plays of one after-sales file: an order of two lines, its parcels, and a provider that pays at once."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from services.aftersales.app import SERVICE
from shared.contracts import facts
from shared.contracts.events import logistics, notifications, orders
from shared.contracts.tasks import OUTCOMES, TaskKind
from shared.kernel.decision import Decision, Effect, EffectDone, EffectFailed, EffectRecalled
from shared.kernel.profiles import Profile
from tests.kit.rules import START, Play

LINES = (
    facts.Line(line_id="1", sku="SKU-1", name="Kettle", quantity=2, amount=Decimal("30.00")),
    facts.Line(line_id="2", sku="SKU-2", name="Cup", quantity=1, amount=Decimal("20.00")),
)
TOTAL = Decimal("55.00")
"""Fifty for the lines, five for freight."""


class CasePlay(Play):
    """A play in which the payment provider answers at once, unless it is told otherwise."""

    def __init__(self, profile: Profile | None = None, provider: str = "pays") -> None:
        super().__init__(SERVICE, "A-1", profile)
        self.provider = provider
        self.effects: list[Effect] = []
        self._facts = 0

    def do(self, *commands: Any, now: datetime | None = None) -> Self:
        for command in commands:
            super().do(command, now=now)
            answer = self.last
            if isinstance(answer, Decision):
                for effect in answer.effects:
                    self.effects.append(effect)
                    self._provide(effect, command.at)
                    self.outcomes.append(answer)
                for effect_id in answer.recalls:
                    in_time = self.provider == "is not asked"
                    super().do(EffectRecalled(at=command.at, effect_id=effect_id, in_time=in_time))
        return self

    def _provide(self, effect: Effect, at: datetime) -> None:
        match self.provider:
            case "pays":
                super().do(EffectDone(at=at, effect_id=effect.effect_id, kind="refund"))
            case "refuses":
                super().do(EffectFailed(at=at, effect_id=effect.effect_id, kind="refund", reason="closed"))
            case _:
                pass

    def placed(self, at: datetime = START, lines: tuple[facts.Line, ...] = LINES) -> Self:
        return self.hear(
            orders.OrderPlaced(
                shop_id="demo",
                platform="default",
                buyer_id="B-1",
                currency="EUR",
                total=TOTAL,
                lines=lines,
                ship_service="Standard",
                closes_at=at,
            ),
            at,
        )

    def paid(self, at: datetime = START, lines: tuple[facts.Line, ...] = LINES) -> Self:
        self.placed(at, lines)
        return self.hear(orders.OrderPaid(amount=TOTAL, payment_id="pay-1", ship_by=at), at)

    def dispatched(self, at: datetime, *lines: str, parcel: str = "p-1") -> Self:
        payload = logistics.ParcelDispatched(**_parcel(parcel, lines), dispatched_at=at, weight_grams=900)
        return self.hear(payload, at)

    def delivered(
        self, at: datetime, *lines: str, parcel: str = "p-1", heard_at: datetime | None = None
    ) -> Self:
        payload = logistics.ParcelDelivered(**_parcel(parcel, lines), scanned_at=at)
        return self.hear(payload, heard_at or at)

    def lost(self, at: datetime, *lines: str, parcel: str = "p-1") -> Self:
        return self.hear(logistics.ParcelLost(**_parcel(parcel, lines)), at)

    def asks(
        self,
        at: datetime,
        kind: str = "refund_only",
        reason: str = "damaged",
        amount: str = "30.00",
        lines: tuple[str, ...] = ("1",),
        case: str = "c-1",
    ) -> Self:
        body = {"case_id": case, "kind": kind, "reason": reason, "amount": amount, "lines": lines}
        return self.do(self._fact("refund.requested", at, body))

    def sends_back(self, at: datetime, case: str = "c-1", tracking_no: str = "R1") -> Self:
        body = {"case_id": case, "carrier": "ups", "tracking_no": tracking_no}
        return self.do(self._fact("return.shipped", at, body))

    def gets_back(self, at: datetime, condition: str = "intact", case: str = "c-1") -> Self:
        return self.do(self._fact("return.received", at, {"case_id": case, "condition": condition}))

    def reviews(self, at: datetime, stars: int, text: str = "") -> Self:
        return self.do(self._fact("review.posted", at, {"stars": stars, "text": text}))

    def agent(
        self, at: datetime, about: TaskKind, outcome: str, task: str | None = None, **details: Any
    ) -> Self:
        """An agent completes the newest task of that kind."""
        assert outcome in OUTCOMES[about]
        payload = notifications.TaskCompleted(
            task_id=task or self.task(about),
            kind=about,
            wanted_by="aftersales",
            agent_id="agent-1",
            outcome=outcome,
            details=details,
        )
        return self.hear(payload, at)

    def not_followed(self) -> str:
        """Why the last answer was not followed, as somebody is to look into it."""
        (*_, task) = (said for said in self.of("task.wanted") if said.kind == "look_into")
        return str(task.details["slug"])

    def task(self, kind: str) -> str:
        wanted = [said.task_id for said in self.of("task.wanted") if said.kind == kind]
        return str(wanted[-1])

    def tasks(self) -> list[str]:
        return [said.kind for said in self.of("task.wanted")]

    def stage(self, case: str = "c-1") -> str:
        known = self.state.case_of(case)
        assert known is not None
        shown = next(view for view in self.view.cases if view.case_id == case)
        assert shown.stage == known.stage
        return str(known.stage)

    def _fact(self, fact: str, at: datetime, body: dict[str, Any]) -> Any:
        self._facts += 1
        raw = {"id": f"f-{self._facts}", "at": at, "fact": fact, "order_id": self.subject, "data": body}
        return facts.fact_from(raw)


def _parcel(parcel: str, lines: tuple[str, ...]) -> dict[str, Any]:
    return {
        "parcel_id": parcel,
        "carrier": "ups",
        "tracking_no": f"T-{parcel}",
        "lines": lines or ("1", "2"),
    }
