"""One storm: four services, each with a door and two workers, played through a story under faults."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shared.adapters.clock import VirtualClock
from shared.adapters.memory_log import MemoryLog
from shared.adapters.memory_store import MemoryStore
from shared.cli.loading import load_services
from shared.contracts.catalog import HEARS, SLOTS, event_topic
from shared.contracts.facts import TAKEN_BY, AnyFact
from shared.runtime.audit import Audit
from shared.runtime.engine import Engine
from shared.runtime.fold import body_digest
from shared.runtime.limits import Limits
from shared.runtime.metrics import NoMetrics
from shared.runtime.ports import PortError
from shared.runtime.service import Service
from shared.runtime.work import Contended, Tell, TooMuchPending
from shared.runtime.worker import Worker
from tests.kit.rules import default_profile
from tests.kit.world import read
from tests.storms.fate import Crash, Fate, StormOutside, StormPublisher, StormStore, StormTransport
from tests.storms.stories import stories

PARTITIONS = 2
ALL_SLOTS = range(SLOTS)
FAR = datetime(9999, 1, 1, tzinfo=UTC)
STEPS_MAX = 2_000
"""More steps than this within one instant: something goes round in circles."""
LIMITS = Limits(
    pending_stale_after_seconds=0,
    stream_wait_seconds=0.001,
    outage_backoff_first_seconds=0.000001,
    outage_backoff_max_seconds=0.000001,
    batch_max_records=16,
)
AWAY = (PortError, Contended, TooMuchPending)


class Broken(AssertionError):
    """An invariant does not hold."""


@dataclass(slots=True)
class Outcome:
    """What a story came to: for each subject what was said, and what was done outside."""

    said: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    acted: set[str] = field(default_factory=set[str])
    letters: int = 0


class House:
    """One service: its files, its door and its workers, which crash and come back."""

    def __init__(self, storm: "Storm", service: Service) -> None:
        self.storm = storm
        self.service = service
        self.files = MemoryStore()
        self.workers: list[Worker] = []
        self.at_work: set[tuple[int, str]] = set()
        """Which loop of which worker is running: a worker runs each of its loops once."""
        self.door = self._engine()

    async def start(self) -> None:
        """Two workers join the group."""
        for _ in range(2):
            self.workers.append(await self._worker())

    async def restart(self, index: int) -> None:
        """A crashed worker's successor joins; the crashed one is gone from the group."""
        await self.workers[index].transport.close()
        self.workers[index] = await self._worker()

    async def _worker(self) -> Worker:
        storm = self.storm
        transport = StormTransport(storm.log, self.service.name, HEARS[self.service.name], storm.fate)
        await transport.start()
        outsides = dict.fromkeys(self.service.effects, storm.outside)
        return Worker(self._engine(), transport, outsides, PARTITIONS, _no_log)

    def _engine(self) -> Engine:
        storm = self.storm
        return Engine(
            self.service,
            StormStore(self.files, storm.fate),
            StormPublisher(storm.log, storm.fate),
            storm.clock,
            lambda shop_id: storm.profile,
            LIMITS,
            NoMetrics(),
        )


