"""What agents find out: every outcome of the tasks that logistics wants."""

from services.logistics.state import Lost, Moving, PickupCancelled, Returned, Returning, Troubled
from shared.contracts.events import notifications
from shared.kernel.decision import NOTHING
from tests.kit.rules import START, Play, after
from tests.logistics.story import (
    complete,
    contact,
    dispatched,
    messages,
    parcel_of,
    placed,
    scan,
    shipping,
    wanted,
    withdrawn,
)


def test_a_confirmed_pickup_starts_the_clock_again() -> None:
    play = complete(shipping(), "check_pickup", "picked_up", after(hours=30))
    (event,) = play.of("parcel.movement_confirmed")
    assert (event.answer, event.deadline, event.deadline_at) == ("picked_up", "stalled_1", after(hours=78))
    assert play.timers == {("standing", "P-1"): after(hours=78)}
    assert parcel_of(play).tasks == ()


def _overdue() -> Play:
    return shipping().run_until(after(hours=24))


def test_a_rebooked_parcel_is_awaited_by_the_new_carrier() -> None:
    play = complete(_overdue(), "check_pickup", "rebook", after(hours=30), carrier="ups")
    (event,) = play.of("parcel.rebooked")
    assert (event.carrier, event.was_carrier) == ("ups", "dhl")
    play.run_until(after(hours=54))
    first, second = wanted(play, "check_pickup")
    assert first.task_id != second.task_id
    assert play.do(scan("picked_up", after(hours=55))).refused.slug == "parcel-unknown"
    play.do(scan("picked_up", after(hours=55), carrier="ups"))
    assert withdrawn(play)[-1] == ("check_pickup", "scanned")


def test_a_rebooked_parcel_gets_its_new_tracking_number_by_another_dispatch() -> None:
    play = complete(_overdue(), "check_pickup", "rebook", after(hours=30), carrier="ups")
    play.do(dispatched(after(hours=31), carrier="ups", tracking="1Z"))
    assert [event.tracking_no for event in play.of("parcel.dispatched")] == ["T-P-1", "1Z"]
    assert messages(play) == ["parcel_dispatched", "parcel_dispatched"]
    assert play.timers["pickup_overdue", "P-1"] == after(hours=55)
    play.do(scan("picked_up", after(hours=40), carrier="ups", tracking="1Z"))
    parcel = parcel_of(play)
    assert isinstance(parcel, Moving)
    assert parcel.stage == "picked_up"
    play.do(dispatched(START, fact_id="the first one again"))
    assert play.last == NOTHING


def test_a_cancelled_pickup_ends_the_parcel_and_its_lines_are_to_leave_again() -> None:
    play = complete(_overdue(), "check_pickup", "cancelled", after(hours=50))
    assert play.of("parcel.pickup_cancelled")[0].lines == ("1", "2")
    assert isinstance(parcel_of(play), PickupCancelled)
    assert withdrawn(play) == [("check_with_carrier", "pickup_cancelled")]
    assert not play.timers
    play.do(dispatched(after(hours=60), "P-2"))
    assert len(play.of("parcel.dispatched")) == 2


def _stalled() -> Play:
    return shipping().do(scan("in_transit", after(hours=2))).run_until(after(hours=50))


def test_a_parcel_that_moves_by_the_carriers_word_is_watched_from_then() -> None:
    play = complete(_stalled(), "check_with_carrier", "moving", after(hours=60))
    assert play.timers == {("standing", "P-1"): after(hours=108)}
    assert not play.of("parcel.moving_again")
    play.run_until(after(hours=108))
    assert [event.level for event in play.of("parcel.stalled")] == [1, 1]
    assert len({task.task_id for task in wanted(play, "check_with_carrier")}) == 2


def test_an_older_scan_heard_later_does_not_take_the_carriers_word_back() -> None:
    play = complete(_stalled(), "check_with_carrier", "moving", after(hours=60))
    play.do(scan("in_transit", after(hours=20), after(hours=61)))
    assert play.timers["standing", "P-1"] == after(hours=108)


def test_an_announced_delay_moves_the_next_level_behind_its_day() -> None:
    play = complete(
        _stalled(), "check_with_carrier", "delayed_until", after(hours=60), date=after(hours=100).isoformat()
    )
    (event,) = play.of("parcel.delay_announced")
    assert (event.until, event.deadline_at) == (after(hours=100), after(hours=148))
    play.run_until(after(hours=148))
    assert [event.level for event in play.of("parcel.stalled")] == [1, 1]


def test_a_delay_until_a_day_that_has_passed_counts_from_the_answer() -> None:
    play = complete(
        _stalled(), "check_with_carrier", "delayed_until", after(hours=60), date=START.isoformat()
    )
    assert play.timers["standing", "P-1"] == after(hours=108)


def test_a_carrier_that_cannot_find_the_parcel_leads_to_confirming_the_loss_first() -> None:
    play = complete(_stalled(), "check_with_carrier", "lost", after(hours=60))
    assert len(play.of("parcel.lost_suspected")) == len(wanted(play, "confirm_loss")) == 1
    assert not play.of("parcel.lost")
    assert not play.timers
    play.run_until(after(days=30))
    assert len(play.of("parcel.stalled")) == 1


def test_a_carrier_that_cannot_find_a_parcel_thought_lost_wants_nothing_more() -> None:
    play = _stalled().run_until(after(hours=242))
    complete(play, "check_with_carrier", "lost", after(hours=250))
    assert len(play.of("parcel.lost_suspected")) == len(wanted(play, "confirm_loss")) == 1


