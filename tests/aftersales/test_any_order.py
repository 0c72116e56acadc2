"""Anything in any order: nothing raises, no line is paid for twice, no case leaves its chart."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from services.aftersales.app import SERVICE
from services.aftersales.commands import (
    BuyerAnswersOffer,
    BuyerChooses,
    Negotiate,
    OpenDispute,
    RetryRefund,
    SettleDispute,
    SubmitEvidence,
)
from services.aftersales.state import STATE, Closed, File, RefusedCase, open_tasks
from shared.contracts.events import logistics, notifications, orders
from shared.contracts.events.common import TaskWanted, TaskWithdrawn
from shared.contracts.tasks import OUTCOMES
from shared.kernel.decision import EffectDone, EffectFailed, Refused
from tests.aftersales.plays import LINES, TOTAL, CasePlay
from tests.kit.rules import START

CHART = {stage.stage: stage for stage in SERVICE.charts[0].stages}
CASES = ("c-1", "c-2", "c-3")
FREIGHT = TOTAL - sum(line.amount for line in LINES)
DETAILS: dict[str, dict[str, JsonValue]] = {
    "refuse": {"reason": "worn"},
    "short": {"lines": ["1"]},
    "accept_part": {"lines": ["2"]},
    "reached": {"result": "calm"},
    "ignored": {"reason": "agreed"},
}

cases = st.sampled_from(CASES)
lines = st.sampled_from([("1",), ("2",), ("1", "2"), ("2", "9")])
amounts = st.sampled_from(["0", "0.0001", "5.00", "20.00", "30.00", "33.333", "50.00", "55.00", "99.00"])
parcels = st.sampled_from(["p-1", "p-2"])
moves = st.tuples(st.just("moves"), st.integers(0, 3), st.integers(0, 5), amounts)
"""What somebody does with one of the open cases, as its stage allows."""
asks = st.tuples(
    st.just("asks"),
    cases,
    st.sampled_from(["refund_only", "return_and_refund", "exchange", "reship", "repair"]),
    st.sampled_from(["no_reason", "damaged", "missing_item"]),
    amounts,
    lines,
)
steps = st.one_of(
    moves,
    moves,
    moves,
    moves,
    asks,
    asks,
    st.tuples(st.just("wait"), st.sampled_from([1, 20, 48, 72, 168, 240])),
    st.tuples(st.just("sends_back"), cases),
    st.tuples(st.just("gets_back"), cases, st.sampled_from(["intact", "damaged"])),
    st.tuples(st.just("reviews"), st.integers(1, 5)),
    st.tuples(
        st.just("parcel"),
        st.sampled_from(["dispatched", "cancelled", "delivered", "returned", "lost", "refund_wanted"]),
        parcels,
        st.sampled_from([("1",), ("2",), ("1", "2")]),
    ),
    st.tuples(
        st.just("order"), st.sampled_from(["placed", "paid", "reopened", "cancelled", "line 2 off", "late"])
    ),
    st.tuples(st.just("completes"), st.integers(0, 5), st.integers(0, 5), amounts),
    st.tuples(st.just("chooses"), st.sampled_from(["refund", "reship"])),
    st.tuples(
        st.just("disputes"), cases, st.sampled_from(["negotiate", "open", "evidence", "buyer", "shop"])
    ),
)
PAID = ("order", "paid")
SENT = ("parcel", "dispatched", "p-1", ("1", "2"))
THERE = ("parcel", "delivered", "p-1", ("1", "2"))
ASKED = ("asks", "c-1", "return_and_refund", "no_reason", "30.00", ("1",))
starts = st.sampled_from([(), (PAID,), (PAID, SENT), (PAID, SENT, ASKED), (PAID, SENT, THERE, ASKED)])


class AnyPlay(CasePlay):
    """A play that takes any step, and checks after each decision what must always be true."""

    def __init__(self) -> None:
        super().__init__(provider="is asked later")
        self.at = START
        self.asked: dict[str, str] = {}
        self.completed: set[str] = set()
        self.strayed: Counter[str] = Counter()
        """For each line, how often goods that were sent again came to nothing."""

    def do(self, *commands: Any, now: Any = None) -> "AnyPlay":
        for command in commands:
            before = self.state
            super().do(command, now=now)
            for effect in getattr(self.last, "effects", ()):
                assert effect.effect_id not in self.asked
                self.asked[effect.effect_id] = "wanted"
            if isinstance(self.last, Refused):
                assert self.state is before
            _check_chart(before, self.state)
            self._count_strayed(before)
        return self

    def _count_strayed(self, before: File) -> None:
        for case in self.state.cases:
            parcel = self.state.parcel_of(case.about.parcel_id or "")
            refused = isinstance(case, RefusedCase) and case.slug == "already-compensated"
            if before.case_of(case.case_id) is None and parcel is not None and parcel.carries and not refused:
                self.strayed.update(case.about.lines)

    def take(self, step: tuple[Any, ...]) -> None:
        name, *rest = step
        getattr(self, f"_{name}")(*rest)

    def _wait(self, hours: int) -> None:
        self.at += timedelta(hours=hours)
        self.run_until(self.at)

    def _asks(self, case: str, kind: str, reason: str, amount: str, about: tuple[str, ...]) -> None:
        self.asks(self.at, kind, reason, amount, about, case)

    def _sends_back(self, case: str) -> None:
        self.sends_back(self.at, case)

    def _gets_back(self, case: str, condition: str) -> None:
        self.gets_back(self.at, condition, case)

    def _reviews(self, stars: int) -> None:
        self.reviews(self.at, stars)

    def _parcel(self, what: str, parcel: str, about: tuple[str, ...]) -> None:
        common: dict[str, Any] = {
            "parcel_id": parcel,
            "carrier": "ups",
            "tracking_no": f"T-{parcel}",
            "lines": about,
        }
        match what:
            case "dispatched":
                self.hear(logistics.ParcelDispatched(**common, dispatched_at=self.at), self.at)
            case "cancelled":
                self.hear(logistics.ParcelPickupCancelled(**common), self.at)
            case "delivered":
                self.hear(logistics.ParcelDelivered(**common, scanned_at=self.at), self.at)
            case "returned":
                self.hear(logistics.ParcelReturned(**common, scanned_at=self.at), self.at)
            case "lost":
                self.hear(logistics.ParcelLost(**common), self.at)
            case _:
                self.hear(logistics.ParcelRefundWanted(**common), self.at)

    def _order(self, what: str) -> None:
        payment: dict[str, Any] = {"amount": TOTAL, "payment_id": "pay-1", "ship_by": self.at}
        money: dict[str, Any] = {"amount": TOTAL, "currency": "EUR"}
        match what:
            case "placed":
                self.placed(self.at)
            case "paid":
                self.placed(self.at).hear(orders.OrderPaid(**payment), self.at)
            case "reopened":
                self.hear(orders.OrderReopened(**payment), self.at)
            case "cancelled" | "line 2 off":
                off = () if what == "cancelled" else ("2",)
                self.hear(orders.CancellationRequested(reason="x", by="buyer", lines=off, **money), self.at)
            case _:
                self.hear(orders.LatePaymentRefundWanted(payment_id="pay-2", **money), self.at)

    def _moves(self, which: int, how: int, amount: str) -> None:
        moving = [case for case in self.state.cases if case.stage not in ("refunded", "closed")]
        if not moving:
            return
        case = moving[which % len(moving)]
        tasks = open_tasks(case)
        match case.stage:
            case "offered":
                self._answers(case.case_id, how % 2 == 0)
            case "awaiting_return" | "returning" if how < 2:
                self._gets_back(case.case_id, ("intact", "damaged")[how])
            case "awaiting_return" | "returning":
                self._sends_back(case.case_id)
            case "refunding":
                self._provider(("pays", "pays", "refuses")[how % 3], which)
            case "refund_failed" if how < 3:
                self._retries(case.case_id)
            case "refused" | "disputed" | "judging":
                self._disputes(case.case_id, ("negotiate", "open", "evidence", "buyer", "shop")[how % 5])
            case _:
                self._complete(tasks[how % len(tasks)][0], how // len(tasks) + which, amount)

    def _completes(self, which: int, outcome: int, amount: str) -> None:
        wanted = [said for said in self.said if isinstance(said, TaskWanted)]
        if wanted:
            self._complete(wanted[-1 - which % len(wanted)].task_id, outcome, amount)

    def _complete(self, task_id: str, outcome: int, amount: str) -> None:
        wanted = [said for said in self.said if isinstance(said, TaskWanted)]
        task = next(said for said in wanted if said.task_id == task_id)
        outcomes = sorted(OUTCOMES[task.kind])
        chosen = outcomes[outcome % len(outcomes)]
        kinds = ("partial_refund", "gift", "reship", "exchange")
        offer: dict[str, JsonValue] = {"kind": kinds[len(amount) % len(kinds)], "amount": amount}
        done = notifications.TaskCompleted(
            task_id=task.task_id,
            kind=task.kind,
            wanted_by="aftersales",
            agent_id="agent-1",
            outcome=chosen,
            details=offer if chosen == "offer" else DETAILS.get(chosen, {}),
        )
        self.hear(done, self.at)
        if not isinstance(self.last, Refused):
            given_up = chosen == "ignored" and "were not sent" in task.summary
            if given_up and task.task_id not in self.completed:
                self.strayed.update(cast(list[str], task.details["lines"]))
            self.completed.add(task.task_id)

    def _provider(self, does: str, which: int) -> None:
        waiting = sorted(effect for effect, state in self.asked.items() if state == "wanted")
        if not waiting:
            return
        effect = waiting[which % len(waiting)]
        self.asked[effect] = does
        if does == "pays":
            self.do(EffectDone(at=self.at, effect_id=effect, kind="refund"))
        else:
            self.do(EffectFailed(at=self.at, effect_id=effect, kind="refund", reason=""))

    def _answers(self, case: str, accept: bool) -> None:
        self.do(BuyerAnswersOffer(at=self.at, case_id=case, accept=accept))

    def _chooses(self, choice: Any) -> None:
        self.do(BuyerChooses(at=self.at, choice=choice))

    def _disputes(self, case: str, what: str) -> None:
        match what:
            case "negotiate":
                self.do(Negotiate(at=self.at, case_id=case, note="no"))
            case "open":
                self.do(OpenDispute(at=self.at, case_id=case))
            case "evidence":
                self.do(SubmitEvidence(at=self.at, case_id=case, refs=("chat",)))
            case "buyer":
                self.do(SettleDispute(at=self.at, case_id=case, winner="buyer"))
            case _:
                self.do(SettleDispute(at=self.at, case_id=case, winner="shop"))

    def _retries(self, case: str) -> None:
        self.do(RetryRefund(at=self.at, case_id=case))

    def open_tasks(self) -> set[str]:
        """Tasks that agents still see, but for those that no case waits for."""
        found: set[str] = set()
        for said in self.said:
            about_an_answer = isinstance(said, TaskWanted) and (
                "task_id" in said.details or (said.kind == "look_into" and "amount" in said.details)
            )
            if isinstance(said, TaskWanted) and "parcel_id" not in said.details and not about_an_answer:
                found.add(said.task_id)
            if isinstance(said, TaskWithdrawn):
                found.discard(said.task_id)
        return found - self.completed


def _check_chart(before: File, after: File) -> None:
    for case in after.cases:
        was = before.case_of(case.case_id)
        if was is not None and was.stage != case.stage:
            assert case.stage in CHART[was.stage].leads_to, (was.stage, case.stage)


def _check(play: AnyPlay) -> None:
    state: File = play.state
    assert STATE.validate_python(STATE.dump_python(state, mode="json")) == state
    shown = {case.case_id: (case.stage, case.deadline_at) for case in play.view.cases}
    assert shown == {
        case.case_id: (case.stage, case.dispute_until if case.stage == "refused" else case.deadline)
        for case in state.cases
    }
    clocks = {(case.timer, case.case_id): case.deadline for case in state.cases if case.deadline}
    closed = [case for case in state.cases if isinstance(case, Closed)]
    clocks |= {("ship_within", case.case_id): case.leaves_by for case in closed if case.leaves_by}
    assert play.timers == clocks
    waited_for = {task for case in state.cases for task, _ in open_tasks(case)}
    assert waited_for <= play.open_tasks() | play.completed
    assert play.open_tasks() <= waited_for
    _check_money(play)


def _check_money(play: AnyPlay) -> None:
    paid = [said for said in play.of("case.refunded") if said.kind != "late_payment"]
    assert len({said.refund_id for said in play.of("case.refunded")}) == len(play.of("case.refunded"))
    assert sum((said.amount for said in paid), Decimal(0)) <= TOTAL
    again = Counter(
        line for said in play.of("case.reship_wanted") if said.kind != "repair" for line in said.lines
    )
    strayed = play.strayed
    assert all(times <= 1 + strayed[line] for line, times in again.items())
    assert all(again[line] <= strayed[line] for said in paid for line in said.lines)
    for line in LINES:
        alone = [said.amount for said in paid if said.lines == (line.line_id,)]
        assert sum(alone, Decimal(0)) <= line.amount + FREIGHT


def _ends(play: AnyPlay) -> Iterator[tuple[str, int]]:
    ends = [said for name in ("case.refunded", "case.closed", "case.refused") for said in play.of(name)]
    ended = Counter(said.case_id for said in ends)
    disputed = {said.case_id for said in play.of("case.disputed")}
    for said in play.of("case.opened"):
        if said.kind != "review" and said.case_id not in disputed:
            yield said.case_id, ended[said.case_id]


@settings(max_examples=200, deadline=None)
@given(starts, st.one_of(st.lists(steps, max_size=25), st.lists(steps, min_size=20, max_size=40)))
def test_whatever_comes_in_whatever_order_the_promises_hold(
    start: tuple[Any, ...], taken: list[tuple[Any, ...]]
) -> None:
    play = AnyPlay()
    for step in (*start, *taken):
        play.take(step)
        _check(play)

    play.run_until(play.at + timedelta(days=90))
    for _ in range(len(play.asked)):
        play.take(("provider", "pays", 0))
    _check(play)

    assert not play.timers
    stuck = {case.case_id for case in play.state.cases if case.stage == "refund_failed"}
    assert all(times == 1 for case, times in _ends(play) if case not in stuck)
    assert {"wanted"} & set(play.asked.values()) == set()
