"""Whatever happens in whatever order: no message twice, none over the cap, none in the night."""

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifications.app import SERVICE
from services.notifications.commands import ClaimTask, CompleteTask, ReplyToBuyer, ReturnTask
from shared.contracts.events import aftersales, common, logistics, orders
from shared.contracts.facts import BuyerMessage, BuyerMessageBody
from shared.kernel.calendar import local_date, quiet_until
from tests.kit.rules import START
from tests.notifications.world import BUYER, RECEIVER, Shop, placed

ZONE = "America/New_York"
ORDERS = ("A-1", "A-2", "A-3")
TEMPLATES = (
    "payment_reminder",
    "confirm_address",
    "parcel_dispatched",
    "parcel_out_for_delivery",
    "parcel_delivered",
    "delay_notice",
    "horoscope",
)
PARCEL: dict[str, Any] = {"parcel_id": "P-1", "carrier": "DHL", "tracking_no": "T-1"}
SCAN: dict[str, Any] = {**PARCEL, "scanned_at": START}
CASE: dict[str, Any] = {"case_id": "C-1", "kind": "refund_only"}

order_ids = st.sampled_from(ORDERS)
hops = st.sampled_from([0, 1, 40, 600, 3_600, 10 * 3_600, 25 * 3_600])
foreign = st.sampled_from(
    [
        placed(),
        orders.ContactChanged(buyer_id=BUYER, receiver=RECEIVER),
        orders.OrderPaid(amount=Decimal("10"), payment_id="p", ship_by=START),
        orders.OrderClosed(reason="unpaid"),
        orders.OrderDispatched(parcels=("P-1",)),
        orders.OrderDelivered(delivered_at=START, completes_at=START),
        logistics.ParcelStalled(**PARCEL, level=1, since=START),
        logistics.ParcelMovingAgain(**PARCEL, level=1, stood_since=START, scanned_at=START),
        logistics.ParcelDelivered(**SCAN, lines=("1",)),
        aftersales.CaseClosed(**CASE, reason="withdrawn"),
        aftersales.ReviewReceived(stars=5, review_id="r"),
    ]
)
steps = st.lists(
    st.tuples(
        hops,
        order_ids,
        st.one_of(
            st.tuples(st.just("hear"), foreign),
            st.tuples(st.just("want"), st.sampled_from(TEMPLATES), st.integers(0, 4), st.booleans()),
            st.tuples(st.just("write"), st.integers(0, 3)),
            st.tuples(st.just("task"), st.sampled_from(["want", "raise", "withdraw"]), st.integers(0, 2)),
            st.tuples(
                st.just("agent"),
                st.sampled_from(["claim", "return", "complete", "reply"]),
                st.sampled_from(["mia", "ben"]),
                st.integers(0, 3),
            ),
            st.tuples(st.just("refuse"), st.just("550 no")),
            st.tuples(st.just("late"), st.booleans()),
        ),
    ),
    max_size=40,
)


def play(script: list[tuple[int, str, tuple[Any, ...]]]) -> Shop:
    """A shop through which all of this went."""
    shop = Shop(ZONE)
    now, late = START, False
    for hop, order_id, step in script:
        now += timedelta(seconds=hop)
        shop.run_until(now, late=late)
        match step:
            case ("hear", payload):
                shop.hear(payload, now, order_id)
            case ("want", template, number, stale):
                shop.hear(
                    message(order_id, template, number, now if stale else None), now, order_id, "orders"
                )
            case ("write", number):
                shop.do(fact(order_id, number, now), order_id)
            case ("task", what, number):
                shop.hear(about_task(order_id, what, number, now), now, order_id, "logistics")
            case ("agent", what, agent, number):
                act(shop, order_id, what, agent, number, now)
            case ("refuse", reason):
                shop.refusals = [reason]
            case ("late", value):
                late = value
            case _:
                raise AssertionError(step)
    shop.run_until(now + timedelta(days=10))
    return shop


def message(order_id: str, template: str, number: int, stale_at: datetime | None) -> common.MessageWanted:
    params: dict[str, Any] = {"parcel_id": "P-1", "number": number % 2}
    return common.MessageWanted(
        message_id=f"{template}-{number}-{order_id}",
        template=template,
        order_id=order_id,
        params=params,
        stale_at=stale_at,
    )


