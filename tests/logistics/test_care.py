"""Weights side by side, enquiries with their three steps, refused parcels, complaints, and measures."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.logistics import commands as ask
from services.logistics.app import SERVICE
from services.logistics.decide.scorecards import suggested
from services.logistics.decide.surcharges import quoted
from services.logistics.decide.weights import compared
from services.logistics.state.care import Weights
from services.logistics.state.scorecards import EDGES, Histogram, Scorecard, summed
from shared.contracts.events import aftersales, incidents, orders
from shared.contracts.facts import Receiver
from shared.kernel.carriage import Surcharge
from shared.kernel.decision import NOTHING
from tests.kit.rules import START, Play, after, default_profile
from tests.logistics.story import (
    ORDER,
    complete,
    dispatched,
    line,
    parcel_of,
    placed,
    scan,
    shipping,
    wanted,
    withdrawn,
)


def heavy(*grams: int) -> orders.OrderPlaced:
    lines = tuple(
        line(str(n)).model_copy(update={"weight_grams": weight}) for n, weight in enumerate(grams, 1)
    )
    return placed().model_copy(update={"lines": lines})


@pytest.mark.parametrize(
    ("weights", "verdict", "reason"),
    [
        ((1000, 1100, 1110), "matches", "not_below_order"),
        ((1000, 800, 810), "short", "carrier_below_order"),
        ((1000, 800, None), "short", "warehouse_below_order"),
        ((1000, 1100, 900), "short", "carrier_below_warehouse"),
        ((1000, 1100, 1500), "unclear", "carrier_above_warehouse"),
        ((None, 1100, 1120), "matches", "carrier_and_warehouse_agree"),
        ((None, 1100, None), "unclear", "one_weight_only"),
        ((1000, None, None), "unclear", "nobody_weighed_it"),
    ],
)
def test_weights_speak_for_something(
    weights: tuple[int | None, int | None, int | None], verdict: str, reason: str
) -> None:
    ordered, warehouse, carrier = weights
    told = Weights(ordered=ordered, warehouse=warehouse, carrier=carrier)
    assert compared(told, 60) == (verdict, reason)


def test_exactly_at_the_tolerance_two_weights_agree() -> None:
    assert compared(Weights(warehouse=1000, carrier=940), 60)[0] == "matches"
    assert compared(Weights(warehouse=1000, carrier=939), 60)[0] == "short"


def test_a_carriers_weight_is_compared_when_it_is_told() -> None:
    play = Play(SERVICE).hear(heavy(600, 400), START).do(dispatched(START, weight=1050))
    play.do(scan("picked_up", after(hours=2), weight_grams=760))
    said = play.of("parcel.weighed")
    assert [(each.carrier_grams, each.verdict) for each in said] == [(None, "matches"), (760, "short")]
    shown = play.view.parcels[0].weights
    assert (shown.ordered_grams, shown.warehouse_grams, shown.carrier_grams) == (1000, 1050, 760)
    assert (shown.verdict, shown.reason, shown.tolerance_grams) == ("short", "carrier_below_warehouse", 52)
    play.do(scan("in_transit", after(hours=3), weight_grams=760))
    assert len(play.of("parcel.weighed")) == 2


def sighted(grams: int | None, hours: float) -> ask.TakeScan:
    body = scan("picked_up", after(hours=2), weight_grams=grams).data
    return ask.TakeScan(
        at=after(hours=hours), sighting_id=f"s-{grams}", order_id=ORDER, told_at=after(hours=hours), scan=body
    )


def test_a_weight_that_a_carrier_tells_by_tracking_number_is_compared_too() -> None:
    play = Play(SERVICE).hear(heavy(600, 400), START).do(dispatched(START, weight=1050))
    play.do(sighted(760, 3))
    assert [(each.carrier_grams, each.verdict) for each in play.of("parcel.weighed")][-1] == (760, "short")


def test_of_two_parcels_with_one_number_a_scan_moves_the_one_that_it_was_found_to_be_about() -> None:
    play = Play(SERVICE).hear(placed(), START)
    play.do(dispatched(START, "P-1", "1", tracking="T-P-1"))
    play.do(dispatched(after(hours=1), "P-2", "2", tracking="T-P-1"))
    play.do(sighted(760, 3).model_copy(update={"parcel_id": "P-1"}))
    assert [parcel_of(play, each).stage for each in ("P-1", "P-2")] == ["picked_up", "dispatched"]
    assert [each.parcel_id for each in play.of("parcel.weighed")] == ["P-1"]


def test_a_weight_that_is_told_later_of_the_same_scan_is_not_lost() -> None:
    play = shipping().do(sighted(None, 3)).do(sighted(760, 4))
    assert [each.carrier_grams for each in play.of("parcel.weighed")] == [760]
    assert len(parcel_of(play).trace) == 1
    assert play.do(sighted(760, 5)).last == NOTHING


def test_lines_that_are_in_two_parcels_tell_nothing_of_one() -> None:
    play = Play(SERVICE).hear(heavy(600, 400), START).do(dispatched(START, "P-1", "1", weight=1050))
    play.do(dispatched(START, "P-2", "1", "2", weight=50))
    assert play.view.parcels[1].weights.ordered_grams is None


def enquire(play: Play, hours: float, about: str = "lookup") -> Play:
    command = ask.RegisterEnquiry.model_validate(
        {"at": after(hours=hours), "parcel_id": "P-1", "about": about, "channel": "chat", "text": "Where?"}
    )
    return play.do(command)


def stage(play: Play) -> str:
    enquiry = parcel_of(play).enquiry
    shown = play.view.parcels[0].enquiry
    assert enquiry is not None
    assert shown is not None
    assert (shown.stage, shown.deadline_at) == (enquiry.stage, enquiry.deadline_at)
    return enquiry.stage


def test_an_enquiry_is_registered_answered_and_followed_up() -> None:
    play = enquire(shipping(), 10)
    assert stage(play) == "registered"
    assert wanted(play, "answer_enquiry")[0].due_at == after(hours=34)
    complete(play, "answer_enquiry", "feedback", after(hours=12), reply_id="r-1")
    assert stage(play) == "answered"
    assert play.view.deadline_at is not None
    assert wanted(play, "follow_up_enquiry")[0].due_at == after(hours=60)
    complete(play, "follow_up_enquiry", "settled", after(hours=40), result="buyer content")
    assert stage(play) == "settled"
    assert play.of("enquiry.followed_up")[0].settled


def test_an_enquiry_that_did_not_help_is_asked_again() -> None:
    play = complete(enquire(shipping(), 10), "answer_enquiry", "feedback", after(hours=12), reply_id="r")
    complete(play, "follow_up_enquiry", "ask_again", after(hours=40))
    assert stage(play) == "registered"
    assert wanted(play, "answer_enquiry")[-1].priority == "high"


def test_one_enquiry_at_a_time_and_the_buyers_words_are_in_no_event() -> None:
    play = enquire(enquire(shipping(), 10, "urge"), 11)
    assert play.refused.slug == "enquiry-open"
    assert not any("Where?" in said.model_dump_json() for said in play.said)
    assert wanted(play, "answer_enquiry")[0].priority == "high"


def test_an_enquiry_ends_with_the_arrival_and_not_with_a_scan_on_the_way() -> None:
    play = enquire(shipping(), 10).do(scan("in_transit", after(hours=20)))
    assert stage(play) == "registered"
    play.do(scan("delivered", after(hours=30)))
    assert stage(play) == "settled"
    assert withdrawn(play) == [("answer_enquiry", "delivered")]
    assert not play.view.parcels[0].open_tasks


def test_a_parcel_that_arrived_elsewhere_is_asked_after_too() -> None:
    play = enquire(shipping().do(scan("delivered", after(hours=5))), 10)
    complete(play, "answer_enquiry", "feedback", after(hours=12), reply_id="r")
    assert stage(play) == "answered"


def test_a_refused_parcel_is_settled_when_it_is_back() -> None:
    play = shipping().do(ask.RefuseParcel(at=after(hours=5), parcel_id="P-1", reason="crushed"))
    assert play.of("parcel.refused")[0].reason == "crushed"
    assert wanted(play, "resolve_exception")[0].priority == "high"
    assert play.do(ask.RefuseParcel(at=after(hours=6), parcel_id="P-1", reason="again")).last == NOTHING
    play.do(scan("returned", after(hours=50)))
    assert wanted(play, "confirm_address_and_resend")[0].details["refused"] == "crushed"
    late = ask.RefuseParcel(at=after(hours=60), parcel_id="P-1", reason="late")
    assert play.do(late).refused.slug == "parcel-ended"


@pytest.mark.parametrize(
    ("outcome", "stage"),
    [("return_to_sender", "returning"), ("resolved", "picked_up"), ("new_address", "picked_up")],
)
def test_what_an_agent_does_about_a_refused_parcel_is_taken(outcome: str, stage: str) -> None:
    play = shipping().do(scan("picked_up", after(hours=2)))
    play.do(ask.RefuseParcel(at=after(hours=5), parcel_id="P-1", reason="crushed"))
    complete(play, "resolve_exception", outcome, after(hours=6))
    assert parcel_of(play).stage == play.view.parcels[0].stage == stage
    assert not parcel_of(play).tasks


def test_a_refused_parcel_that_the_carrier_brings_back_keeps_its_task() -> None:
    play = shipping().run_until(after(hours=48))
    play.do(ask.RefuseParcel(at=after(hours=49), parcel_id="P-1", reason="crushed"))
    complete(play, "check_with_carrier", "returning", after(hours=50))
    assert [task.kind for task in parcel_of(play).tasks] == ["resolve_exception"]
    complete(play, "resolve_exception", "return_to_sender", after(hours=51))
    assert not parcel_of(play).tasks


def opened_case(reason: str, case_id: str = "c-1") -> aftersales.CaseOpened:
    return aftersales.CaseOpened.model_validate(
        {
            "case_id": case_id,
            "kind": "refund_only",
            "reason": reason,
            "lines": ["1"],
            "amount": "9.90",
            "currency": "EUR",
            "holds_order": True,
        }
    )


def test_a_case_about_the_carriage_is_linked_with_its_parcel_once() -> None:
    play = shipping().hear(opened_case("not_received"), after(hours=9))
    play.hear(opened_case("wrong_item", "c-2"), after(hours=9))
    assert [(each.case_id, each.parcel_id) for each in play.of("parcel.complained_of")] == [("c-1", "P-1")]
    again = ask.LinkComplaint(at=after(hours=10), case_id="c-1", reason="not_received", parcel_id="P-1")
    assert play.do(again).last == NOTHING
    assert play.view.parcels[0].complaints == parcel_of(play).complaints == ("c-1",)


def test_a_complaint_too_many_is_refused() -> None:
    play = shipping()
    for number in range(21):
        again = ask.LinkComplaint(at=after(hours=9), case_id=f"c-{number}", reason="late", parcel_id="P-1")
        play.do(again)
    assert play.refused.slug == "too-many-complaints"
    assert len(parcel_of(play).complaints) == 20


def measured(profile: Any = None) -> Play:
    return shipping(profile=profile or default_profile(scorecards=True))


def test_a_parcel_is_measured_when_it_arrives() -> None:
    play = measured().hear(opened_case("delivered_late"), after(hours=1))
    play.do(scan("picked_up", after(hours=3))).run_until(after(hours=60))
    play.do(scan("delivered", after(hours=70)))
    complained, arrived = play.of("parcel.measured")
    assert complained.what == "complained"
    assert (arrived.pickup_hours, arrived.transit_hours, arrived.longest_gap_hours) == (3, 67, 67)
    assert (arrived.stalled, arrived.week, arrived.route) == (True, "2026-W10", "unknown>unknown")


def test_nothing_is_measured_where_nobody_wants_it() -> None:
    play = measured(default_profile()).do(scan("delivered", after(hours=70)))
    assert not play.of("parcel.measured")


def card_of(*told: incidents.ParcelMeasured) -> Scorecard:
    play = Play(SERVICE, "scorecard~x")
    for each in told:
        play.do(ask.MeasureParcel(at=START, shop_id="demo", measured=each))
    assert isinstance(play.state, Scorecard)
    return play.state


def arrived(gap: int, what: str = "delivered") -> incidents.ParcelMeasured:
    return incidents.ParcelMeasured.model_validate(
        {
            "parcel_id": "P",
            "carrier": "dhl",
            "tracking_no": "T",
            "route": "DE>DE",
            "week": "2026-W10",
            "what": what,
            "pickup_hours": 2 if what == "delivered" else None,
            "transit_hours": 30 if what == "delivered" else None,
            "longest_gap_hours": gap if what == "delivered" else None,
            "stalled": gap > 48,
        }
    )


def test_a_scorecard_counts_and_suggests_levels_only_from_enough_parcels() -> None:
    card = card_of(*(arrived(20) for _ in range(47)), arrived(60), arrived(100), arrived(60, "lost"))
    assert (card.delivered, card.lost, card.stalled, card.ended) == (49, 1, 3, 50)
    assert suggested([card]).why == "too_few"
    enough = suggested([card, card])
    assert (enough.parcels, enough.stall_levels_hours) == (98, (24, 120))
    assert suggested([card_of(*(arrived(900) for _ in range(60)))]).why == "too_long"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 900), min_size=1, max_size=40), st.integers(1, 99))
def test_a_percentile_is_never_below_the_true_one_and_sums_lose_nothing(
    hours: list[int], percent: int
) -> None:
    parts = [Histogram().with_hours(each) for each in hours]
    whole = summed(parts)
    assert whole.total == len(hours)
    true = sorted(hours)[max(0, -(-len(hours) * percent // 100) - 1)]
    edge = whole.percentile(percent)
    assert edge is None if true > EDGES[-1] else edge is not None and edge >= true


ROWS = (
    Surcharge.model_validate({"carrier": "sf", "amount": "12.00", "currency": "CNY"}),
    Surcharge.model_validate(
        {"carrier": "sf", "route": "international", "amount": "80.00", "currency": "CNY"}
    ),
    Surcharge.model_validate(
        {"carrier": "SF", "destination": "China/Tibet", "amount": "23.00", "currency": "CNY"}
    ),
)


@pytest.mark.parametrize(
    ("country", "state", "amount"),
    [("China", "Zhejiang", "12.00"), ("China", "Tibet", "23.00"), ("Japan", None, "80.00")],
)
def test_who_insists_on_a_carrier_pays_by_the_way(country: str, state: str | None, amount: str) -> None:
    profile = default_profile(surcharges=ROWS).model_copy(update={"ships_from": "China/Shanghai"})
    play = shipping(profile=profile)
    receiver = Receiver(name="Ada", country=country, state=state)
    play.hear(orders.ContactChanged(buyer_id="b-1", receiver=receiver), after(hours=1))
    quote = quoted(play.state, "sf", profile)
    assert (quote.agreed, str(quote.amount), quote.currency) == (True, amount, "CNY")
    assert not quoted(play.state, "yto", profile).agreed


steps = st.lists(
    st.tuples(st.sampled_from(["ask", "answer", "scan", "refuse", "wait"]), st.integers(0, 3)), max_size=16
)
STATUSES = ("picked_up", "in_transit", "exception", "delivered")


@settings(max_examples=80, deadline=None)
@given(steps)
def test_whatever_is_asked_of_a_parcel_its_enquiry_keeps_its_steps(story: list[tuple[str, int]]) -> None:
    play = Play(SERVICE, ORDER, default_profile(scorecards=True)).hear(placed(), START).do(dispatched())
    now: datetime = START
    for what, which in story:
        now += timedelta(hours=5)
        play.run_until(now)
        match what:
            case "ask":
                enquire(play, (now - START) / timedelta(hours=1), "urge" if which else "lookup")
            case "answer":
                tasks = [task for task in parcel_of(play).tasks if task.kind.endswith("_enquiry")]
                if tasks:
                    outcome = "feedback" if tasks[0].kind == "answer_enquiry" else "ask_again"
                    complete(play, tasks[0].kind, outcome, now)
            case "scan":
                play.do(scan(STATUSES[which], now))  # type: ignore[arg-type]
            case "refuse":
                play.do(ask.RefuseParcel(at=now, parcel_id="P-1", reason="crushed"))
            case _:
                now += timedelta(hours=40)
        enquiry = parcel_of(play).enquiry
        open_kinds = [task.kind for task in parcel_of(play).tasks if task.kind.endswith("_enquiry")]
        expected = {"registered": ["answer_enquiry"], "answered": ["follow_up_enquiry"]}
        assert open_kinds == ([] if enquiry is None else expected.get(enquiry.stage, []))
        if enquiry is not None:
            stage(play)
