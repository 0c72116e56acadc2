"""The file and its wiring: what is ignored, what is charted, what a round trip keeps."""

from decimal import Decimal

import pytest

from services.aftersales.app import SERVICE
from services.aftersales.commands import Negotiate
from services.aftersales.decide import disputes, requests, reviews
from services.aftersales.state import INITIAL, STATE, evolve
from shared.contracts.event import Payload, payloads
from shared.contracts.events import handling, incidents, logistics, notifications, orders
from shared.kernel.decision import NOTHING, TimerDue
from shared.runtime.service import Service
from tests.aftersales.plays import LINES, CasePlay
from tests.kit.rules import after, heard

KNOWN = {
    orders.OrderPlaced,
    orders.OrderPaid,
    orders.OrderReopened,
    orders.CancellationRequested,
    orders.OrderErased,
    orders.LatePaymentRefundWanted,
    handling.GiveBackWanted,
    handling.OrderChanged,
    incidents.ParcelWeighed,
    logistics.ParcelDispatched,
    logistics.ParcelPickupCancelled,
    logistics.ParcelDelivered,
    logistics.ParcelReturned,
    logistics.ParcelLost,
    logistics.ParcelRefundWanted,
    notifications.TaskCompleted,
}


@pytest.mark.parametrize("cls", [cls for cls in payloads().values() if cls not in KNOWN])
def test_an_event_that_is_none_of_our_business_changes_nothing(cls: type[Payload]) -> None:
    event = heard(cls.model_construct(), after(hours=1), source="notifications")

    assert SERVICE.react(event) == ()
    assert SERVICE.project(SERVICE.initial_view, event) is SERVICE.initial_view
    assert evolve(INITIAL, event) is INITIAL


def test_everything_that_may_be_heard_out_of_turn_is_taken() -> None:
    play = CasePlay().delivered(after(hours=9)).dispatched(after(hours=1)).lost(after(hours=10))

    assert play.said == []
    assert len(play.state.parcels) == 1


def test_a_payment_without_an_order_is_refused() -> None:
    play = CasePlay().hear(orders.OrderPaid(amount=Decimal("1.00"), payment_id="p", ship_by=after()), after())

    assert play.refused.slug == "order-unknown"


def test_the_first_payment_stays() -> None:
    play = (
        CasePlay()
        .paid()
        .hear(orders.OrderPaid(amount=Decimal("1.00"), payment_id="pay-2", ship_by=after()), after(hours=1))
    )

    assert play.last == NOTHING
    assert play.state.order.payment_id == "pay-1"


def test_a_timer_of_an_earlier_stage_says_nothing() -> None:
    play = CasePlay().paid().dispatched(after(hours=5)).asks(after(hours=6), "return_and_refund")
    play.run_until(after(hours=54))
    old = TimerDue(at=after(hours=54), name="answer_within", key="c-1", due_at=after(hours=54))

    assert play.do(old).last == NOTHING


def test_every_stage_is_charted_and_leads_to_stages_of_the_chart() -> None:
    chart = SERVICE.charts[0]
    names = {stage.stage for stage in chart.stages}
    values = set(type(CasePlay().profile.values).model_fields)

    assert names == _stages(SERVICE)
    for stage in chart.stages:
        assert set(stage.leads_to) <= names
        assert bool(stage.leads_to) != stage.final
        assert stage.deadline is None or stage.deadline in values
        assert stage.at_deadline is None or (stage.at_deadline, 1) in payloads()
    assert [stage.stage for stage in chart.stages if stage.money_moved] == ["refunded"]


def test_a_file_is_the_same_after_it_was_stored() -> None:
    play = CasePlay().paid().dispatched(after(hours=5)).delivered(after(hours=9)).reviews(after(hours=9), 1)
    play.asks(after(days=2), "return_and_refund", "no_reason").sends_back(after(days=3))
    play.asks(after(days=2), reason="missing_item", lines=("2",), amount="20.00", case="c-2")

    stored = STATE.dump_python(play.state, mode="json")
    assert STATE.validate_python(stored) == play.state
    shown = SERVICE.view.dump_python(play.view, mode="json")
    assert SERVICE.view.validate_python(shown) == play.view


@pytest.mark.parametrize("places", ["", ".0", ".0000", ".9999"])
def test_an_order_as_dear_as_can_be_written_is_paid_back_in_parts(places: str) -> None:
    total = "9" * (15 - max(len(places) - 1, 0)) + places
    lines = [line.model_copy(update={"amount": Decimal(total)}) for line in LINES]
    play = CasePlay().hear(
        orders.OrderPlaced(
            shop_id="demo",
            platform="default",
            buyer_id="B-1",
            currency="EUR",
            total=Decimal(total),
            lines=tuple(lines),
            ship_service="Standard",
            closes_at=after(),
        ),
        after(),
    )
    play.hear(orders.OrderPaid(amount=Decimal(total), payment_id="pay-1", ship_by=after()), after())
    play.asks(after(hours=1), amount="0.0001").dispatched(after(hours=2), parcel="p-1").lost(after(days=20))
    play.run_until(after(days=30))

    assert sum(said.amount for said in play.of("case.refunded")) <= Decimal(total)
    assert STATE.validate_python(STATE.dump_python(play.state, mode="json")) == play.state


def _stages(service: Service) -> set[str]:
    cases = service.state.json_schema()["properties"]["cases"]
    return set(cases["items"]["discriminator"]["mapping"])


def test_a_file_takes_no_more_than_it_can_hold_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "CASES_MAX", 2)
    monkeypatch.setattr(reviews, "REVIEWS_MAX", 2)
    monkeypatch.setattr(disputes, "NEGOTIATIONS_MAX", 2)
    play = CasePlay().paid().dispatched(after(hours=1)).asks(after(hours=2)).asks(after(hours=3), case="c-2")
    assert play.asks(after(hours=4), case="c-3").refused.slug == "too-many-cases"
    assert play.asks(after(hours=5), case="c-2").last == NOTHING
    play.reviews(after(hours=6), 5).reviews(after(hours=7), 5).reviews(after(hours=8), 5)
    assert play.refused.slug == "too-many-reviews"
    play.agent(after(hours=9), "decide_case", "refuse", reason="worn")
    for _ in range(3):
        play.do(Negotiate(at=after(hours=10), case_id="c-2", note="We talked."))
    assert play.refused.slug == "too-many-negotiations"
