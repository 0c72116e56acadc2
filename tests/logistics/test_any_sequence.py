"""Whatever carriers, clocks and agents do, in any order: a parcel stays on its chart."""

from datetime import timedelta
from typing import Any, Final, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from services.logistics.app import SERVICE
from services.logistics.decide.dispatch import RESEND
from services.logistics.state import PARCEL_CHART, STATE, Placed, Troubled
from shared.contracts.events import notifications
from shared.contracts.events.common import TaskWanted
from shared.contracts.facts import ScanStatus
from shared.contracts.tasks import OUTCOMES
from tests.kit.rules import START, Play
from tests.logistics.story import ORDER, dispatched, parcel_of, placed, scan

ENDS: Final = ("parcel.delivered", "parcel.returned", "parcel.lost")
RANK: Final = {
    "dispatched": 0,
    "picked_up": 1,
    "in_transit": 2,
    "out_for_delivery": 3,
    "returning": 4,
    "delivered": 5,
    "returned": 5,
    "lost": 5,
    "pickup_cancelled": 5,
}
LEADS_TO: Final = {stage.stage: {stage.stage, *stage.leads_to} for stage in PARCEL_CHART.stages}
DETAILS: Final[dict[str, dict[str, Any]]] = {
    "rebook": {"carrier": "dhl"},
    "delayed_until": {"date": (START + timedelta(hours=90)).isoformat()},
}

hours = st.integers(min_value=-5, max_value=300)
scans = st.tuples(st.just("scan"), st.sampled_from(get_args(ScanStatus)), hours)
answers = st.tuples(st.just("answer"), st.integers(0, 3), st.integers(0, 3))
waits = st.tuples(st.just("wait"), st.sampled_from([1, 24, 48, 130, 260]), st.just(0))
again = st.tuples(st.just("dispatch"), st.just(0), st.just(0))
steps = st.lists(st.one_of(scans, scans, answers, waits, again), max_size=25)


def _answer(play: Play, which: int, choice: int, at: Any) -> None:
    open_tasks = parcel_of(play).tasks
    if not open_tasks:
        return
    task = open_tasks[which % len(open_tasks)]
    outcomes = sorted(OUTCOMES[task.kind])
    outcome = outcomes[choice % len(outcomes)]
    payload = notifications.TaskCompleted(
        task_id=task.task_id,
        kind=task.kind,
        wanted_by="logistics",
        agent_id="agent-mia",
        outcome=outcome,
        details=DETAILS.get(outcome, {}),
    )
    play.hear(payload, at)


def _rank(play: Play) -> int:
    parcel = parcel_of(play)
    return RANK[parcel.before if isinstance(parcel, Troubled) else parcel.stage]


def _check_that_everything_agrees(play: Play) -> None:
    state: Placed = play.state
    parcel, (shown,) = parcel_of(play), play.view.parcels
    assert shown.stage == parcel.stage
    assert shown.carrier == parcel.carrier
    assert [task.task_id for task in shown.open_tasks] == [task.task_id for task in parcel.tasks]
    clocks = {at for (name, _), at in play.timers.items() if name != RESEND}  # what no parcel waits for
    assert shown.deadline_at == min(clocks, default=None)
    assert sum(play.names().count(end) for end in ENDS) <= 1
    assert STATE.validate_python(STATE.dump_python(state, mode="json")) == state
    assert SERVICE.view.validate_python(SERVICE.view.dump_python(play.view, mode="json")) == play.view
    wanted = [payload.task_id for payload in play.said if isinstance(payload, TaskWanted)]
    assert len(set(wanted)) == len(wanted)
    told = {message.message_id: message.params for message in play.of("message.wanted")}
    assert all(told[message.message_id] == message.params for message in play.of("message.wanted"))


@settings(max_examples=250, deadline=None)
@given(steps)
def test_no_parcel_goes_backwards_leaves_its_chart_or_ends_twice(story: list[tuple[str, Any, int]]) -> None:
    play = Play(SERVICE, ORDER).hear(placed(), START).do(dispatched())
    now = START
    for what, first, second in story:
        now += timedelta(minutes=7)
        play.run_until(now - timedelta(microseconds=1))
        stage, rank = parcel_of(play).stage, _rank(play)
        match what:
            case "scan":
                play.do(scan(first, START + timedelta(hours=second), now))
            case "answer":
                _answer(play, first, second, now)
            case "dispatch":
                play.do(dispatched(now, fact_id=f"again-{now}"))
            case _:
                now += timedelta(hours=first)
                play.run_until(now)
        assert parcel_of(play).stage in LEADS_TO[stage]
        assert _rank(play) >= rank or stage == "pickup_cancelled"  # it has left after all
        _check_that_everything_agrees(play)
    play.run_until(now + timedelta(days=400))
    assert not play.timers
    _check_that_everything_agrees(play)
