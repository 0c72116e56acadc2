"""Special requests and changes go their one way: made, flagged, confirmed, instructed, acknowledged."""

from collections.abc import Callable

import pytest

from services.orders import commands
from services.orders.state.handling import INVOICES_KEPT_FREE, WISHES_MAX
from services.orders.templates.reading import WISHES, read_wishes
from shared.contracts.events import handling as says
from shared.kernel.decision import NOTHING
from tests.kit.rules import after, default_profile
from tests.orders.handling import (
    INVOICE,
    acknowledge,
    change,
    confirm,
    done,
    drop,
    flag,
    paid_with,
    placed_with,
    request,
    tell,
    told_acknowledged,
)
from tests.orders.play import OrderPlay, order_paid

Made = Callable[[OrderPlay], OrderPlay]
REQUESTS = ("courier", "invoice", "card", "slot")
CHANGES = ("address", "attribute", "price", "freight", "swap")
ALL = (*REQUESTS, *CHANGES)


def made(kind: str) -> OrderPlay:
    play = paid_with(freight="5.00", total="35.00")
    return (request if kind in REQUESTS else change)(play, kind)


@pytest.mark.parametrize("kind", ALL)
def test_a_wish_goes_its_whole_way(kind: str) -> None:
    play = done(made(kind), f"{kind}-1")

    wish = play.state.order.handling.wish(f"{kind}-1")
    assert (wish.stage, wish.colour, wish.flagged_by) == ("done", "red", "mia")
    steps = [
        name
        for name in play.names()
        if name.startswith(("order.wish", "order.flag", "order.instruction", "order.release"))
    ]
    acknowledged = ["order.instruction_acknowledged"] if WISHES[kind].acknowledged else []  # type: ignore[index]
    assert steps == [
        "order.wish_made",
        "order.release_blocked",
        "order.flagged",
        "order.wish_confirmed",
        "order.instruction_given",
        *acknowledged,
        "order.released",
    ]
    assert not play.state.order.handling.tasks


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(
    ("before", "step", "slug"),
    [
        ([], confirm, "not-flagged"),
        ([], tell, "not-flagged"),
        ([], acknowledge, "not-flagged"),
        ([flag], tell, "not-confirmed"),
        ([flag], acknowledge, "not-confirmed"),
    ],
)
def test_a_step_out_of_order_is_refused_and_names_the_missing_one(
    kind: str, before: list[Callable[..., OrderPlay]], step: Callable[..., OrderPlay], slug: str
) -> None:
    play = made(kind)
    for earlier in before:
        earlier(play, f"{kind}-1")
    said = len(play.said)

    assert step(play, f"{kind}-1").refused.slug == slug
    assert len(play.said) == said


def test_what_was_confirmed_before_the_payment_is_told_to_the_warehouse_at_the_payment() -> None:
    play = request(OrderPlay().placed(), "courier", hours=0.1)
    confirm(flag(play, "courier-1", 0.2), "courier-1", 0.3)

    assert tell(play, "courier-1", 0.4).refused.slug == "not-paid"
    assert acknowledge(play, "courier-1", 0.4).refused.slug == "not-instructed"
    assert not play.of("order.instruction_given")
    play.paid()
    (told,) = play.of("order.instruction_given")
    assert (told.carrier, told.acknowledge_by) == ("sf", after(hours=5))
    assert play.of("order.release_blocked")[-1].waits_for == ("courier-1",)


def test_requests_told_with_the_order_are_flagged_and_asked_about_at_once() -> None:
    play = placed_with(
        OrderPlay(), requests=[{"kind": "courier", "carrier": "yto"}, {"kind": "card", "text": "For Ada"}]
    )

    assert [wish.stage for wish in play.state.order.handling.wishes] == ["flagged", "flagged"]
    assert [task.details["wish_id"] for task in play.tasks("confirm_wish")] == ["courier-1", "card-1"]
    assert [message.template for message in play.of("message.wanted")] == ["confirm_wish", "confirm_wish"]
    assert play.state.order.texts[0].text == "For Ada"


def test_titles_and_texts_stay_in_the_file() -> None:
    play = request(request(paid_with(), "invoice"), "card")
    done(play, "invoice-1")
    done(play, "card-1")

    kept = {text.about: text.text for text in play.state.order.texts}
    assert kept == {"invoice-1": "Example Ltd", "card-1": "Happy birthday, Ada"}
    told = "".join(payload.model_dump_json() for payload in play.said) + play.view.model_dump_json()
    assert "Example Ltd" not in told
    assert "birthday" not in told


def test_the_remark_has_its_date_its_author_and_the_shops_language() -> None:
    chinese = default_profile(zone="Asia/Shanghai").model_copy(update={"language": "zh"})
    play = change(paid_with(chinese), "attribute")
    flag(play, "attribute-1", hours=18)
    english = flag(change(paid_with(), "address"), "address-1")

    assert (
        play.of("order.flagged")[0].remark == "客户拍下Thing,要求修改成Thing, red,已修改妥当--2026-03-03..mia"
    )
    assert english.of("order.flagged")[0].remark == (
        "The buyer asked for another address; the new address is in the order's contact--2026-03-02..mia"
    )
    assert play.seen.handling.remarks[0].text == play.of("order.flagged")[0].remark


