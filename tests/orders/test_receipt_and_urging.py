"""More days to confirm the receipt, problems that stop the completion, and tickets that urge the shipment."""

import pytest

from services.orders.commands import ExtendReceipt, RequestUrge
from shared.contracts.event import Payload
from shared.contracts.events import incidents, notifications
from tests.kit.rules import after, default_profile
from tests.orders.play import OrderPlay, delivered_order, paid_order


def extend(play: OrderPlay, days: int, hours: float) -> OrderPlay:
    return play.do(ExtendReceipt(at=after(hours=hours), days=days))


def _completion(play: OrderPlay) -> object:
    return play.timers[("complete", "")]


@pytest.mark.parametrize("days", [3, 5, 7, 10])
def test_the_receipt_is_extended_by_the_days_that_the_platform_has(days: int) -> None:
    play = delivered_order()
    was = _completion(play)
    extend(play, days, 80)
    (said,) = play.of("order.receipt_extended")
    assert said.completes_at == _completion(play) == play.view.deadline_at
    assert (said.completes_at - was).days == days


def test_other_days_and_a_second_extension_are_refused_with_what_is_allowed() -> None:
    play = extend(delivered_order(), 4, 80)
    assert play.refused.slug == "days-not-allowed"
    assert "3, 5, 7, 10" in play.refused.detail
    assert extend(extend(play, 5, 81), 5, 82).refused.slug == "extended-before"


def test_a_later_parcel_takes_no_day_from_the_buyer_that_he_was_granted() -> None:
    play = extend(delivered_order(), 10, 96).left("p2", after(days=5), ("1",))
    play.arrived("p2", after(days=6), ("1",))

    assert _completion(play) == after(days=6 + 10 + 10)
    assert extend(play, 3, 24 * 7).refused.slug == "extended-before"


def test_days_that_were_granted_count_from_the_last_delivery_that_is_heard_of() -> None:
    play = paid_order().left("p1", after(days=1), ("1",)).left("p2", after(days=1), ("2",))
    play.arrived("p1", after(days=2), ("1",)).arrived("p2", after(days=3), ("2",))
    extend(play, 5, 80).left("p3", after(days=4), ("1",))
    assert ("complete", "") not in play.timers

    play.strayed("p3", after(days=5), "pickup_cancelled", ("1",)).left("p4", after(days=6), ("1",))
    play.arrived("p4", after(days=7), ("1",))
    assert _completion(play) == after(days=7 + 10 + 5)


def test_what_has_not_arrived_needs_no_extension() -> None:
    assert extend(paid_order(), 5, 3).refused.slug == "nothing-to-extend"


def test_a_platform_without_extensions_refuses_all() -> None:
    profile = default_profile()
    nothing = profile.facts.model_copy(update={"receive_extension_days": None})
    play = delivered_order()
    play.profile = profile.model_copy(update={"facts": nothing})
    assert "none" in extend(play, 5, 80).refused.detail


def _enquiry(name: str, **more: object) -> object:
    base = {"parcel_id": "p1", "carrier": "dhl", "tracking_no": "T", "enquiry_id": "e-1"}
    kinds: dict[str, type[Payload]] = {
        "registered": incidents.EnquiryRegistered,
        "followed_up": incidents.EnquiryFollowedUp,
    }
    return kinds[name].model_validate({**base, **more})


def test_completion_stands_still_while_the_buyer_asks_after_his_parcel() -> None:
    play = delivered_order()
    registered = _enquiry("registered", about="lookup", channel="chat", lines=["1", "2"])
    play.hear(registered, after(hours=90))  # type: ignore[arg-type]
    assert ("complete", "") not in play.timers
    extend(play, 5, 91)
    assert play.of("order.receipt_extended")[0].completes_at is None
    play.hear(_enquiry("followed_up", result="found", settled=True), after(hours=95))  # type: ignore[arg-type]
    assert ("complete", "") in play.timers


def urge(play: OrderPlay, hours: float, ticket: str = "t-1") -> OrderPlay:
    return play.do(RequestUrge(at=after(hours=hours), ticket_id=ticket))


def test_a_platforms_ticket_has_its_own_deadline_and_is_answered() -> None:
    play = urge(urge(paid_order(), 3), 4)
    (said,) = play.of("order.urge_requested")
    (task,) = [each for each in play.of("task.wanted") if each.kind == "answer_urge"]
    assert said.deadline_at == task.due_at == after(hours=27)
    done = notifications.TaskCompleted(
        task_id=task.task_id,
        kind="answer_urge",
        wanted_by="orders",
        agent_id="a",
        outcome="answered",
        details={"reply_id": "r"},
    )
    play.hear(done, after(hours=28))
    assert [each.in_time for each in play.of("order.urge_answered")] == [False]
    play.hear(done, after(hours=29))
    assert play.refused.slug == "task-not-open"


def test_a_ticket_loses_its_cause_when_everything_has_left() -> None:
    play = urge(paid_order(), 3).left("p1", after(hours=5))
    assert play.of("order.urge_answered")[0].by == "dispatch"
    assert [each.kind for each in play.of("task.withdrawn")] == ["answer_urge"]


def test_nothing_to_urge_is_refused() -> None:
    assert urge(delivered_order(), 90).refused.slug == "nothing-to-ship"
    assert urge(OrderPlay(), 1).refused.slug == "order-unknown"