class Storm:
    """A story under the faults of one seed. `faults=0` is the calm run."""

    def __init__(self, seed: int, faults: int, orders: int) -> None:
        self.facts = stories(seed, orders)
        self.fate = Fate(seed, faults)
        self.clock = VirtualClock(self.facts[0].at)
        self.log = MemoryLog(partitions=PARTITIONS)
        self.profile = default_profile(zone="Europe/Berlin")
        self.outside = StormOutside(self.fate)
        self.houses = {service.name: House(self, service) for service in load_services()}
        self.audits = {name: Audit() for name in self.houses}
        self._audited = {(name, number): 0 for name in self.houses for number in range(PARTITIONS)}

    async def rage(self) -> Outcome:
        """Play it to the end, checking the invariants at every instant."""
        for house in self.houses.values():
            await house.start()
        ahead = list(self.facts)
        while True:
            due = await self._next_moment()
            moments = [moment for moment in (due, ahead[0].at if ahead else None) if moment is not None]
            if not moments:
                break
            self.clock.set(max(min(moments), self.clock.now()))
            self.clock.hold(True)
            while ahead and ahead[0].at <= self.clock.now():
                await self._tell(ahead.pop(0))
                await self._settle()
            self.clock.hold(False)
            await self._settle()
            self._check()
        return self._outcome()

    async def _tell(self, fact: AnyFact) -> None:
        """A sender tells the fact until it is accepted, while the workers go on."""
        house = self.houses[TAKEN_BY[fact.fact]]
        work = [Tell(fact.order_id, fact, body_digest(fact))]
        for _ in range(STEPS_MAX):
            try:
                ((done,), _) = await asyncio.gather(house.door.run(work), self._some_steps(2))
            except (Crash, *AWAY):
                continue
            if done.problem is not None:
                raise done.problem
            return
        raise Broken(f"{fact.id} was never accepted")

    async def _settle(self) -> None:
        """Let everybody work, in random order and at the same time, until nothing moves."""
        for _ in range(STEPS_MAX):
            await self._some_steps(self.fate.random.randint(1, 6))
            if await self._quiet():
                return
        raise Broken(f"no rest at {self.clock.now().isoformat()}")

    async def _some_steps(self, count: int) -> None:
        steps = [self._a_step() for _ in range(count)]
        await asyncio.gather(*steps)

    async def _a_step(self) -> None:
        random = self.fate.random
        house = random.choice(list(self.houses.values()))
        index = random.randrange(len(house.workers))
        worker = house.workers[index]
        steps: Sequence[Callable[[], Coroutine[Any, Any, bool]]] = (
            worker.take_batch,
            worker.take_batch,
            worker.fire_timers,
            worker.try_effects,
            worker.sweep,
        )
        step = random.choice(steps)
        running = (index, step.__name__)
        if running in house.at_work:
            return
        house.at_work.add(running)
        try:
            await step()
        except Crash:
            await house.restart(index)
        except AWAY:
            return
        finally:
            house.at_work.discard(running)

    async def _quiet(self) -> bool:
        now, held = self.clock.now(), self.clock.timers_held()
        for house in self.houses.values():
            if self.log.lag(house.service.name, HEARS[house.service.name]):
                return False
            if await house.files.pending_count(1) or await house.files.due_effects(ALL_SLOTS, now, 1):
                return False
            if not held and await house.files.due_timers(ALL_SLOTS, now, 1):
                return False
        return True

    async def _next_moment(self) -> datetime | None:
        moments: list[datetime] = []
        for house in self.houses.values():
            timer = await house.files.next_timer_at(ALL_SLOTS)
            effects = await house.files.due_effects(ALL_SLOTS, FAR, 1)
            moments += [timer] if timer else []
            moments += [document["next_effect_at"] for document in effects]
        return min(moments, default=None)

    def _check(self) -> None:
        """The log is in order and without gaps, and nothing outside was done twice."""
        for (name, number), start in self._audited.items():
            records = self.log.topic(event_topic(name))[number]
            self.audits[name].read(records[start:])
            self._audited[(name, number)] = len(records)
            if self.audits[name].problem_count:
                raise Broken(f"{name}: {self.audits[name].problems[0]}")
        twice = [effect_id for effect_id, times in self.outside.acted.items() if times > 1]
        if twice:
            raise Broken(f"done twice outside: {twice}")

    def _outcome(self) -> Outcome:
        outcome = Outcome(acted=set(self.outside.acted))
        seen: set[str] = set()
        for name in self.houses:
            for record in self.log.records(event_topic(name)):
                event = read(record)
                if event.id not in seen:
                    seen.add(event.id)
                    outcome.said.setdefault(f"{name}/{event.subject}", Counter())[event.name] += 1
            outcome.letters += sum(1 for _ in self.log.records(f"{name}.dead-letters.v1"))
        return outcome


def _no_log(event: str, **values: Any) -> None:
    """Nobody reads it."""


def run_storm(seed: int, faults: int, orders: int) -> tuple[Outcome, Fate]:
    """One storm from start to end."""
    storm = Storm(seed, faults, orders)
    return asyncio.run(storm.rage()), storm.fate
