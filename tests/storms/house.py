"""One service in a storm: its files, and its processes, which crash and come back."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from shared.adapters.clock import VirtualClock
from shared.adapters.memory_log import MemoryLog
from shared.adapters.memory_store import MemoryStore
from shared.contracts.catalog import HEARS, SLOTS, dead_letter_topic
from shared.contracts.event import Event
from shared.kernel.profiles import Profile
from shared.runtime.dead_letters import StoredLetter, in_order, read_letter
from shared.runtime.engine import Engine
from shared.runtime.limits import Limits
from shared.runtime.metrics import NoMetrics
from shared.runtime.ports import Write
from shared.runtime.redrive import discard, redrive
from shared.runtime.service import Service
from shared.runtime.worker import Worker
from tests.storms.fate import PATH, Fate, Process
from tests.storms.faults import ANSWERED, RULE_RAISES, SAYING, Fault
from tests.storms.ledger import Ledger
from tests.storms.ports import StormOutside, StormPublisher, StormStore, StormTransport
from tests.storms.way import Ways, on_its_way

WORKERS: Final = 2
LIMITS: Final = Limits(
    pending_stale_after_seconds=0,
    stream_wait_seconds=0.001,
    batch_max_records=32,
)
CLEARS_LATER: Final = LIMITS.model_copy(update={"clear_after_seconds": 1.0})
"""With these, members clear what was acknowledged when it is their turn, and a crash forgets it."""
STRANGER: Final = "stranger"
"""Who said what nobody can read."""
GIVEN_UP_EVERY: Final = 4
"""Of so many poisoned events one is given up."""
MENDED_AFTER_MOMENTS: Final = (0, 0, 1, 4)
FILES_MAX: Final = 10_000
"""More than any storm has."""
ALL_SLOTS: Final = range(SLOTS)
FAR: Final = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all services of one storm share."""

    clock: VirtualClock
    log: MemoryLog
    fate: Fate
    ledger: Ledger
    profile: Profile
    limits: Limits
    acted: Counter[str]
    """What the far side did, by effect."""
    stir: Callable[[], None]
    """Tells the scheduler to look again."""
    given_up: set[str] = field(default_factory=set[str])
    """Subjects of which an operator gave up an event."""
    frozen: list["Member"] = field(default_factory=list["Member"])


class RuleRaises(RuntimeError):
    """A rule is broken, until somebody mends it."""


@dataclass(slots=True)
class Poison:
    """A rule that raises at one event, since when, in which order's traffic, and whether in `react`."""

    event_id: str
    order_id: str
    since: datetime
    in_react: bool
    until_moment: int
    """The number of the moment at which it is mended."""
    given_up: bool
    """Whether it is given up then, and not taken in again."""


class Member:
    """A worker's process."""

    def __init__(self, worker: Worker, transport: StormTransport, process: Process) -> None:
        self.worker = worker
        self.transport = transport
        self.process = process
        self.paths: dict[str, Callable[[], Coroutine[Any, Any, bool]]] = {
            "stream": worker.take_batch,
            "timers": worker.fire_timers,
            "effects": worker.try_effects,
            "sweep": worker.sweep,
            "clear": worker.engine.relay.clear,
        }
        self.at_work: set[str] = set()
        self.frozen_moments = 0
        self.fruitless: dict[str, int] = {}
        """For each path the number of moves at which there was nothing to do for it."""

    def may_do(self, path: str, moves: int) -> bool:
        """Whether it is not at that already, and something has moved since it was in vain."""
        return path not in self.at_work and self.fruitless.get(path) != moves


class Files(MemoryStore):
    """Files whose states know the way to them, for which BSON has no form."""

    def __init__(self) -> None:
        super().__init__(as_bson=False)

    def body(self, write: Write) -> bytes | None:
        """Nothing is measured, and nothing refused."""
        return b""