def test_a_flag_may_have_another_colour_and_be_changed_later() -> None:
    play = flag(request(paid_with(), "slot"), "slot-1", colour="pink")
    colours = [said.colour for said in play.of("order.flagged")]
    assert (colours, play.view.handling.flag.colour) == (["pink"], "pink")

    confirm(play, "slot-1")
    flag(play, "slot-1", hours=4, colour="blue")
    assert play.view.handling.flag.colour == "blue"
    assert play.state.order.handling.wish("slot-1").stage == "instructed"
    assert len(play.seen.handling.remarks) == 1


def test_the_same_step_twice_changes_nothing() -> None:
    play = confirm(flag(request(paid_with(), "courier"), "courier-1"), "courier-1")
    assert confirm(play, "courier-1").last == NOTHING
    assert tell(play, "courier-1").last == NOTHING
    assert told_acknowledged(play, "courier-1").seen.handling.release == "released"
    assert acknowledge(play, "courier-1").last == NOTHING


def test_an_acknowledgement_by_fact_that_comes_too_soon_is_recorded_and_looked_into() -> None:
    play = told_acknowledged(request(paid_with(), "courier"), "courier-1")

    assert play.refused.slug == "not-flagged"
    assert play.of("fact.out_of_stage")[0].slug == "not-flagged"
    assert len(play.tasks("look_into")) == 1
    assert told_acknowledged(OrderPlay(), "courier-1").refused.early


def test_agents_answers_are_the_same_steps() -> None:
    play = flag(request(paid_with(), "courier"), "courier-1")
    (ask,) = play.tasks("confirm_wish")
    play.answered(ask, "confirmed", after(hours=3))
    (call,) = play.tasks("call_warehouse")
    assert call.due_at == after(hours=7)
    play.answered(call, "acknowledged", after(hours=4))

    assert play.seen.handling.release == "released"
    assert not play.of("task.withdrawn")
    play.answered(call, "acknowledged", after(hours=5))
    assert play.refused.slug == "task-unknown"


def test_a_buyer_who_declines_ends_the_wish_and_a_line_is_as_it_was() -> None:
    play = flag(change(paid_with(), "attribute"), "attribute-1")
    (ask,) = play.tasks("confirm_wish")
    play.answered(ask, "declined", after(hours=3), reason="never asked for it")

    assert play.of("order.wish_dropped")[0].reason == "declined"
    assert [line.name for line in play.seen.lines] == ["Thing", "Thing"]
    assert play.seen.handling.release == "released"
    assert confirm(play, "attribute-1").refused.slug == "wish-dropped"


def test_a_warehouse_that_can_not_ends_the_wish_and_somebody_looks_into_it() -> None:
    play = confirm(flag(request(paid_with(), "courier"), "courier-1"), "courier-1")
    play.answered(play.tasks("call_warehouse")[0], "impossible", after(hours=4), reason="no such carrier")

    assert play.of("order.wish_dropped")[0].reason == "warehouse_cannot"
    assert len(play.tasks("look_into")) == 1
    assert play.seen.handling.release == "released"


def test_a_newer_request_takes_the_place_of_an_open_one_of_its_kind() -> None:
    play = request(flag(request(paid_with(), "courier"), "courier-1"), "courier", hours=3)

    assert play.of("order.wish_dropped") == [
        says.WishDropped(wish_id="courier-1", kind="courier", reason="replaced", by="mia")
    ]
    assert len(play.of("task.withdrawn")) == 1
    assert play.seen.handling.waits_for == ("courier-2",)


def test_another_carrier_than_the_buyer_chose_is_looked_into() -> None:
    play = done(request(paid_with(), "courier"), "courier-1").left("p1", after(hours=9))

    (task,) = play.tasks("look_into")
    assert (task.details["carrier"], task.details["chosen"]) == ("ups", "sf")


def test_the_carrier_that_the_buyer_chose_is_nothing_to_look_into() -> None:
    play = paid_with()
    play.do(
        commands.MakeRequest.model_validate(
            {"at": after(hours=2), "request": {"kind": "courier", "carrier": "UPS"}, "by": "mia"}
        )
    )
    done(play, "courier-1").left("p1", after(hours=9))

    assert not play.tasks("look_into")


def test_a_parcel_that_leaves_before_the_release_is_looked_into_and_what_was_open_ends() -> None:
    play = confirm(flag(request(paid_with(), "card"), "card-1"), "card-1").left("p1", after(hours=9))

    assert play.of("order.wish_dropped")[0].reason == "left"
    assert {task.summary.split(" ")[0] for task in play.tasks("look_into")} == {"The", "Parcel"}
    assert not play.state.order.handling.tasks
    assert play.stage == "dispatched"


