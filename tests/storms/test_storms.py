"""Storms: whatever goes wrong, the invariants hold and the outcome is that of the calm.

`make storms` plays many more; see `tests/storms/campaign.py`.
"""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from shared.adapters.memory_store import MemoryStore
from shared.cli.loading import load_services
from shared.contracts.facts import TAKEN_BY, Sighting
from shared.contracts.tasks import TaskKind, outcome_details
from shared.runtime.ports import Write
from tests.storms.campaign import Total, report, shares, tell_failure
from tests.storms.faults import CRASH_POINTS, DOUBT_POINTS, KINDS, plan
from tests.storms.outcome import Demand
from tests.storms.stage import ORDERS, STORMS_PER_STORY, Stage, play, rare_collections
from tests.storms.story import story
from tests.storms.telling import AGENT_LOOKS, ANSWERS
from tests.storms.way import Ways, on_its_way

pytestmark = pytest.mark.promise("kept", "once", "ordered", "timed", "isolated", "resumed")

SEEDS = 500
"""Enough for every crash point to be hit; `make storms` plays many more."""
CHUNKS = SEEDS // STORMS_PER_STORY
SAME_MIN, COMPARED_MIN = 0.55, 0.65
"""Shares of the orders that are held to the calm run: exactly, and exactly or later. The judge is no judge
of the others' outcome, so they must stay the fewer.
"""


@pytest.fixture
def hits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this session share."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if own.name.startswith("popen-") else own) / "storms"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.mark.slow(10)
@pytest.mark.timeout(600)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_storms_end_where_the_calm_ends_and_hit_every_crash_point(chunk: int, hits: Path) -> None:
    with rare_collections():
        played = [play(seed) for seed in range(chunk * STORMS_PER_STORY, (chunk + 1) * STORMS_PER_STORY)]
    failed = [each for each in played if each.failure is not None]
    assert not failed, "\n".join(tell_failure(failed[0].seed, failed[0].failure or ""))
    hit = sorted({f"{service} {point}" for each in played for service, point in each.hit})
    doubted = sorted({f"{service} {point}" for each in played for service, point in each.doubted})
    struck = sorted({kind for each in played for kind in each.struck})
    asked_for = sum((each.asked_for for each in played), Counter[str]())
    given_up = sum(each.given_up for each in played)
    (hits / f"{chunk}.part").write_text(json.dumps([hit, doubted, struck, asked_for, given_up]))
    (hits / f"{chunk}.part").rename(hits / f"{chunk}.json")
    _all_hit_when_all_are_played(hits)


def _all_hit_when_all_are_played(hits: Path) -> None:
    """Whoever plays the last chunk looks at what all of them hit, and how much was compared at all."""
    told = [json.loads(path.read_text()) for path in hits.glob("*.json")]
    if len(told) < CHUNKS:
        return
    hit, doubted, struck = ({each for part in told for each in part[which]} for which in range(3))
    assert {f"{service} {point}" for service, point in CRASH_POINTS} - hit == set()
    assert {f"{service} {point}" for service, point in DOUBT_POINTS} - doubted == set()
    assert set(KINDS) - struck == set()
    assert sum(part[4] for part in told) > 0
    share = shares(sum((Counter(part[3]) for part in told), Counter[str]()))
    assert share[Demand.SAME] > SAME_MIN
    assert share[Demand.SAME] + share[Demand.LATER] > COMPARED_MIN


def test_the_same_seed_is_the_same_storm() -> None:
    first: list[str] = []
    second: list[str] = []
    Stage(0, {"O-1", "O-2", "O-3"}).storm(7, plan(7, 500, {}), first.append)
    Stage(0, {"O-1", "O-2", "O-3"}).storm(7, plan(7, 500, {}), second.append)
    assert first == second
    assert any("FAULT" in line for line in first)


def test_stories_tell_of_everything_and_stay_small() -> None:
    stories = [story(number, ORDERS) for number in range(CHUNKS)]
    told = {telling.name for tellings in stories for telling in tellings}
    facts = TAKEN_BY.keys() - {"instruction.acknowledged", "refund.paid"}
    assert facts | {Sighting.fact, AGENT_LOOKS, "BuyerChooses", "OpenDispute", "SubmitClaim"} <= told
    assert 60 <= sum(map(len, stories)) / len(stories) <= 80


@pytest.mark.parametrize("kind", ANSWERS)
def test_agents_answer_what_the_catalogue_allows(kind: TaskKind) -> None:
    for outcome, details in ANSWERS[kind]:
        outcome_details(kind, outcome, dict(details))


def test_there_are_at_least_24_crash_points_in_each_service() -> None:
    for service in ("orders", "logistics", "aftersales", "notifications"):
        assert len({point for where, point in CRASH_POINTS if where == service}) >= 24


def test_a_report_names_points_that_nothing_aims_at_and_does_not_count_them() -> None:
    total = Total(doubted=Counter({DOUBT_POINTS[0]: 2, DOUBT_POINTS[1]: 1, ("orders", "redrive.letters"): 1}))
    line = f"| 2 of {len(DOUBT_POINTS)}, and by chance orders redrive.letters |"
    assert f"| points hit at which an answer was lost {line}" in report(total)


def test_a_state_that_its_steps_do_not_come_to_is_seen() -> None:
    rules = replace(load_services()[0], initial=(), evolve=lambda state, what: (*state, what))
    told = on_its_way(rules)
    reached = told.evolve(told.evolve(told.initial, "one"), "two")
    ways = Ways([rules])
    assert list(ways.wrong(rules.name, "O-1", reached, 0)) == []
    (changed,) = ways.wrong(rules.name, "O-1", replace(reached, state=("two",)), 0)
    assert "is not what its events and notes come to" in changed
    (unheard,) = ways.wrong(rules.name, "O-1", reached, 1)
    assert "said 1 events, and its state knows of []" in unheard


async def test_a_store_that_keeps_documents_as_they_are_answers_like_the_other() -> None:
    document = {"_id": "A-1", "version": 1, "slot": 3, "pending": [], "next_timer_at": None}
    for store in (MemoryStore(), MemoryStore(as_bson=False)):
        await store.commit([Write(document, 0)])
        assert (await store.load(["A-1"]))["A-1"] == document
        assert await store.pending_count(1) == 0