class House:
    """One service: files, a door, workers, an operator."""

    def __init__(self, around: Surroundings, service: Service) -> None:
        self.around = around
        self.name = service.name
        self.files = Files()
        self.rules = on_its_way(service)
        self.service = replace(self.rules, react=self._react, decide=self._decide)
        self.members: list[Member] = []
        self.down = False
        self.poisons: list[Poison] = []
        self._hopeless: set[str] = set()
        """Events that an operator will give up where they are the first that waits."""
        self._cursed: set[int] = set()
        """Commands at which the rule raises."""
        self._number = 0
        self._waiting_at = -1
        self._waiting: tuple[datetime | None, datetime | None, bool] = (None, None, False)
        self.door = self._door()

    def start(self) -> None:
        """Everybody comes up."""
        self.down = False
        self.door = self._door()
        self.members = [self._member() for _ in range(WORKERS)]

    def stop(self) -> None:
        """Every process is gone at once."""
        self.down = True
        self.door[1].alive = False
        for member in self.members:
            self._gone(member)
        self.members = []

    async def waiting(self) -> tuple[datetime | None, datetime | None, bool]:
        """When the next timer and the next effect are due, and whether something is to be published."""
        if self._waiting_at != self.files.writes:
            self._waiting_at = self.files.writes
            effects = await self.files.due_effects(ALL_SLOTS, FAR, 1)
            self._waiting = (
                await self.files.next_timer_at(ALL_SLOTS),
                effects[0]["next_effect_at"] if effects else None,
                await self.files.pending_count(1) > 0,
            )
        return self._waiting

    async def astray(self, ways: Ways) -> list[str]:
        """What is wrong with files as they stand now, against what they were told."""
        return [
            wrong
            for document in await self.files.page({}, None, FILES_MAX)
            for wrong in ways.wrong(
                self.name,
                document["_id"],
                document["state"],
                self.around.ledger.last_said(self.name, document["_id"]),
            )
        ]

    def restart(self, member: Member) -> None:
        """A crashed worker's successor joins; the crashed one is gone from the group."""
        self._gone(member)
        if member in self.members:
            self.members[self.members.index(member)] = self._member()

    def reopen(self) -> None:
        """A crashed door's successor."""
        if not self.down and not self.door[1].alive:
            self.door = self._door()

    def _gone(self, member: Member) -> None:
        member.process.alive = False
        if member.process.ice is not None:
            member.process.ice.set()
            member.process.ice = None
        if member in self.around.frozen:
            self.around.frozen.remove(member)
        member.transport.expire()

    def _process(self, name: str) -> Process:
        self._number += 1
        return Process(self.name, f"{self.name}/{name}-{self._number}", self.around.fate)

    def _door(self) -> tuple[Engine, Process]:
        process = self._process("door")
        return self._engine(process), process

    def _member(self) -> Member:
        around, process = self.around, self._process("worker")
        transport = StormTransport(
            around.log,
            HEARS[self.name],
            process,
            around.ledger,
            around.fate.random,
            mix=bool(around.fate.sluggish),
        )
        transport.rejoin()
        outside = StormOutside(process, around.ledger, around.acted)
        outsides = dict.fromkeys(self.service.effects, outside)
        worker = Worker(self._engine(process), transport, outsides, around.log.partitions, _no_log)
        member = Member(worker, transport, process)

        def freeze() -> bool:
            others = [each for each in self.members if each is not member]
            if process.ice is not None or worker.effects.running or any(each.process.ice for each in others):
                return False
            process.ice = asyncio.Event()
            member.frozen_moments = 0
            around.frozen.append(member)
            around.stir()
            transport.expire()
            return True

        process.freeze = freeze
        process.rebalance = self._hand_over
        return member

    def _hand_over(self) -> None:
        """The member that joined first joins anew, so that the partitions change hands."""
        joined = [member.transport for member in self.members if member.transport.number]
        if joined:
            min(joined, key=lambda transport: transport.number).rejoin()
        self.around.ledger.moves += 1

    def _engine(self, process: Process, limits: Limits | None = None) -> Engine:
        around = self.around
        return Engine(
            self.service,
            StormStore(self.files, process, around.ledger, around.clock),
            StormPublisher(around.log, process, around.ledger),
            around.clock,
            lambda *_: around.profile,
            limits or around.limits,
            NoMetrics(),
        )

    # Poison

    def _react(self, event: Event) -> Sequence[tuple[str, Any]]:
        if self.poisons and any(poison.in_react and poison.event_id == event.id for poison in self.poisons):
            raise RuleRaises(event.id)
        reactions = self.rules.react(event)
        fate = self.around.fate
        if reactions and fate.waiting and (fault := self._poison_for(event)):
            fate.strikes(fault, f"{self.name} at {event.id}")
            about = str(getattr(event.data, "order_id", event.subject))
            until = self.around.ledger.moments + MENDED_AFTER_MOMENTS[fault.draw // 2 % 4]
            given_up = fault.point != SAYING and fault.draw // 8 % GIVEN_UP_EVERY == 0
            poison = Poison(event.id, about, self.around.clock.now(), bool(fault.draw % 2), until, given_up)
            self.poisons.append(poison)
            if poison.in_react:
                raise RuleRaises(event.id)
            self._cursed.update(id(command) for _, command in reactions)
        return reactions

    def _poison_for(self, event: Event) -> Fault | None:
        fault = self.around.fate.take(RULE_RAISES, self.name)
        waits = fault is not None and fault.point == SAYING and event.name not in ANSWERED[self.name]
        return None if waits else fault

    def _decide(self, command: Any, state: Any, now: Any, profile: Profile) -> Any:
        if self._cursed and id(command) in self._cursed:
            raise RuleRaises(type(command).__name__)
        return self.rules.decide(command, state, now, profile)

    def mend(self) -> None:
        """The rule is repaired; what is parked is another matter."""
        self._hopeless.update(poison.event_id for poison in self.poisons if poison.given_up)
        self.poisons.clear()
        self._cursed.clear()

    async def clean_up(self) -> None:
        """An operator gives up what nobody can read, and some of the rest, and takes in what is behind it."""
        PATH.set("redrive")
        engine = self._engine(self._process("operator"), LIMITS)
        records = self.around.log.records(dead_letter_topic(self.name))
        letters = [read_letter(record.value or b"") for record in records]
        await discard(engine, [letter for letter in letters if letter.source == STRANGER], _no_progress)
        known = [letter for letter in letters if letter.source != STRANGER]
        hopeless = await self._first_hopeless(known)
        self.around.given_up.update(letter.parked_in for letter in hopeless)
        self.around.given_up.update(letter.source_subject for letter in hopeless)
        await discard(engine, hopeless, _no_progress)
        await redrive(engine, known, _no_progress)

    async def _first_hopeless(self, letters: Sequence[StoredLetter]) -> list[StoredLetter]:
        """Of each source that waits its first record, where that is to be given up."""
        if not self._hopeless:
            return []
        files = await self.files.load({letter.parked_in for letter in letters})
        found: list[StoredLetter] = []
        for (subject, source, about), group in in_order(letters).items():
            document = files.get(subject)
            if document is None or f"{source}/{about}" not in dict(document["parked"]):
                continue
            taken = document["applied"].get(source if about == subject else f"{source}/{about}", 0)
            first = next((letter for letter in group if letter.sequence > taken), None)
            if first is not None and first.event_id in self._hopeless:
                found.append(first)
        return found


def _no_log(event: str, **values: Any) -> None:
    """Nobody reads it."""


def _no_progress(done: int, total: int) -> None:
    """Nobody watches."""
