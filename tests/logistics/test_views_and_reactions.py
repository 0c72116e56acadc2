"""What is shown of an order's parcels, what they are found by, and what logistics makes of events."""

from decimal import Decimal

import pytest

from services.logistics.app import SERVICE
from services.logistics.react import react
from services.logistics.state import INITIAL, PARCEL_CHART, evolve, keys
from services.logistics.views import SHOWN, LogisticsView, ParcelView
from shared.contracts.event import Payload, payloads
from shared.contracts.events import notifications, orders
from shared.contracts.examples import ORDER, TRACKING_NO, example_of
from shared.contracts.facts import tracking_subject
from shared.kernel.decision import TimerDue
from tests.kit.rules import START, Play, after, default_profile, heard
from tests.logistics.story import complete, contact, dispatched, placed, scan, shipping


def _shown(play: Play, parcel_id: str = "P-1") -> ParcelView:
    view: LogisticsView = play.view
    return next(parcel for parcel in view.parcels if parcel.parcel_id == parcel_id)


def test_the_view_shows_where_every_parcel_is_and_what_comes_next() -> None:
    play = shipping().do(
        dispatched(after(hours=1), "P-2", "2"),
        scan("in_transit", after(hours=9), location="Leipzig"),
    )
    view: LogisticsView = play.view
    assert (view.shop_id, set(view.stages)) == ("demo", {"in_transit", "dispatched"})
    assert view.deadline_at == after(hours=25)
    first = _shown(play)
    assert first.newest_scan is not None
    assert (first.newest_scan.status, first.newest_scan.location) == ("in_transit", "Leipzig")
    assert (first.deadline, first.deadline_at) == ("stalled_1", after(hours=57))
    assert [line.what for line in first.trace] == ["parcel.dispatched", "parcel.in_transit"]


def test_the_view_shows_stalls_and_their_end() -> None:
    play = shipping().run_until(after(hours=241))
    shown = _shown(play)
    assert (shown.stalled_level, shown.lost_suspected) == (2, True)
    assert {task.kind for task in shown.open_tasks} == {"check_pickup", "check_with_carrier", "confirm_loss"}
    complete(play, "confirm_loss", "found", after(hours=250))
    shown = _shown(play)
    assert (shown.stalled_level, shown.lost_suspected) == (0, False)
    assert shown.open_tasks == ()


def test_the_view_shows_an_exception_until_it_is_resolved() -> None:
    play = shipping().do(
        scan("in_transit", after(hours=2)),
        scan("exception", after(hours=5), text="Severe weather"),
        scan("exception", after(hours=6), text="Severe weather"),
    )
    shown = _shown(play)
    assert (shown.stage, shown.exception, shown.fault) == ("exception", "weather", "weather")
    complete(play, "resolve_exception", "resolved", after(hours=8))
    shown = _shown(play)
    assert (shown.stage, shown.exception, shown.fault) == ("in_transit", None, None)


def test_the_view_shows_the_end_and_the_claim() -> None:
    play = complete(shipping(), "confirm_loss", "lost", after(hours=250))
    shown = _shown(play)
    assert (shown.stage, shown.deadline_at, shown.open_tasks) == ("lost", None, ())
    assert play.view.deadline_at is None


def test_the_views_trace_is_bounded() -> None:
    play = shipping().do(*(scan("in_transit", after(minutes=n)) for n in range(1, SHOWN + 9)))
    assert len(_shown(play).trace) == SHOWN


def test_the_view_holds_no_receiver() -> None:
    play = shipping().hear(contact("Erika Mustermann"), START)
    assert "Erika" in SERVICE.state.dump_json(play.state).decode()
    assert "Erika" not in SERVICE.view.dump_json(play.view).decode()


def test_an_order_is_found_by_its_parcels_and_tracking_numbers() -> None:
    play = shipping("P-1", "P-2")
    assert keys(play.state) == ("P-1", "P-2", "dhl/T-P-1", "dhl/T-P-2")
    complete(play, "check_pickup", "rebook", after(hours=30), carrier="ups")
    assert "ups/T-P-1" in keys(play.state)
    assert keys(INITIAL) == ()


@pytest.mark.parametrize("payload", payloads().values(), ids=lambda cls: cls.name)
def test_every_event_is_tolerated_before_and_after_dispatch(payload: type[Payload]) -> None:
    event = example_of(payload)
    for play in (Play(SERVICE, event.subject), shipping()):
        reactions = react(event)
        about = {event.subject, ORDER, tracking_subject(TRACKING_NO)}
        of_carriers = ("incident~", "scorecard~")
        assert {subject for subject, _ in reactions if not subject.startswith(of_carriers)} <= about
        for _, command in reactions:
            play.do(command)
        evolve(play.state, event)
        SERVICE.project(play.view, event)


def test_an_event_that_is_nothing_to_logistics_leaves_the_view_untouched() -> None:
    play = shipping()
    paid = orders.OrderPaid(amount=Decimal("19.80"), payment_id="p", ship_by=START)
    assert SERVICE.project(play.view, heard(paid, START)) is play.view
    other = notifications.TaskCompleted(
        task_id="look_into-1", kind="look_into", wanted_by="logistics", agent_id="a", outcome="fixed"
    )
    assert SERVICE.project(play.view, heard(other, START)) is play.view
    assert react(heard(other, START)) == ()


def test_a_timer_that_nothing_belongs_to_changes_nothing() -> None:
    play = shipping().do(scan("delivered", after(hours=1)))
    for name in ("standing", "pickup_overdue", "something_else"):
        for key in ("P-1", "P-9", ""):
            play.do(TimerDue(name=name, key=key, due_at=after(hours=50), at=after(hours=50)))
    Play(SERVICE).do(TimerDue(name="standing", key="P-1", due_at=START, at=START))
    assert play.names().count("parcel.stalled") == 0


def test_an_order_heard_twice_is_learnt_once() -> None:
    play = shipping().hear(placed("1", "2", "3"), after(hours=1))
    assert play.state.lines == ("1", "2")


def test_the_chart_names_every_stage_and_leads_somewhere_known() -> None:
    stages = {stage.stage: stage for stage in PARCEL_CHART.stages}
    assert all(to in stages for stage in stages.values() for to in stage.leads_to)
    assert {name for name, stage in stages.items() if stage.final} == {"delivered", "returned", "lost"}
    assert all(stage.final == (not stage.leads_to) for stage in stages.values())
    values = type(default_profile().values).model_fields
    assert all(stage.deadline in values for stage in stages.values() if stage.deadline)