def test_a_parcel_that_the_carrier_brings_back_is_returning() -> None:
    play = complete(_stalled(), "check_with_carrier", "returning", after(hours=60))
    assert isinstance(parcel_of(play), Returning)
    assert play.of("parcel.return_ordered")[0].deadline_at == after(hours=108)
    play.do(scan("in_transit", after(hours=70)))
    assert isinstance(parcel_of(play), Returning)


def test_a_confirmed_loss_ends_the_parcel_and_the_other_questions() -> None:
    play = complete(shipping().run_until(after(hours=240)), "confirm_loss", "lost", after(hours=250))
    assert play.of("parcel.lost")[0].lines == ("1", "2")
    assert isinstance(parcel_of(play), Lost)
    assert sorted(withdrawn(play)) == [("check_pickup", "lost"), ("check_with_carrier", "lost")]
    assert not play.timers
    assert not play.of("carrier_claim.opened")
    play.do(scan("delivered", after(hours=260)))
    assert not play.of("parcel.delivered")


def test_a_found_parcel_is_watched_again_from_then() -> None:
    play = complete(shipping().run_until(after(hours=240)), "confirm_loss", "found", after(hours=250))
    assert len(play.of("parcel.found")) == 1
    assert play.timers == {("standing", "P-1"): after(hours=298)}
    play.run_until(after(hours=250 + 240))
    assert len(play.of("parcel.lost_suspected")) == 2
    assert len({task.task_id for task in wanted(play, "confirm_loss")}) == 2


def _troubled() -> Play:
    return shipping().do(scan("in_transit", after(hours=2)), scan("exception", after(hours=5)))


def test_an_agent_resolves_an_exception() -> None:
    play = complete(_troubled(), "resolve_exception", "resolved", after(hours=8))
    assert play.of("parcel.exception_resolved")[0].by == "agent"
    parcel = parcel_of(play)
    assert isinstance(parcel, Moving)
    assert parcel.stage == "in_transit"
    assert play.timers["standing", "P-1"] == after(hours=53)
    play.do(scan("exception", after(hours=9)))
    assert len(wanted(play, "resolve_exception")) == 2


def test_a_corrected_address_comes_by_reference_and_is_said_without_it() -> None:
    play = complete(_troubled(), "resolve_exception", "new_address", after(hours=8), contact="contacts.v1")
    assert play.names()[-2:] == ["parcel.address_corrected", "parcel.exception_resolved"]


def test_a_parcel_sent_back_after_an_exception_is_returning() -> None:
    play = complete(_troubled(), "resolve_exception", "return_to_sender", after(hours=8))
    assert isinstance(parcel_of(play), Returning)
    assert not play.of("parcel.exception_resolved")
    play.do(scan("returning", after(hours=9)), scan("returned", after(hours=20)))
    assert isinstance(parcel_of(play), Returned)


def test_a_returning_parcel_has_no_exception_to_resolve() -> None:
    play = _troubled().run_until(after(hours=53))
    complete(play, "check_with_carrier", "returning", after(hours=60))
    assert withdrawn(play) == [("resolve_exception", "returning")]


def test_a_returned_parcel_goes_out_again_or_is_paid_back() -> None:
    back = shipping().do(scan("returned", after(hours=5)))
    complete(back, "confirm_address_and_resend", "resend", after(hours=8), contact="contacts.v1")
    assert back.of("parcel.resend_wanted")[0].lines == ("1", "2")
    paid = shipping().do(scan("returned", after(hours=5)))
    complete(paid, "confirm_address_and_resend", "refund", after(hours=8))
    assert len(paid.of("parcel.refund_wanted")) == 1
    complete(paid, "confirm_address_and_resend", "refund", after(hours=9))
    assert len(paid.of("parcel.refund_wanted")) == 1
    assert paid.refused.slug == "task-not-open"


def test_an_answer_that_a_scan_overtook_is_refused() -> None:
    play = shipping().run_until(after(hours=240)).do(scan("in_transit", after(hours=241)))
    complete(play, "confirm_loss", "lost", after(hours=242))
    assert play.refused.slug == "task-not-open"
    assert not play.of("parcel.lost")


def test_an_answer_to_another_services_task_is_not_heard() -> None:
    play = _troubled()
    payload = notifications.TaskCompleted(
        task_id=wanted(play, "resolve_exception")[0].task_id,
        kind="resolve_exception",
        wanted_by="orders",
        agent_id="a",
        outcome="resolved",
    )
    play.hear(payload, after(hours=8))
    assert isinstance(parcel_of(play), Troubled)


def test_a_malformed_answer_is_not_heard() -> None:
    play = _stalled()
    complete(play, "check_with_carrier", "delayed_until", after(hours=60), date="soon")
    complete(play, "check_with_carrier", "beamed_up", after(hours=60))
    assert parcel_of(play).task("check_with_carrier") is not None


def test_the_newest_contact_stays_whichever_was_heard_first() -> None:
    play = Play(shipping().service).hear(contact("Confirmed"), after(hours=9))
    play.hear(placed(), START).hear(contact("As ordered"), START)
    assert play.state.contact.receiver.name == "Confirmed"
    play.hear(contact("Moved"), after(hours=10))
    assert play.state.contact.receiver.name == "Moved"