def test_wishes_end_with_the_order() -> None:
    play = request(OrderPlay().placed(), "courier", hours=0.1)
    flag(play, "courier-1", 0.2).run_until(after(hours=30))

    assert play.stage == "closed"
    assert play.of("order.wish_dropped")[0].reason == "order_closed"
    assert [gone.kind for gone in play.of("task.withdrawn")] == ["confirm_wish"]
    assert request(play, "courier", hours=31).refused.slug == "order-closed"


@pytest.mark.parametrize("stage", ["unpaid", "paid", "dispatched", "delivered", "completed"])
def test_an_invoice_is_never_refused(stage: str) -> None:
    play = OrderPlay().placed()
    if stage != "unpaid":
        play.paid()
    if stage in {"dispatched", "delivered", "completed"}:
        play.left("p1", after(hours=5))
    if stage in {"delivered", "completed"}:
        play.arrived("p1", after(hours=9))
    if stage == "completed":
        play.run_until(after(days=20))
    assert play.stage == stage

    request(play, "invoice", hours=500)
    assert play.yes.result == {"wish_id": "invoice-1"}
    assert drop(play, "invoice-1", hours=501, refused=True).refused.slug == "platform-forbids"
    if stage != "unpaid":
        done(play, "invoice-1")
        assert play.state.order.handling.wish("invoice-1").stage == "done"


def test_nobody_makes_an_invoice_of_what_was_never_paid() -> None:
    play = placed_with(OrderPlay(), requests=[INVOICE])
    (task,) = play.tasks("confirm_wish")
    play.run_until(after(days=30))

    assert [said.task_id for said in play.of("task.withdrawn")] == [task.task_id]
    confirm(play, "invoice-1", hours=24 * 31)
    assert play.tasks("call_warehouse") == []
    assert request(play, "invoice", hours=24 * 32).refused.slug == "order-closed"


@pytest.mark.parametrize("confirmed", [True, False])
def test_the_invoice_of_an_order_that_is_reopened_is_wanted_again(confirmed: bool) -> None:
    play = placed_with(OrderPlay(), requests=[INVOICE])
    if confirmed:
        confirm(play, "invoice-1", hours=1)
    play.run_until(after(days=2)).do(order_paid(after(days=3)))
    play.answered(play.tasks("late_payment")[0], "reopen", after(days=4))

    wanted = [task.kind for task in play.of("task.wanted") if task.details.get("wish_id") == "invoice-1"]
    assert wanted[1:] == (["call_warehouse"] if confirmed else ["confirm_wish"])


def test_a_shop_whose_platform_lets_it_may_refuse_an_invoice() -> None:
    profile = default_profile()
    profile = profile.model_copy(update={"may": profile.may.model_copy(update={"refuse_invoice": True})})
    play = paid_with(profile).left("p1", after(hours=2))

    assert request(play, "invoice", hours=3).refused.slug == "left-already"


def test_what_is_not_there_has_no_wishes() -> None:
    assert request(OrderPlay(), "invoice").refused.missing
    assert flag(paid_with(), "courier-9").refused.slug == "wish-unknown"
    assert request(paid_with().left("p1", after(hours=2)), "slot", hours=3).refused.slug == "left-already"
    assert drop(done(request(paid_with(), "slot"), "slot-1"), "slot-1", 9).refused.slug == "wish-done"
    dropped = drop(request(paid_with(), "slot"), "slot-1")
    assert drop(dropped, "slot-1").last == NOTHING


def test_a_remark_is_kept_in_the_file_and_may_flag_the_order() -> None:
    play = paid_with().do(
        commands.WriteRemark(at=after(hours=2), text="Ada called: fragile", colour="yellow", by="mia")
    )

    (remark,) = play.seen.handling.remarks
    assert (remark.by, remark.text) == ("mia", None)
    assert play.state.order.texts[0].about == remark.remark_id
    assert play.seen.handling.flag is not None
    assert play.seen.handling.flag.colour == "yellow"


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "courier: {}",
        "nobody: {colour: red}",
        "courier: {colour: mauve, acknowledged: true, remark: {en: x}}",
    ],
)
def test_rules_of_wishes_that_say_nothing_sensible_are_not_loaded(text: str) -> None:
    with pytest.raises(ValueError, match=r"wishes\.yaml: "):
        read_wishes(text)


def test_an_order_takes_so_many_wishes_and_some_invoices_more_where_none_may_be_refused() -> None:
    profile = default_profile()
    play = paid_with(
        profile.model_copy(update={"may": profile.may.model_copy(update={"refuse_invoice": False})})
    )
    for _ in range(WISHES_MAX):
        request(play, "courier")
    assert request(play, "slot").refused.slug == "too-many-wishes"
    for _ in range(INVOICES_KEPT_FREE):
        assert request(play, "invoice").yes.events
    assert request(play, "invoice").refused.slug == "too-many-wishes"
