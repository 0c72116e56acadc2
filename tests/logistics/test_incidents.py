"""Many parcels of one carrier and region: one incident, one task, one message for each buyer."""

from datetime import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.logistics import commands as ask
from services.logistics.app import SERVICE
from services.logistics.state.incidents import STANDING_MAX, Watching, incident_subject
from shared.contracts.event import Event, Payload
from shared.contracts.events import incidents, notifications, orders
from shared.contracts.facts import Receiver
from shared.kernel.carriage import IncidentRule
from shared.kernel.decision import Decision, Refused
from shared.kernel.profiles import Profile
from tests.kit.rules import START, Play, after, default_profile, heard
from tests.logistics import story

RULE = IncidentRule.model_validate({"min_parcels": 3, "share": "0.5", "window": "PT24H"})
SUBJECT = incident_subject("demo", "dhl", "Germany")


def watched() -> Profile:
    return default_profile(incidents=RULE)


class Region:
    """Some orders, and the file of their carrier and region, which hear each other."""

    def __init__(self, number: int, profile: Profile | None = None, buyers: int | None = None) -> None:
        self.profile = profile or watched()
        self.watch = Play(SERVICE, SUBJECT, self.profile)
        self.orders = {f"A-{n}": Play(SERVICE, f"A-{n}", self.profile) for n in range(number)}
        self._heard: dict[str, int] = {}
        for n, (order_id, play) in enumerate(self.orders.items()):
            buyer = f"b-{n % (buyers or number)}"
            play.hear(story.placed().model_copy(update={"buyer_id": buyer}), START)
            receiver = Receiver(name="Ada", country="Germany")
            play.hear(orders.ContactChanged(buyer_id=buyer, receiver=receiver), START)
            left = story.dispatched(START, f"P-{n}").model_copy(update={"order_id": order_id})
            play.do(left)
        self.settle(START)

    def settle(self, at: datetime) -> "Region":
        """Let every file hear what the others said, until nothing new is said."""
        again = True
        while again:
            again = False
            for play in (*self.orders.values(), self.watch):
                start = self._heard.get(play.subject, 0)
                for number, payload in enumerate(play.said[start:], start + 1):
                    self._heard[play.subject] = number
                    again = True
                    self._tell(payload, play.subject, at, number)
        return self

    def _tell(self, payload: Payload, subject: str, at: datetime, number: int) -> None:
        event: Event = heard(payload, at, subject, "logistics", number)
        for about, command in SERVICE.react(event):
            target = self.watch if about == SUBJECT else self.orders.get(about)
            if target is not None:
                target.do(command)

    def stand(self, *numbers: int, at: datetime | None = None) -> "Region":
        moment = at or after(hours=48)
        for number in numbers:
            self.orders[f"A-{number}"].run_until(moment)
        return self.settle(moment)

    def move(self, *numbers: int, at: datetime) -> "Region":
        for number in numbers:
            play = self.orders[f"A-{number}"]
            seen = story.scan("in_transit", at, parcel=f"P-{number}")
            play.do(seen.model_copy(update={"order_id": play.subject}))
        return self.settle(at)

    def notices(self) -> int:
        return sum(story.messages(play).count("incident_notice") for play in self.orders.values())

    def told(self) -> list[list[str]]:
        """What the buyer of each order heard of the delay."""
        about = ("delay_notice", "incident_notice")
        return [[one for one in story.messages(play) if one in about] for play in self.orders.values()]

    @property
    def state(self) -> Watching:
        assert isinstance(self.watch.state, Watching)
        return self.watch.state


def test_nothing_is_counted_where_the_profile_says_nothing() -> None:
    region = Region(4, default_profile()).stand(0, 1, 2, 3)
    assert region.watch.state == SERVICE.initial
    assert not any(play.of("parcel.watched") for play in region.orders.values())


