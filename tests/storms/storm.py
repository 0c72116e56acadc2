"""One storm: four services, each with a door, two workers and an operator, played through a story.

The scheduler picks at random among those who have something to do, and lets several of them be at
work at once: at each call of a port somebody else may go on. Time stands still until nothing moves;
then it goes to the next fact, timer or effect. An order's next fact is told when what the one
before led to has reached every service.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from shared.adapters.clock import VirtualClock
from shared.adapters.memory_log import MemoryLog
from shared.contracts.catalog import event_topic
from shared.kernel.profiles import Profile
from shared.runtime.ports import Outgoing, PortError, Record
from shared.runtime.service import Service
from shared.runtime.work import Ask, Contended, Tell, TooMuchPending
from tests.storms.fate import PATH, Crash, Fate
from tests.storms.faults import CLOCK_JUMP, OUTAGE, UNDECODABLE, Fault, Window
from tests.storms.house import CLEARS_LATER, LIMITS, STRANGER, House, Member, Surroundings
from tests.storms.ledger import Broken, Ledger
from tests.storms.telling import Telling

PARTITIONS: Final = 2
STEPS_MAX: Final = 3_000
STEP_MAX_SECONDS: Final = 120
"""More steps in one moment, or a longer one in made-up time: something goes round in circles."""
AWAY: Final = (PortError, Contended, TooMuchPending)
HOPS_MAX: Final = 8
"""How far steps get, at most, before others are set to work beside them."""
SWEEPS_EARLY: Final = 0.05
REPAIRS_EARLY: Final = 0.05
TELLS_PAUSE: Final = 0.1
"""How often something happens between two facts of one moment."""
THAW_AFTER_MOMENTS: Final = 3
UNREADABLE: Final = 2
"""Records that nobody can read, one after the other."""


class Storm:
    """A story under the faults of one plan. `play` runs it."""

    def __init__(
        self,
        facts: Sequence[Telling],
        services: Sequence[Service],
        profile: Profile,
        seed: int,
        faults: Sequence[Fault],
        *,
        sluggish: str = "",
    ) -> None:
        self.facts = facts
        self.fate = Fate(seed, faults, sluggish=sluggish)
        self.clock = VirtualClock(facts[0].at)
        self.log = MemoryLog(partitions=PARTITIONS)
        self.ledger = Ledger(self.log)
        self.acted: Counter[str] = Counter()
        self.windows: list[Window] = []
        self.steps = 0
        limits = CLEARS_LATER if seed % 2 else LIMITS
        around = self._around = Surroundings(
            self.clock, self.log, self.fate, self.ledger, profile, limits, self.acted, self._stir
        )
        self.houses = {service.name: House(around, service) for service in services}
        self.given_up = around.given_up
        self.said_at: list[tuple[datetime, Record]] = []
        """When each event was said."""
        self.taken_in: list[tuple[datetime, str, str, str]] = []
        """Moment, subject and service of what was taken in beside events: `fact` or `timer`."""
        self._ahead = deque(facts)
        self._telling: set[str] = set()
        self._to_tell: dict[str, deque[Telling]] = {}
        self._asked: dict[str, list[Tell | Ask]] = {}
        """What came of each telling; told again, it is the same."""
        self._cleaning: set[str] = set()
        self._running: dict[asyncio.Task[None], Member | None] = {}
        self._ended: asyncio.Future[None] | None = None
        self._up_at: dict[str, datetime] = {}
        self._parked_since: dict[str, list[tuple[datetime, str]]] = {}
        """For each service, since when orders have something parked of which the rule is mended."""
        self._failure: BaseException | None = None

    async def play(self) -> None:
        """Play it to the end. Raises `Broken` at the first step that breaks an invariant."""
        asyncio.get_running_loop().set_exception_handler(self._stray)
        for house in self.houses.values():
            house.start()
        while (moment := await self._next_moment()) is not None:
            if self._begin(moment):
                self.clock.hold(True)
                await self._settle()
                self.clock.hold(False)
            await self._settle()
            self._note()
            self._world()

    # Time

    async def _next_moment(self) -> datetime | None:
        moments: list[datetime] = list(self._up_at.values())
        for house in self.houses.values():
            if not house.down:
                timer, effect, _ = await house.waiting()
                moments += [moment for moment in (timer, effect) if moment is not None]
        if self._ahead:
            moments.append(self._ahead[0].at)
        if moments:
            return min(moments)
        if self._around.frozen or self.ledger.parked or any(house.poisons for house in self.houses.values()):
            return self.clock.now() + timedelta(hours=1)
        return None

    def _begin(self, moment: datetime) -> bool:
        """Time goes on to this moment, or further if the clock jumps. Whether facts come, before timers."""
        before, moment = self.clock.now(), max(moment, self.clock.now())
        if fault := self.fate.take(CLOCK_JUMP):
            moment = max(moment, before + timedelta(hours=1 + fault.draw % 72))
            self.fate.strikes(fault, f"from {before:%d %H:%M} to {moment:%d %H:%M}")
            self.windows.append(Window(before, moment, None, None))
        self.ledger.clock_set(moment)
        self.clock.set(moment)
        self.fate.say(f"-- {moment:%Y-%m-%d %H:%M:%S}")
        facts_come = bool(self._ahead) and self._ahead[0].at <= moment
        while self._ahead and self._ahead[0].at <= moment:
            fact = self._ahead.popleft()
            self._to_tell.setdefault(fact.order_id, deque()).append(fact)
        for name, up_at in list(self._up_at.items()):
            if up_at <= moment:
                del self._up_at[name]
                self.houses[name].start()
                self.fate.say(f"{name} is up again")
        nothing_else = not self._ahead and not self._up_at
        for member in list(self._around.frozen):
            member.frozen_moments += 1
            if nothing_else or member.frozen_moments > THAW_AFTER_MOMENTS:
                self._around.frozen.remove(member)
                self._thawed(member)
        return facts_come

    def _thawed(self, member: Member) -> None:
        self.fate.say(f"{member.process.name} wakes")
        if member.process.ice is not None:
            member.process.ice.set()
            member.process.ice = None
        if member.process.alive:
            member.transport.rejoin()
            self.ledger.moves += 1

    def _world(self) -> None:
        """Between two moments: what befalls a whole service."""
        if fault := self.fate.take(OUTAGE):
            house = self.houses[fault.service]
            if not house.down:
                now = self.clock.now()
                up_at = now + timedelta(hours=6 + fault.draw % 90)
                self.fate.strikes(fault, f"{house.name} until {up_at:%d %H:%M}")
                self.windows.append(Window(now, up_at, house.name, None))
                self._up_at[house.name] = up_at
                house.stop()

    def _note(self) -> None:
        """What was said at this moment, for those who compare."""
        now = self.clock.now()
        self.said_at += [(now, record) for record in self.ledger.new]
        self.ledger.new.clear()
        self.taken_in += [(now, subject, name, "timer") for name, subject in self.ledger.timers_fired]
        self.ledger.timers_fired.clear()
        self.windows += [Window(*late) for late in self.ledger.effects_late]
        self.ledger.effects_late.clear()

    # The scheduler

    async def _settle(self) -> None:
        """Let everybody work, in random order and at the same time, until nothing moves."""
        began = self.steps
        while True:
            self._check()
            if await self._round():
                for _ in range(self.fate.random.randint(1, HOPS_MAX)):
                    await asyncio.sleep(0)
            elif self._somebody_moves():
                self._ended = asyncio.get_running_loop().create_future()
                if not (await asyncio.wait([self._ended], timeout=STEP_MAX_SECONDS))[0]:
                    raise Broken(f"a step without end at {self.clock.now().isoformat()}")
            elif not self._repairs():
                return
            if self.steps - began > STEPS_MAX:
                raise Broken(f"no rest at {self.clock.now().isoformat()}")

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self.ledger.broken:
            raise Broken("; ".join(self.ledger.broken[:3]))

    def _somebody_moves(self) -> bool:
        """Whether a step is under way whose process is not frozen."""
        return any(member is None or member.process.ice is None for member in self._running.values())

    async def _round(self) -> bool:
        """Set to work, in random order, who has something to do. Whether there was anybody."""
        random = self.fate.random
        if self.fate.waiting and (fault := self.fate.take(UNDECODABLE)):
            self._unreadable(fault)
        if self.ledger.parked and random.random() < REPAIRS_EARLY:
            self._repairs()
        ready: list[tuple[House, Member, str]] = []
        sweeps: list[tuple[House, Member, str]] = []
        for house in self.houses.values():
            if not house.down:
                await self._ready(house, ready, sweeps)
        told = self._tell_some()
        if not ready and not told and not self._somebody_moves():
            ready = sweeps
        elif sweeps and random.random() < SWEEPS_EARLY:
            ready.append(random.choice(sweeps))
        if not ready:
            return told
        if len(ready) > 1:
            random.shuffle(ready)
        for house, member, path in ready:
            member.at_work.add(path)
            self._start(self._step(house, member, path), member)
        return True

    async def _ready(
        self, house: House, ready: list[tuple[House, Member, str]], sweeps: list[tuple[House, Member, str]]
    ) -> None:
        """Who of this house has something to do. A path that led nowhere waits until something moves."""
        paths: list[str] = []
        timer, effect, pending = await house.waiting()
        now = self.clock.now()
        if timer is not None and timer <= now and not self.clock.timers_held():
            paths.append("timers")
        if effect is not None and effect <= now:
            paths.append("effects")
        for member in house.members:
            if member.process.ice is not None:
                continue
            if "stream" not in member.at_work and member.transport.behind():
                ready.append((house, member, "stream"))
            if member.worker.effects.running and "effects" not in member.at_work:
                ready.append((house, member, "effects"))
                continue
            ready += [(house, member, path) for path in paths if member.may_do(path, self.moves)]
            if pending and member.may_do("sweep", self.moves):
                sweeps.append((house, member, "sweep"))
            if member.worker.engine.relay.has_to_clear() and "clear" not in member.at_work:
                sweeps.append((house, member, "clear"))

    @property
    def moves(self) -> int:
        """Grows with everything that may give somebody something to do."""
        return self.ledger.moves + self.log.appended

    def _start(self, step: Coroutine[Any, Any, None], member: Member | None = None) -> None:
        self.steps += 1
        task = asyncio.get_running_loop().create_task(step)
        self._running[task] = member
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        if not task.cancelled() and (problem := task.exception()) is not None:
            self._failure = self._failure or problem
        self._stir()

    def _stir(self) -> None:
        """Let the scheduler look again."""
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    async def _step(self, house: House, member: Member, path: str) -> None:
        PATH.set(path)
        self.fate.say(f"   {member.process.name} {path}")
        try:
            before = self.moves
            if not await member.paths[path]():
                member.fruitless[path] = before
        except Crash:
            if member in house.members:
                house.restart(member)
                self.ledger.moves += 1
        except AWAY:
            self.ledger.moves += 1
        finally:
            member.at_work.discard(path)

    # Facts

    def _tell_some(self) -> bool:
        """Begin to tell the next fact of each order that none is being told of; all or some of them."""
        began = False
        for order_id in list(self._to_tell):
            facts = self._to_tell[order_id]
            if order_id in self._telling or self.houses[facts[0].service].down:
                continue
            fact = facts.popleft()
            if not facts:
                del self._to_tell[order_id]
            self._telling.add(order_id)
            self._start(self._tell(fact))
            began = True
            if self.fate.random.random() < TELLS_PAUSE:
                break
        return began

    async def _tell(self, telling: Telling) -> None:
        """A sender tells a fact, or somebody asks, until it is accepted or refused."""
        house = self.houses[telling.service]
        self.fate.say(f"   {house.name} is told {telling.name} {telling.id}")
        if telling.id not in self._asked:
            found = (await house.files.load([telling.order_id])).get(telling.order_id)
            self._asked[telling.id] = telling.work(found["state"].state if found else None)
        for work in self._asked[telling.id]:
            await self._accepted(house, work)
        self.taken_in.append((self.clock.now(), telling.order_id, house.name, "fact"))
        self._telling.discard(telling.order_id)

    async def _accepted(self, house: House, work: Tell | Ask) -> None:
        key = work.fact.id if isinstance(work, Tell) else work.key
        for _ in range(STEPS_MAX):
            try:
                (done,) = await house.door[0].run([work])
            except Crash:
                house.reopen()
            except AWAY:
                await asyncio.sleep(0)
            else:
                if done.problem is not None:
                    raise done.problem
                if done.refused is None or isinstance(work, Tell):
                    document = (await house.files.load([work.subject])).get(work.subject)
                    self.ledger.accepted(house.name, key, document)
                return
        raise Broken(f"{key} was never accepted")

    # Poison

    def _unreadable(self, fault: Fault) -> None:
        """Records that nobody can read come in among the others."""
        topic = event_topic(fault.service)
        order_id = self.facts[fault.draw % len(self.facts)].order_id
        self.fate.strikes(fault, f"{topic}, among what is said about {order_id}")
        for number in range(1, UNREADABLE + 1):
            headers = {
                "ce_source": STRANGER.encode(),
                "ce_subject": order_id.encode(),
                "ce_sequence": str(number).encode(),
            }
            self.log.append(Outgoing(topic, order_id.encode(), b"\xff{", headers))

    def _repairs(self) -> bool:
        """Mend what is to be mended by now, and let operators take in what is parked."""
        began = False
        for house in self.houses.values():
            if house.down or house.name in self._cleaning:
                continue
            if house.poisons and all(poison.until_moment <= self.ledger.moments for poison in house.poisons):
                self.fate.say(f"{house.name}: the rule is mended")
                parked = self._parked_since.setdefault(house.name, [])
                parked += [(poison.since, poison.order_id) for poison in house.poisons]
                house.mend()
                self.ledger.moves += 1
                began = True
            if not house.poisons and any(name == house.name for name, _ in self.ledger.parked):
                self._cleaning.add(house.name)
                self._start(self._clean(house))
                began = True
        return began

    async def _clean(self, house: House) -> None:
        self.fate.say(f"   {house.name}: an operator takes in what is parked")
        try:
            await house.clean_up()
        except (Crash, *AWAY):
            pass
        finally:
            self._cleaning.discard(house.name)
            self.ledger.moves += 1
        if not any(name == house.name for name, _ in self.ledger.parked):
            for since, order_id in self._parked_since.pop(house.name, ()):
                self.windows.append(Window(since, self.clock.now(), house.name, order_id))

    def _stray(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What a task of a process that is gone left behind."""
        problem = context.get("exception")
        if isinstance(problem, Exception):
            self._failure = self._failure or problem
