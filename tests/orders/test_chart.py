"""The order's chart as data, and the reactions' indifference to what does not concern them."""

from typing import get_args

from pydantic import TypeAdapter

from services.orders.app import SERVICE
from services.orders.react import react
from services.orders.state import INITIAL, ORDER_CHART, State
from services.orders.views import View
from shared.contracts.events import aftersales, logistics, notifications
from tests.kit.rules import after, heard
from tests.orders.play import delivered_order, paid_order


def test_the_chart_has_every_stage_of_the_file_once() -> None:
    stages = sorted(stage.model_fields["stage"].default for stage in get_args(get_args(State)[0]))

    assert sorted(stage.stage for stage in ORDER_CHART.stages) == stages


def test_every_stage_that_is_led_to_is_in_the_chart_and_final_ones_lead_nowhere() -> None:
    known = {stage.stage for stage in ORDER_CHART.stages}

    for stage in ORDER_CHART.stages:
        assert set(stage.leads_to) <= known
        assert stage.final == (not stage.leads_to)


def test_events_of_others_and_outcomes_for_others_ask_nothing_of_an_order() -> None:
    play = paid_order().run_until(after(days=8))
    before = play.state
    play.answered(play.tasks("urge_shipment")[0], "cancel", after(days=8), wanted_by="logistics")

    assert play.state is before


def test_what_does_not_concern_an_order_leaves_its_file_as_it_is() -> None:
    play = delivered_order()
    said = (
        logistics.ShipmentStopped(lines=("1",), reason="refunded"),
        notifications.MessageReceived(message_id="m", channel="chat"),
        aftersales.ReviewReceived(stars=5, review_id="r"),
    )
    for payload in said:
        event = heard(payload, after(days=5))
        assert react(event) == ()
        assert SERVICE.evolve(play.state, event) is play.state
        assert SERVICE.evolve(INITIAL, event) is INITIAL
        assert SERVICE.project(play.view, event) is play.view


def test_file_and_view_survive_being_stored() -> None:
    play = delivered_order().case_opened("c", after(days=5))
    state: TypeAdapter[State] = SERVICE.state
    view: TypeAdapter[View] = SERVICE.view

    assert state.validate_python(state.dump_python(play.state, mode="json")) == play.state
    assert view.validate_python(view.dump_python(play.view, mode="json")) == play.view