def test_enough_parcels_that_come_to_a_stand_at_once_open_an_incident() -> None:
    region = Region(5).stand(0, 1)
    assert not region.watch.of("incident.opened")
    region.stand(2)
    (opened,) = region.watch.of("incident.opened")
    assert (opened.standing, opened.under_way, opened.by) == (3, 5, "rule")
    assert opened.orders == ("A-0", "A-1", "A-2")
    assert opened.deadline_at == after(hours=72)
    (task,) = region.watch.of("task.wanted")
    assert (task.kind, task.order_id, task.due_at) == ("work_incident", SUBJECT, after(hours=72))


def test_too_small_a_share_is_no_incident() -> None:
    region = Region(7).stand(0, 1, 2)
    assert not region.watch.of("incident.opened")


def test_parcels_that_came_to_a_stand_long_ago_are_none_of_it() -> None:
    region = Region(4).stand(0, 1, at=after(hours=48))
    region.move(2, at=after(hours=30)).stand(2, at=after(hours=78))
    assert not region.watch.of("incident.opened")


def test_the_tasks_of_its_parcels_close_into_the_one_and_each_buyer_is_told_once() -> None:
    region = Region(3, buyers=2).stand(0, 1, 2)
    for play in region.orders.values():
        assert story.withdrawn(play) == [("check_pickup", "incident"), ("check_with_carrier", "incident")]
        assert play.view.parcels[0].incident_id == f"{SUBJECT}~1"
    assert region.told() == [["delay_notice"], ["delay_notice"], []]


def test_whoever_was_told_before_the_incident_is_not_told_again_and_the_others_hear_of_it() -> None:
    region = Region(5).stand(0, 1)
    assert region.told() == [["delay_notice"], ["delay_notice"], [], [], []]
    region.stand(2)
    assert region.told() == [["delay_notice"], ["delay_notice"], ["incident_notice"], [], []]
    region.stand(3, at=after(hours=49))
    assert region.told()[3:] == [["incident_notice"], []]


def test_a_parcel_that_moved_before_it_was_known_that_it_stands_alone_is_not_told_of() -> None:
    region = Region(5)
    play = region.orders["A-0"]
    play.run_until(after(hours=48))
    play.do(story.scan("in_transit", after(hours=48), parcel="P-0").model_copy(update={"order_id": "A-0"}))
    region.settle(after(hours=49))
    assert region.told()[0] == []


def test_a_failed_parcel_that_stalls_is_told_of_though_it_stood_before() -> None:
    region = Region(5)
    failed = story.scan("exception", after(hours=3), parcel="P-0", fault="carrier", text="broken belt")
    region.orders["A-0"].do(failed.model_copy(update={"order_id": "A-0"}))
    region.settle(after(hours=3))
    (stood,) = region.state.standing
    assert (stood.told, region.told()[0]) == (False, [])
    region.stand(0, at=after(hours=51))
    (stands,) = region.state.standing
    assert (stands.told, stands.since, region.told()[0]) == (True, stood.since, ["delay_notice"])


def test_a_failed_parcel_in_an_incident_hears_of_it_and_of_no_delay_when_it_stalls() -> None:
    region = Region(4)
    failed = story.scan("exception", after(hours=46), parcel="P-0", fault="weather", text="storm")
    region.orders["A-0"].do(failed.model_copy(update={"order_id": "A-0"}))
    region.settle(after(hours=46)).stand(1, 2)
    assert region.told() == [["incident_notice"], ["delay_notice"], ["incident_notice"], []]
    region.stand(0, at=after(hours=46 + 48))
    assert region.told()[0] == ["incident_notice"]


def test_what_an_incident_has_no_room_for_is_told_of_alone() -> None:
    play = Play(SERVICE, SUBJECT, watched())
    for number in range(STANDING_MAX + 1):
        play.do(_count(number, "standing", None, after(seconds=number)).model_copy(update={"asks": True}))
    alone = [one.parcels[0].order_id for one in play.of("incident.ruled_out")]
    assert alone == ["A-0", "A-1", f"A-{STANDING_MAX}"]


