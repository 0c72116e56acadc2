"""A stage: one story with all that storms over it share, and how one of them is played and judged."""

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from shared.cli.loading import load_services
from shared.contracts.catalog import SERVICES
from shared.kernel.profiles import Profile
from shared.runtime.service import Service
from tests.kit.rules import default_profile
from tests.storms.faults import Fault, Window, plan
from tests.storms.ledger import Broken
from tests.storms.outcome import Outcome, demands, differences, outcome_of
from tests.storms.remembered import OneOfEach, ReadOnce, Remembered
from tests.storms.storm import Storm
from tests.storms.story import story
from tests.storms.telling import Telling
from tests.storms.virtual_loop import VirtualLoop
from tests.storms.way import Ways

ORDERS: Final = 20
STORMS_PER_STORY: Final = 20
"""Seeds that share a story and its calm."""
CALMS_MAX: Final = 32
"""Calm runs that an outcome is compared with before it counts as another."""
FAILURE_MAX_CHARS: Final = 2_000
ASTRAY_TOLD_MAX: Final = 3


@dataclass(slots=True)
class Played:
    """What became of one seed."""

    seed: int
    failure: str | None = None
    facts: int = 0
    events: int = 0
    struck: Counter[str] = field(default_factory=Counter[str])
    hit: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    doubted: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    asked_for: Counter[str] = field(default_factory=Counter[str])
    """How many orders were compared how."""
    given_up: int = 0
    """Orders of which an operator gave up an event."""
    cpu_seconds: float = 0.0
    windows: list[Window] = field(default_factory=list[Window])
    outcome: Outcome | None = None
    """What it came to, until it is judged."""


class Stage:
    """One story, some of its orders perhaps left out."""

    def __init__(self, number: int, orders: Collection[str] | None = None) -> None:
        facts = story(number, ORDERS)
        self.facts = [fact for fact in facts if orders is None or fact.order_id in orders]
        one = OneOfEach()
        self._ways = Ways(_services())
        self._services = [Remembered(service, one).service() for service in _services()]
        self._read_once = ReadOnce(one)
        self._calms: list[Outcome] = []

    def calm(self, number: int = 0) -> Outcome:
        """What the story comes to when nothing goes wrong; others are first in each of these runs."""
        while len(self._calms) <= number:
            _, outcome = self._play(-1 - len(self._calms), (), None)
            self._calms.append(outcome)
        return self._calms[number]

    def storm(self, seed: int, faults: Sequence[Fault], trace: Callable[[str], None] | None = None) -> Played:
        """Play the story under these faults and judge the outcome."""
        self.calm()
        played = self.rage(seed, faults, trace)
        self.judge(played)
        return played

    def rage(self, seed: int, faults: Sequence[Fault], trace: Callable[[str], None] | None = None) -> Played:
        """Play the story under these faults. The outcome is yet to be judged."""
        played = Played(seed, facts=len(self.facts))
        try:
            played.windows, played.outcome = self._play(seed, faults, trace, played)
        except Exception as problem:  # noqa: BLE001  # whatever ends a storm early is what it found
            played.failure = f"{type(problem).__name__}: {problem}"
        # The processes of a storm that is over hold each other.
        gc.collect(0)
        return played

    def judge(self, played: Played) -> None:
        """Compare with the calm."""
        outcome, calm = played.outcome, self.calm()
        if outcome is None:
            return
        asked_for = demands(calm, outcome, played.windows)
        played.given_up = len(outcome.given_up)
        played.asked_for.update(demand.value for demand in asked_for.values())
        wrong = differences(calm, outcome, asked_for)
        for number in range(1, CALMS_MAX):
            if not wrong:
                break
            others = differences(self.calm(number), outcome, asked_for)
            wrong = {order_id: found for order_id, found in wrong.items() if order_id in others}
        if wrong:
            played.failure = "; ".join(each for found in wrong.values() for each in found)[:FAILURE_MAX_CHARS]
        played.outcome = None

    def _play(
        self,
        seed: int,
        faults: Sequence[Fault],
        trace: Callable[[str], None] | None,
        played: Played | None = None,
    ) -> tuple[list[Window], Outcome]:
        # In every calm but the first another service is late, so that the others are first.
        sluggish = SERVICES[len(self._calms) % len(SERVICES)] if played is None and self._calms else ""
        storm = Storm(self.facts, self._services, _profile(), seed, faults, sluggish=sluggish)
        storm.fate.trace = trace

        outcomes: list[Outcome] = []

        async def whole() -> None:
            await storm.play()
            astray = [each for house in storm.houses.values() for each in await house.astray(self._ways)]
            if astray:
                raise Broken("; ".join(astray[:ASTRAY_TOLD_MAX]))
            outcomes.append(await outcome_of(storm))

        try:
            with self._read_once.in_force(), asyncio.Runner(loop_factory=VirtualLoop) as runner:
                runner.run(whole())
            return storm.windows, outcomes[0]
        finally:
            if played is not None:
                played.events = len(storm.ledger.said)
                played.struck, played.hit = storm.fate.struck, storm.fate.hit
                played.doubted = storm.fate.doubted


def faults_of(seed: int, stage: Stage) -> list[Fault]:
    """The plan of a seed on its whole story."""
    return plan(seed, stage.calm().calls, stage.calm().passed)


@lru_cache(maxsize=1)
def stage_of(number: int) -> Stage:
    """The stage of a story; only the last one is kept."""
    return Stage(number)


def play(seed: int, trace: Callable[[str], None] | None = None) -> Played:
    """Play one seed. Its CPU time includes its share of the calm when it is the first of its story."""
    began = time.process_time()
    stage = stage_of(seed // STORMS_PER_STORY)
    try:
        faults = faults_of(seed, stage)
    except Broken as problem:
        return Played(seed, failure=f"calm: {problem}")
    played = stage.storm(seed, faults, trace)
    played.cpu_seconds = time.process_time() - began
    return played


def shrink(seed: int, say: Callable[[str], None]) -> tuple[list[Telling], list[Fault], str]:
    """The least that still fails: orders are left out first, then faults. Facts, faults, failure."""
    whole = stage_of(seed // STORMS_PER_STORY)
    faults = faults_of(seed, whole)
    calls = whole.calm().calls
    orders = sorted({fact.order_id for fact in whole.facts})
    failure = whole.storm(seed, faults).failure or ""

    def fails(some: Sequence[str], these: Sequence[Fault]) -> str | None:
        stage = Stage(seed // STORMS_PER_STORY, frozenset(some))
        share = stage.calm().calls / calls
        return stage.storm(seed, [replace(fault, at=int(fault.at * share)) for fault in these]).failure

    size = len(orders) // 2
    while size:
        for at in range(0, len(orders), size):
            fewer = orders[:at] + orders[at + size :]
            if fewer and (found := fails(fewer, faults)):
                orders, failure = fewer, found
                say(f"still fails with {len(orders)} orders")
                break
        else:
            size //= 2
    for fault in list(faults):
        fewer_faults = [each for each in faults if each is not fault]
        if found := fails(orders, fewer_faults):
            faults, failure = fewer_faults, found
            say(f"still fails with {len(faults)} faults")
    return [fact for fact in whole.facts if fact.order_id in orders], faults, failure


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for garbage after each storm only: what is loaded and remembered stays."""
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


@lru_cache(maxsize=1)
def _services() -> tuple[Service, ...]:
    return load_services()


@lru_cache(maxsize=1)
def _profile() -> Profile:
    return default_profile(zone="Europe/Berlin")
