"""Whatever is asked and told of an order, in any order: no wish skips a step, nothing open leaves unseen."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.orders import commands
from services.orders.decide.release import blockers
from services.orders.state import Paid
from services.orders.templates.reading import WISHES
from shared.contracts import facts
from shared.contracts.events import handling as says
from shared.kernel.decision import Refused
from shared.kernel.money import total
from shared.kernel.profiles import Profile
from tests.kit.rules import START, default_profile
from tests.orders import test_any_order as any_order
from tests.orders.handling import CHANGES, DETAILS, checking, replacement
from tests.orders.play import order_paid, order_placed
from tests.orders.test_any_order import WatchedPlay, answer, fact, no_waiting

Step = Callable[[WatchedPlay, datetime], object]
ORDER = (
    says.WishMade,
    says.OrderFlagged,
    says.WishConfirmed,
    says.InstructionGiven,
    says.InstructionAcknowledged,
)
SECRET = ("Side Street", "birthday", "Example Ltd", "fragile")
WISHED = st.integers(0, 5)


class HandledPlay(WatchedPlay):
    """A watched play that also checks what holds for wishes, checks and the release."""

    def __init__(self, profile: Profile) -> None:
        super().__init__()
        self.profile = profile

    def check(self) -> None:
        super().check()
        told = "".join(payload.model_dump_json() for payload in self.said)
        assert not [word for word in SECRET if word in told]
        if self.state.stage == "unknown":
            return
        handling = self.state.order.handling
        assert self.view.handling.model_dump(exclude={"tasks"}) == handling.model_dump(exclude={"tasks"})
        for wish in handling.wishes:
            self._check_way(wish.wish_id)
        if isinstance(self.state, Paid) and self.state.order.goods.owed():
            waits_for = blockers(handling, self.profile)
            assert (handling.release == "blocked") == bool(waits_for)
            assert handling.waits_for == waits_for
        if self.state.stage in {"closed", "cancelled", "refunded", "completed"}:
            assert {wish.kind for wish in handling.open_wishes()} <= {"invoice"}
        order = self.state.order
        assert order.total == total(line.amount for line in order.lines) + (order.freight or 0)

    def _check_way(self, wish_id: str) -> None:
        """The steps that were said of a wish are the first ones of its way, each in its place."""
        way = [type(said) for said in self.said if getattr(said, "wish_id", None) == wish_id]
        steps = [step for step in dict.fromkeys(way) if step in ORDER]
        assert steps == list(ORDER[: len(steps)])
        for step in ORDER:
            if step is not says.OrderFlagged:
                assert way.count(step) <= 1, (step, wish_id)
        assert way.count(says.GiveBackWanted) <= 1


def asked(model: type[Any], **about: Any) -> Step:
    return lambda play, at: play.do(model.model_validate({"at": at, **about}))


def of_wish(model: type[Any], number: int, **about: Any) -> Step:
    """A step of one of the wishes that there are, or of none."""

    def step(play: WatchedPlay, at: datetime) -> object:
        made = [said.wish_id for said in play.of("order.wish_made")]
        wish_id = made[number % len(made)] if made else "courier-1"
        if model is facts.InstructionAcknowledged:
            return told(model, wish_id=wish_id)(play, at)
        return asked(model, wish_id=wish_id, **about)(play, at)

    return step


def told(model: type[Any], **data: Any) -> Step:
    def step(play: WatchedPlay, at: datetime) -> object:
        number = len(play.outcomes)
        return play.do(model.model_validate({"id": f"h{number}", "at": at, "order_id": "A-1", "data": data}))

    return step


def with_order(freight: str | None, requests: list[str]) -> Step:
    def step(play: WatchedPlay, at: datetime) -> object:
        body = order_placed().data.model_dump(mode="json")
        body |= {"freight": freight, "requests": [DETAILS[kind] for kind in requests]}
        body["total"] = str(Decimal(body["total"]) + Decimal(freight or 0))
        return play.do(
            facts.OrderPlaced.model_validate({"id": "p", "at": at, "order_id": "A-1", "data": body})
        )

    return step


def checked(number: int, good: bool) -> Step:
    """An agent answers a task with the details that its outcomes take."""

    def step(play: WatchedPlay, at: datetime) -> object:
        tasks = [task for task in play.of("task.wanted") if task.kind in {"verify_order", "offer_choice"}]
        if not tasks:
            return None
        task = tasks[number % len(tasks)]
        if task.kind == "verify_order":
            return play.answered(task, "checked", at, items=True, address=good, contact=good)
        return play.answered(task, "replace", at, **replacement("14.00").model_dump(mode="json"))

    return step


AMOUNTS = st.sampled_from(["0", "12.00", "15.00", "99.99", "999999999999999", "0.0001"])
LINE_IDS = st.sampled_from(["1", "2", "9"])


def changed(kind: str, line_id: str, amount: str) -> Step:
    about = dict(CHANGES[kind])
    about |= {"line_id": line_id} if "line_id" in about else {}
    about |= {"amount": amount} if "amount" in about else {}
    return asked(commands.MakeChange, change=about, by="mia")


WISHING: st.SearchStrategy[Step] = st.one_of(
    st.sampled_from(sorted(DETAILS)).map(
        lambda kind: asked(commands.MakeRequest, request=DETAILS[kind], by="mia")
    ),
    st.builds(changed, st.sampled_from(sorted(CHANGES)), LINE_IDS, AMOUNTS),
    WISHED.map(lambda wish: of_wish(commands.FlagWish, wish, by="mia")),
    WISHED.map(lambda wish: of_wish(commands.ConfirmWish, wish, by="mia")),
    WISHED.map(lambda wish: of_wish(commands.TellWarehouse, wish)),
    WISHED.map(lambda wish: of_wish(commands.AcknowledgeWish, wish, by="wh")),
    WISHED.map(lambda wish: of_wish(facts.InstructionAcknowledged, wish)),
    st.builds(
        lambda wish, refused: of_wish(commands.DropWish, wish, reason="x", by="mia", refused=refused),
        WISHED,
        st.booleans(),
    ),
)
WORKING: st.SearchStrategy[Step] = st.one_of(
    st.just(asked(commands.WriteRemark, text="fragile", colour="blue", by="mia")),
    st.booleans().map(
        lambda good: asked(commands.VerifyOrder, items=True, address=good, contact=True, by="mia")
    ),
    st.just(asked(commands.CancelOrder, reason="x", by="shop")),
    LINE_IDS.map(lambda line: told(facts.StockShort, lines=[line])),
    st.just(told(facts.PaymentFailed, reason="limit")),
    st.sampled_from(["5.00", "0.01", "9.00"]).map(
        lambda amount: asked(commands.MergeFreight, give_back=amount, leaves_with=("A-1", "A-2"))
    ),
    st.just(asked(commands.LearnSupplement, by_order="A-2", shop_id="demo", buyer_id="B-1")),
    st.builds(checked, st.integers(0, 3), st.booleans()),
    st.builds(answer, st.integers(0, 9), st.integers(0, 11), st.just(2)),
)
STEPS = st.sampled_from([WISHING] * 6 + [WORKING] * 2 + [any_order.STEPS] * 2).flatmap(lambda steps: steps)
GAPS = st.sampled_from([timedelta(0), timedelta(minutes=5), timedelta(hours=1), timedelta(days=1)])
STARTS: dict[str, tuple[Step, ...]] = {
    "placed": (with_order("5.00", ["courier", "invoice"]),),
    "paid": (with_order("5.00", ["card"]), fact(order_paid)),
    "plain": (with_order(None, []), fact(order_paid)),
}
PROFILES = {mode: checking(mode) for mode in ("none", "automatic", "task")}


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(sorted(PROFILES)),
    st.sampled_from(sorted(STARTS)),
    st.lists(st.tuples(STEPS, GAPS, st.booleans()), max_size=25),
)
def test_no_sequence_skips_a_step_or_lets_an_open_wish_out(
    mode: str, start: str, steps: list[tuple[Step, timedelta, bool]]
) -> None:
    play, at = HandledPlay(PROFILES[mode]), START
    for step in STARTS[start]:
        step(play, START)
    for step, gap, late in steps:
        at += gap
        if not late:
            play.run_until(at)
        (no_waiting(step) if late else step)(play, at)
        play.check()
    play.run_until(at + timedelta(days=400))
    play.check()
    assert not play.timers


def test_every_kind_of_wish_has_its_rule_and_every_fact_its_answer() -> None:
    assert set(WISHES) == {*DETAILS, *CHANGES}
    play = HandledPlay(default_profile())
    for step in (told(facts.StockShort, lines=["1"]), told(facts.PaymentFailed, reason="x")):
        step(play, START)
        assert isinstance(play.last, Refused)
        assert play.last.early