def test_a_parcel_that_comes_to_a_stand_later_joins_and_gets_no_task_of_its_own() -> None:
    region = Region(5).stand(0, 1, 2)
    region.move(3, at=after(hours=20)).stand(3, at=after(hours=70))
    joined = region.watch.of("incident.parcels_joined")
    assert [len(each.parcels) for each in joined] == [3, 1]
    assert region.watch.view.incidents[0].affected == 4
    region.orders["A-3"].run_until(after(hours=20 + 120))
    assert len(story.wanted(region.orders["A-3"], "check_with_carrier")) == 1
    assert ("check_with_carrier", "incident") in story.withdrawn(region.orders["A-3"])


def test_an_incident_is_over_when_its_parcels_move_and_what_stands_has_its_own_task_again() -> None:
    region = Region(5).stand(0, 1, 2, 3, 4)
    region.move(0, 1, 2, at=after(hours=60))
    assert not region.watch.of("incident.closed")
    region.move(3, at=after(hours=61))
    (closed,) = region.watch.of("incident.closed")
    assert (closed.reason, closed.affected, closed.still_standing) == ("moving_again", 5, 1)
    assert story.withdrawn(region.watch) == [("work_incident", "moving_again")]
    assert not region.watch.timers
    assert len(story.wanted(region.orders["A-4"], "check_with_carrier")) == 2
    assert region.orders["A-4"].view.parcels[0].incident_id is None
    assert region.watch.view.incident == "closed"


def test_the_incident_is_looked_at_again_while_it_goes_on() -> None:
    region = Region(3).stand(0, 1, 2)
    region.watch.run_until(after(hours=72))
    assert region.watch.of("incident.deadline_changed")[0].deadline_at is None
    assert region.watch.of("task.raised")[0].priority == "urgent"
    assert region.watch.view.incidents[0].deadline_at is None


def test_an_incident_that_nobody_works_on_comes_to_rest_and_still_closes_when_parcels_move() -> None:
    region = Region(3).stand(0, 1, 2)
    region.watch.run_until(after(hours=1000))
    assert not region.watch.timers
    assert len(region.watch.of("task.raised")) == 1
    region.move(0, 1, 2, at=after(hours=1001))
    assert region.watch.of("incident.closed")


def _work(region: Region, outcome: str, at: datetime, **details: Any) -> Region:
    task = region.watch.of("task.wanted")[-1]
    done = notifications.TaskCompleted(
        task_id=task.task_id,
        kind="work_incident",
        wanted_by="logistics",
        agent_id="a",
        outcome=outcome,
        details=details,
    )
    region.watch.hear(done, at)
    return region.settle(at)


def test_an_agent_says_that_it_goes_on_and_is_asked_again_then() -> None:
    region = _work(
        Region(3).stand(0, 1, 2), "goes_on_until", after(hours=50), date=after(hours=90).isoformat()
    )
    assert region.watch.timers == {("look_again", ""): after(hours=90)}
    region.watch.run_until(after(hours=90))
    assert len(region.watch.of("task.wanted")) == 2


def test_an_agent_says_that_it_is_over() -> None:
    region = _work(Region(3).stand(0, 1, 2), "over", after(hours=50))
    assert region.watch.of("incident.closed")[0].reason == "by_hand"
    assert not region.watch.of("task.withdrawn")


def _open(region: Region, at: datetime, *named: str) -> Region:
    parcels = tuple(
        ask.NamedParcel(order_id=f"A-{one}", parcel_id=f"P-{one}", buyer_id=f"b-{one}") for one in named
    )
    command = ask.OpenIncident(
        at=at, shop_id="demo", carrier="dhl", region="Germany", reason="storm", parcels=parcels
    )
    region.watch.do(command)
    return region.settle(at)


def test_somebody_opens_an_incident_before_anything_stands() -> None:
    region = _open(Region(3, default_profile()), after(hours=5), "0", "1")
    assert region.watch.of("incident.opened")[0].by == "hand"
    assert region.notices() == 2
    region.move(0, 1, at=after(hours=9))
    assert region.watch.of("incident.closed")[0].reason == "moving_again"


