"""Whatever happens to an order, in any order: the rules never raise, never leave the chart, end it once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Self

from hypothesis import given, settings
from hypothesis import strategies as st

from services.orders.app import SERVICE
from services.orders.state import ORDER_CHART, Delivered
from shared.contracts.events import logistics
from shared.contracts.tasks import OUTCOMES
from tests.kit.rules import START
from tests.orders.play import OrderPlay, order_cancelled, order_paid, order_placed, parcel_of

LEADS_TO = {stage.stage: {stage.stage, *stage.leads_to} for stage in ORDER_CHART.stages}
ENDS = ("order.completed", "order.refunded")
ONCE = (
    "order.placed",
    "order.closed",
    "order.cancelled",
    "order.paid",
    "order.ship_overdue",
    "order.dispatched",
    "order.delivered",
    *ENDS,
)

Step = Callable[["WatchedPlay", datetime], object]


class WatchedPlay(OrderPlay):
    """A play that checks every step of the file against the chart."""

    def __init__(self) -> None:
        super().__init__()
        self.service = replace(SERVICE, evolve=self._evolve)

    def _evolve(self, state: Any, happened: Any) -> Any:
        evolved = SERVICE.evolve(state, happened)
        assert evolved.stage in LEADS_TO[state.stage], (state.stage, evolved.stage, happened)
        return evolved

    def do(self, *commands: Any, now: datetime | None = None) -> Self:
        for command in commands:
            before = self.state.stage
            super().do(command, now=now)
            assert self.state.stage in LEADS_TO[before], (before, self.state.stage, command)
        return self

    def check(self) -> None:
        """What holds at every moment."""
        assert self.view.stage == self.state.stage
        assert SERVICE.state.validate_python(SERVICE.state.dump_python(self.state, mode="json")) == self.state
        assert SERVICE.view.validate_python(SERVICE.view.dump_python(self.view, mode="json")) == self.view
        names = self.names()
        for name in ONCE:
            assert names.count(name) <= 1, name
        assert sum(names.count(name) for name in ENDS) <= 1
        wanted = [task.task_id for task in self.of("task.wanted")]
        assert len(wanted) == len(set(wanted))
        told = [message.message_id for message in self.of("message.wanted")]
        assert len(told) == len(set(told))
        self._check_deadline()

    def _check_deadline(self) -> None:
        running = {name: due_at for (name, _), due_at in self.timers.items()}
        if self.state.stage in {"closed", "cancelled", "refunded", "completed"}:
            assert not running
        shown = {"payment": "close_unpaid", "ship": "ship", "completion": "complete"}
        deadline = getattr(self.view, "deadline", None)
        if deadline is not None:
            assert running[shown[deadline]] == self.view.deadline_at
        if isinstance(self.state, Delivered) and self.state.completion.runs_to is not None:
            assert running["complete"] == self.state.completion.runs_to


def no_waiting(step: Step) -> Step:
    """The same step, told late: timers that are due by then have not fired."""

    def late(play: WatchedPlay, at: datetime) -> object:
        fire, play.run_until = play.run_until, lambda moment: play  # type: ignore[method-assign]
        try:
            return step(play, at)
        finally:
            play.run_until = fire  # type: ignore[method-assign]

    return late


def fact(build: Callable[..., Any], **about: Any) -> Step:
    return lambda play, at: play.do(build(at, **about))


def told(name: str, *args: Any, **about: Any) -> Step:
    def step(play: WatchedPlay, at: datetime) -> object:
        first, *rest = args
        return getattr(play, name)(first, at, *rest, **about)

    return step


def answer(number: int, choice: int, days: int) -> Step:
    """An agent answers one of the tasks by one of its outcomes, or by nonsense."""

    def step(play: WatchedPlay, at: datetime) -> object:
        tasks = play.of("task.wanted")
        if not tasks:
            return None
        task = tasks[number % len(tasks)]
        outcomes = ("nonsense", *sorted(OUTCOMES[task.kind]))
        outcome = outcomes[choice % len(outcomes)]
        details = {"date": (at + timedelta(days=days)).isoformat()} if outcome == "ships_on" else {}
        return play.answered(task, outcome, at, **details)

    return step


def found_or_rebooked(parcel_id: str, found: bool) -> Step:
    payload = logistics.ParcelFound if found else logistics.ParcelRebooked
    about = parcel_of(parcel_id) if found else {**parcel_of(parcel_id), "was_carrier": "dhl"}
    return lambda play, at: play.hear(payload.model_validate(about), at)


WHOLE = ("1", "2")
LINES = st.sampled_from([WHOLE, WHOLE, ("1",), ("2",), ("2", "9"), ("9",), ()])
PARCELS = st.sampled_from(["p1", "p2", "p3"])
CASES = st.sampled_from(
    [("c1", "refund_only"), ("c2", "return_and_refund"), ("c3", "cancellation"), ("c4", "late_payment")]
)
Case = tuple[str, str]


def placed(total: str) -> Step:
    return fact(order_placed, total=total)


def paid(number: int) -> Step:
    return fact(order_paid, payment_id=f"P-{number}")


def opened(case: Case, lines: tuple[str, ...], holds: bool) -> Step:
    return told("case_opened", case[0], lines, case[1], holds)


def approved(case: Case, lines: tuple[str, ...]) -> Step:
    return told("case_approved", case[0], lines)


def refunded(case: Case, lines: tuple[str, ...], amount: str, by_rule: str) -> Step:
    return told("case_refunded", case[0], lines, amount, case[1], by_rule)


def closed(case: Case) -> Step:
    return told("case_closed", *case)


def refused(case: Case) -> Step:
    return told("case_refused", case[0])


STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(placed, st.sampled_from(["30.00", "31.00"])),
    st.builds(paid, st.integers(1, 3)),
    st.builds(lambda back: fact(order_cancelled, paid_back=back), st.booleans()),
    st.builds(partial(told, "left"), PARCELS, LINES),
    st.builds(partial(told, "arrived"), PARCELS, LINES),
    st.builds(
        partial(told, "strayed"), PARCELS, st.sampled_from(["lost", "returned", "pickup_cancelled"]), LINES
    ),
    st.builds(found_or_rebooked, PARCELS, st.booleans()),
    st.builds(opened, CASES, LINES, st.booleans()),
    st.builds(approved, CASES, LINES),
    st.builds(
        refunded,
        CASES,
        LINES,
        st.sampled_from(["0", "15.00", "30.00", "999999999999999"]),
        st.sampled_from(["answer_within", "answer_within", "offer"]),
    ),
    st.builds(closed, CASES),
    st.builds(refused, CASES),
    st.builds(answer, st.integers(0, 5), st.integers(0, 11), st.sampled_from([-1, 2])),
)
GAPS = st.sampled_from(
    [timedelta(0), timedelta(hours=1), timedelta(hours=12), timedelta(days=3), timedelta(days=12)]
)


def paid_late(play: WatchedPlay, at: datetime) -> object:
    """The order closes, and a payment comes late."""
    play.run_until(at + timedelta(days=1))
    return play.do(order_paid(at + timedelta(days=1, hours=1)))


STARTS: dict[str, tuple[Step, ...]] = {
    "unknown": (),
    "unpaid": (fact(order_placed),),
    "paid": (fact(order_placed), fact(order_paid)),
    "cancelled": (fact(order_placed), fact(order_cancelled)),
    "cancelling": (fact(order_placed), fact(order_paid), fact(order_cancelled)),
    "dispatched": (fact(order_placed), fact(order_paid), told("left", "p1")),
    "closed": (fact(order_placed), paid_late),
    "delivered": (fact(order_placed), fact(order_paid), told("left", "p1"), told("arrived", "p1")),
}


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(STARTS)),
    st.lists(st.tuples(STEPS, GAPS, st.booleans(), st.booleans()), max_size=25),
)
def test_no_sequence_of_events_raises_leaves_the_chart_or_ends_an_order_twice(
    start: str, steps: list[tuple[Step, timedelta, bool, bool]]
) -> None:
    play, at = WatchedPlay(), START
    for step in STARTS[start]:
        step(play, START)
    assert play.stage == start
    for step, gap, late, out_of_order in steps:
        at += gap
        if not late:
            play.run_until(at)
        (no_waiting(step) if late else step)(play, at - timedelta(days=1) if out_of_order else at)
        play.check()
    play.run_until(at + timedelta(days=400))
    play.check()
    assert not play.timers
