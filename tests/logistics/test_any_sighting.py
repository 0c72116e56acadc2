"""Whatever carriers tell by number, in any order: no scan is lost or doubled, no parcel goes backwards."""

from collections import Counter
from datetime import timedelta
from typing import Any, Final, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from services.logistics.app import SERVICE
from services.logistics.state import STATE, Placed, Troubled
from shared.contracts.event import Event
from shared.contracts.events import logistics as said
from shared.contracts.facts import ScanStatus
from tests.kit.rules import START, Play, heard
from tests.logistics.story import dispatched, placed
from tests.logistics.test_any_sequence import LEADS_TO, RANK
from tests.logistics.test_sightings import NUMBER, SUBJECT, sighting

ORDERS: Final = ("A-1", "B-1")
CARRIERS: Final = ("sf", "shunfeng", "zto", "aftership:somebody")

hours = st.integers(min_value=-100, max_value=400)
sightings = st.tuples(st.sampled_from(get_args(ScanStatus)), hours, st.sampled_from(CARRIERS))
dispatches = st.tuples(st.just("dispatch"), st.sampled_from(ORDERS), st.sampled_from(("sf", "zto", "other")))
waits = st.tuples(st.just("wait"), st.sampled_from((1, 25, 5000)), st.just(""))
stories = st.lists(st.one_of(sightings, sightings, sightings, dispatches, waits), max_size=30)


class Desk:
    """Two orders and the file of one number, which hear each other late or twice."""

    def __init__(self) -> None:
        self.number = Play(SERVICE, SUBJECT)
        self.orders = {order: Play(SERVICE, order).hear(placed(), START) for order in ORDERS}
        self._heard = Counter[str]()

    def hear_all(self, now: Any) -> None:
        """Everything that was said and not heard yet, in each speaker's order; the last of it twice."""
        for play in (*self.orders.values(), self.number):
            for payload in play.said[self._heard[play.subject] :]:
                event = heard(payload, now, play.subject)
                for _ in range(2):
                    self._hand_on(event)
            self._heard[play.subject] = len(play.said)

    def _hand_on(self, event: Event) -> None:
        for subject, command in SERVICE.react(event):
            (self.number if subject == SUBJECT else self.orders[subject]).do(command)

    def stages(self) -> dict[str, tuple[str, int]]:
        """Each order's parcel: its stage, and how far that is."""
        found: dict[str, tuple[str, int]] = {}
        for order, play in self.orders.items():
            state: Placed = play.state
            for parcel in state.parcels:
                rank = RANK[parcel.before if isinstance(parcel, Troubled) else parcel.stage]
                found[order] = (parcel.stage, rank)
        return found


def _check(desk: Desk, told: list[str]) -> None:
    recorded = [one.sighting_id for one in desk.number.of("sighting.recorded")]
    handed_over = [(one.sighting_id, one.order_id) for one in desk.number.of("sighting.matched")]
    assert len(handed_over) == len(set(handed_over))
    # One that orders share is one sighting, handed to each of them.
    matched = list(dict.fromkeys(sighting_id for sighting_id, _ in handed_over))
    unmatched = [one.sighting_id for one in desk.number.of("sighting.unmatched")]
    settled = matched + unmatched
    assert len(settled) == len(set(settled))
    state = desk.number.state
    waiting = [one.sighting_id for one in getattr(state, "waiting", ())]
    assert sorted(settled + waiting) == sorted(told)
    assert set(waiting) <= set(recorded)
    assert bool(waiting) == any(name == "sighting_wait" for name, _ in desk.number.timers)
    assert STATE.validate_python(STATE.dump_python(state, mode="json")) == state
    shown = {one.sighting_id: one.outcome for one in desk.number.view.sightings}
    kept = {one.sighting_id: one.status for one in getattr(state, "sightings", ())}
    assert shown == kept


@settings(max_examples=120, deadline=None)
@given(stories)
def test_every_sighting_ends_in_one_place_and_no_parcel_goes_backwards(
    story: list[tuple[str, Any, str]],
) -> None:
    desk, told, now = Desk(), list[str](), START
    for what, first, second in story:
        now += timedelta(minutes=7)
        before = desk.stages()
        match what:
            case "dispatch":
                fact = dispatched(now, f"P-{first}", carrier=second, tracking=NUMBER)
                desk.orders[first].do(fact.model_copy(update={"order_id": first}))
            case "wait":
                now += timedelta(hours=first)
                desk.number.run_until(now)
            case _:
                scan = sighting(what, START + timedelta(hours=first), second, told_at=now)  # type: ignore[arg-type]
                desk.number.do(scan, scan)
                told.append(scan.id)
        desk.hear_all(now)
        for order, (stage, rank) in desk.stages().items():
            was, far = before.get(order, (stage, rank))
            assert stage in LEADS_TO[was]
            assert rank >= far
        _check(desk, told)
    desk.number.run_until(now + timedelta(days=400))
    assert not desk.number.timers
    _check(desk, told)
    for one in desk.number.of("sighting.matched"):
        assert isinstance(one, said.SightingMatched)
        assert (one.order_id, one.parcel_id) in {(order, f"P-{order}") for order in ORDERS}