def test_nothing_to_open_and_a_second_one_are_refused() -> None:
    region = _open(Region(3), after(hours=5))
    assert region.watch.refused.slug == "nothing-stands"
    _open(_open(region, after(hours=6), "0"), after(hours=7), "1")
    assert region.watch.refused.slug == "incident-open"


def test_what_is_no_incident_is_refused() -> None:
    region = Region(1)
    close = ask.CloseIncident(at=after(hours=1), incident_id="x")
    assert region.watch.do(close).refused.slug == "incident-not-open"
    assert region.orders["A-0"].do(close).refused.slug == "incident-unknown"


def _count(number: int, now: str, before: str | None, at: datetime) -> ask.CountParcel:
    return ask.CountParcel.model_validate(
        {
            "at": at,
            "shop_id": "demo",
            "carrier": "dhl",
            "region": "Germany",
            "order_id": f"A-{number}",
            "parcel_id": "P-1",
            "buyer_id": f"b-{number}",
            "dispatched_at": START,
            "before": before,
            "now": now,
        }
    )


def test_the_file_stays_small_and_what_does_not_fit_is_counted() -> None:
    play = Play(SERVICE, SUBJECT, watched())
    for number in range(STANDING_MAX + 20):
        play.do(_count(number, "standing", None, after(seconds=number)))
    state = play.state
    assert isinstance(state, Watching)
    assert state.incident is not None
    assert (len(state.incident.members), state.incident.not_joined) == (STANDING_MAX, 20)
    play.do(ask.CloseIncident(at=after(hours=1), incident_id=state.incident.incident_id))
    released = play.of("incident.parcels_released")
    assert [len(each.parcels) for each in released] == [100] * 5
    assert len(SERVICE.state.dump_json(play.state)) < 100_000


moves = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["stand", "move", "arrive"])), max_size=24)


@settings(max_examples=40, deadline=None)
@given(moves)
def test_whatever_parcels_do_each_belongs_to_at_most_one_incident_and_counts_once(
    story_told: list[tuple[int, str]],
) -> None:
    region = Region(6)
    now = START
    for number, what in story_told:
        play = region.orders[f"A-{number}"]
        if what == "stand":
            now = max(now, START) + (after(hours=49) - START)
            for each in region.orders.values():
                each.run_until(now)
            region.settle(now)
        else:
            now += after(minutes=5) - START
            status = "delivered" if what == "arrive" else "in_transit"
            seen = story.scan(status, now, parcel=f"P-{number}")  # type: ignore[arg-type]
            play.do(seen.model_copy(update={"order_id": play.subject}))
            region.settle(now)
        _agree(region)


def _agree(region: Region) -> None:
    for play in region.orders.values():
        stalls = sum(1 for said in play.of("parcel.stalled") if said.level == 1)
        about = sum(one in ("delay_notice", "incident_notice") for one in story.messages(play))
        assert min(stalls, 1) <= about <= stalls
    state = region.state
    members = () if state.incident is None else state.incident.members
    assert len({(one.order_id, one.parcel_id) for one in members}) == len(members)
    known = {one.order_id for one in members}
    for order_id, play in region.orders.items():
        parcel = play.state.parcels[0]
        in_one = parcel.watch is not None and parcel.watch.incident_id is not None
        assert in_one == (order_id in known)
        assert (play.view.parcels[0].incident_id is not None) == in_one
    assert all(number > 0 for _, number in state.counts)
    ends = ("delivered", "returned", "lost", "pickup_cancelled")
    alive = sum(play.state.parcels[0].stage not in ends for play in region.orders.values())
    assert sum(number for _, number in state.counts) in (alive, 0) or state.counts == ()
    opened = len(region.watch.of("incident.opened"))
    assert opened - len(region.watch.of("incident.closed")) == (state.incident is not None)
    assert SERVICE.state.validate_python(SERVICE.state.dump_python(state, mode="json")) == state


def test_a_decision_of_the_default_profile_is_the_same_with_and_without_company() -> None:
    play = story.shipping()
    outcome = play.last
    assert isinstance(outcome, Decision | Refused)
    assert not any(isinstance(said, incidents.ParcelWatched | incidents.ParcelMeasured) for said in play.said)