def fact(order_id: str, number: int, at: datetime) -> BuyerMessage:
    body = BuyerMessageBody(channel="chat", text="Where is it?")
    return BuyerMessage(id=f"f-{number}-{order_id}", at=at, order_id=order_id, data=body)


def about_task(order_id: str, what: str, number: int, at: datetime) -> Any:
    named: dict[str, Any] = {
        "task_id": f"t-{number}-{order_id}",
        "kind": "check_with_carrier",
        "order_id": order_id,
    }
    match what:
        case "want":
            return common.TaskWanted(**named, due_at=at + timedelta(minutes=30), summary="Look.")
        case "raise":
            return common.TaskRaised(**named, priority="high", reason="again")
        case _:
            return common.TaskWithdrawn(**named, reason="moving_again")


def act(shop: Shop, order_id: str, what: str, agent: str, number: int, at: datetime) -> None:
    tasks = getattr(shop.file(order_id).state, "tasks", ())
    task_id = tasks[number % len(tasks)].task_id if tasks else "t-unknown"
    kind = tasks[number % len(tasks)].kind if tasks else "look_into"
    done: dict[str, tuple[str, dict[str, Any]]] = {
        "answer_buyer": ("answered", {"text": "Soon."}),
        "look_into": ("fixed", {}),
    }
    outcome, details = done.get(kind, ("moving", {}))
    match what:
        case "claim":
            shop.do(ClaimTask(at=at, task_id=task_id, agent_id=agent), order_id)
        case "return":
            shop.do(ReturnTask(at=at, task_id=task_id, agent_id=agent, reason="lunch"), order_id)
        case "complete":
            command = CompleteTask(
                at=at, task_id=task_id, agent_id=agent, outcome=outcome, details=dict(details)
            )
            shop.do(command, order_id)
        case _:
            shop.do(ReplyToBuyer(at=at, order_id=order_id, text="Soon.", agent_id=agent), order_id)


def said(shop: Shop, name: str) -> list[Any]:
    """All payloads of that name, over all files."""
    return [event.data for event in shop.events if event.name == name]


@settings(max_examples=150, deadline=None)
@given(steps)
def test_no_message_goes_twice_or_over_the_cap_or_in_the_night(
    script: list[tuple[int, str, tuple[Any, ...]]],
) -> None:
    shop = play(script)
    sent = Counter(str(each.message_id) for each in said(shop, "message.sent"))
    assert max(sent.values(), default=0) <= 1
    quiet = shop.profile.values.quiet_hours
    by_rule = [at for at, mail in shop.mails if not mail["subject"].startswith("Your message")]
    assert [at for at in by_rule if quiet_until(at, quiet, ZONE) is not None] == []
    days = Counter(local_date(at, ZONE) for at in by_rule)
    assert max(days.values(), default=0) <= shop.profile.values.buyer_daily_cap


@settings(max_examples=150, deadline=None)
@given(steps)
def test_every_task_exists_once_and_every_message_of_a_buyer_ends_answered_or_in_a_task(
    script: list[tuple[int, str, tuple[Any, ...]]],
) -> None:
    shop = play(script)
    created = Counter(str(each.task_id) for each in said(shop, "task.created"))
    assert max(created.values(), default=0) <= 1
    overdue = Counter(str(each.task_id) for each in said(shop, "task.overdue"))
    assert max(overdue.values(), default=0) <= 1
    for order_id in ORDERS:
        state = shop.file(order_id).state
        live = {task.task_id for task in getattr(state, "live_tasks", ())}
        assert {line.task_id for line in getattr(state, "open_lines", ())} <= live
        kinds = [task.kind for task in getattr(state, "live_tasks", ())]
        assert kinds.count("answer_buyer") <= 1


@settings(max_examples=100, deadline=None)
@given(steps)
def test_files_survive_being_written_down_and_hold_no_timer_for_what_has_ended(
    script: list[tuple[int, str, tuple[Any, ...]]],
) -> None:
    shop = play(script)
    for file in shop.files.values():
        state = SERVICE.state.dump_python(file.state, mode="json")
        assert SERVICE.state.validate_python(state) == file.state
        view = SERVICE.view.dump_python(file.view, mode="json")
        assert SERVICE.view.validate_python(view) == file.view
        assert file.timers == {}
