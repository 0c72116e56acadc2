"""One run: days on which facts are told while faults strike, nights in which the clock jumps, a reckoning.

By day the services' clock runs as a clock does, from the day's moment on. By night it jumps, in lockstep,
from one due timer to the next, while workers are killed. After the last day it jumps until nothing is due
any more; then everything is held against the oracle.
"""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from shared.adapters.ending import ended
from shared.cli.lockstep import Lockstep
from shared.cli.system import System
from shared.contracts.catalog import SERVICES
from tests.chaos.faults import KINDS, Fault, Felt, may_lose_a_commit, struck
from tests.chaos.ledger import differences
from tests.chaos.load import CALM, Load
from tests.chaos.onlooker import Look, Onlooker
from tests.chaos.oracle import books_wrong, files_wrong, read_books, simulate
from tests.chaos.orders import DAYS_MAX, day_begins
from tests.chaos.town import GIVE_UP_SECONDS, NEVER, NeverCame, Town

TICK_SECONDS = 0.02
WARM_SECONDS = 3.0
CALM_SECONDS = 1.5
MAILS_AT_ONCE = 16
"""So many mails may be under way when a commit is lost, and so be sent again."""
NIGHT = "kill -9 by night"
NIGHT_KILL_SHARE = 0.2


@dataclass(slots=True)
class Stroke:
    """One fault, and how the system came out of it."""

    fault: Fault
    felt: Felt = field(default_factory=Felt)
    moving_seconds: float = 0.0
    """From the end of the fault until every service took in something again and every API was ready."""
    caught_up_seconds: float = 0.0
    """From the end of the fault until everything accepted before had reached everybody."""


@dataclass(slots=True)
class Result:
    """What came of a run."""

    strokes: list[Stroke] = field(default_factory=list[Stroke])
    wrong: list[str] = field(default_factory=list[str])
    night_kills: int = 0
    night_recoveries_seconds: list[float] = field(default_factory=list[float])
    """From each kill by night until all that came due next had fired, and what followed was over."""
    orders: int = 0
    facts: int = 0
    events: int = 0
    repeated: int = 0
    mails: int = 0
    mails_repeated: int = 0
    refunds: int = 0
    refund_calls: int = 0
    seconds: float = 0.0
    server_restarts: int = 0
    loads: list[float] = field(default_factory=list[float])
    """The machine's load average at each fault: what times are to be read against."""


class Run:
    """Breaks a town by a plan, and knows at the end whether it kept its promises."""

    def __init__(self, town: Town, load: Load, onlooker: Onlooker, random: Random) -> None:
        self.town = town
        self.load = load
        self.onlooker = onlooker
        self.random = random
        self.result = Result()
        self.now_doing = "starting"
        self.on_stroke: Callable[[Stroke], None] = lambda stroke: None
        self.until: datetime | None = None
        """Where a short run ends; without, everything is told and played until nothing is due any more."""
        self.kinds = dict(KINDS)
        """How each kind of fault strikes; a run may have some of its own."""
        self.give_up_seconds = GIVE_UP_SECONDS
        self.night_kill_share = NIGHT_KILL_SHARE
        self._played_to: datetime | None = None
        self._began = time.monotonic()
        self._killed_at: float | None = None

    async def play(self, days: AsyncIterator[Sequence[Fault]]) -> None:
        """Play days with their faults, and then as many calm ones as the orders need."""
        number = 0
        async for faults in days:
            await self._day(number, faults)
            tomorrow = day_begins(number + 1)
            morning = min(tomorrow, self.until or tomorrow)
            await self._night(number, morning)
            number += 1
            # The next day may begin before the run's end: then what is due later was never waited for.
            self._played_to = morning
        for rest in () if self.until else range(number, number + DAYS_MAX - 1):
            await self._day(rest, None)
            await self._night(rest, day_begins(rest + 1) if rest < number + DAYS_MAX - 2 else None)
        self.result.seconds = time.monotonic() - self._began

    async def judge(self) -> None:
        """Hold everything against the oracle. The system is quiet, and may be stopped already."""
        result, ledger = self.result, self.onlooker.ledger
        self.now_doing = "playing the same facts in the simulation"
        expected = await simulate(self.load.told, self._played_to if self.until else None)
        outside = read_books(self.town.options.directory / "sandbox")
        result.orders, result.facts = len(self.load.orders), len(self.load.told)
        result.events, result.repeated = ledger.read - ledger.repeated, ledger.repeated
        result.mails = len(outside.mails)
        result.mails_repeated = outside.mails.total() - len(outside.mails)
        result.refunds, result.refund_calls = len(outside.refunds), outside.refund_calls
        result.server_restarts = self.town.server_restarts
        result.wrong += ledger.wrong + self.load.answers.wrong
        result.wrong += list(differences(expected.said, ledger.said))
        result.wrong += books_wrong(expected, outside) + mails_wrong(result)
        for service, files in self._files.items():
            result.wrong += files_wrong(expected.files[service], service, files)
        result.wrong += [f"the plan is wrong: something is due at {at} by day" for at in expected.in_the_way]

    async def read_files(self) -> None:
        """Read all files, and the log to its ends: what the night said last is on it too."""
        self.now_doing = "reading the rest of the log"
        await self._within(self.onlooker.looked_again(), "the log was read to its ends")
        self._files = {service: await self.onlooker.documents(service) for service in SERVICES}

    # By day

    async def _day(self, number: int, faults: Sequence[Fault] | None) -> None:
        """Tell the day's facts; without faults, only those of orders that are there already."""
        async with self._ticking(day_begins(number)):
            self.load.begin_day(number, new_orders=faults is not None)
            if faults:
                self.now_doing = "warming up"
                await asyncio.sleep(WARM_SECONDS)
            for fault in faults or ():
                await self._strike(fault)
                self.now_doing = "letting it run"
                await asyncio.sleep(CALM_SECONDS)
            self.now_doing = f"day {number + 1}: telling the rest"
            await self._within(self.load.finish_day(), "the day's facts were told and heard")

    @asynccontextmanager
    async def _ticking(self, start: datetime) -> AsyncIterator[None]:
        began = time.monotonic()

        async def tick() -> None:
            while True:
                self._clock = start + timedelta(seconds=time.monotonic() - began)
                self.town.set_clock(self._clock)
                await asyncio.sleep(TICK_SECONDS)

        ticking = asyncio.create_task(tick())
        try:
            yield
        finally:
            await ended(ticking)

    async def _strike(self, fault: Fault) -> None:
        stroke = Stroke(fault)
        self.now_doing = self.load.broken = fault.name
        async with struck(self.kinds[fault.kind], self.town, fault, stroke.felt):
            over = time.monotonic()
            moving = _Moving(self.onlooker)
            self.load.broken = f"{fault.name}, recovering"
            await self._within(self._moves(moving), f"anything moved after {fault.name}")
            stroke.moving_seconds = time.monotonic() - over
            await self._within(self._caught_up(over), f"everything was caught up after {fault.name}")
            stroke.caught_up_seconds = time.monotonic() - over
        self.load.broken = CALM
        for seconds in stroke.felt.exits_seconds:
            if seconds == NEVER:
                self.result.wrong.append(f"{fault.name}: a process did not end on SIGTERM and was killed")
        self.result.strokes.append(stroke)
        self.result.loads.append(os.getloadavg()[0])
        self.on_stroke(stroke)

    async def _moves(self, moving: "_Moving") -> None:
        while moving.missing():
            await asyncio.sleep(0.05)
        await self.town.ready(*self.town.everybody())

    async def _caught_up(self, moment: float) -> None:
        while self.onlooker.waits_since_before(moment):
            await asyncio.sleep(0.05)

    async def _within(self, step: Coroutine[Any, Any, None], what: str) -> None:
        """Wait for a step, but not for ever: what never comes is what we look for."""
        doing = asyncio.create_task(step)
        until = time.monotonic() + self.give_up_seconds
        try:
            while not doing.done():
                self.town.check()
                self.onlooker.check()
                if time.monotonic() > until:
                    raise NeverCame(f"{self.give_up_seconds:.0f} s passed before {what}. {self.standing()}")
                await asyncio.wait({doing}, timeout=0.2)
            doing.result()
        finally:
            doing.cancel()

    def standing(self) -> str:
        """Where everything stands, for somebody who has to find out why it does."""
        look = self.onlooker.latest
        seen = "nothing was seen" if look is None else f"lag {look.lag_total}, unsettled {look.unsettled}"
        return f"{seen}, orders in flight {self.load.in_flight}; {self.onlooker.trouble}"

    # By night

    async def _night(self, number: int, until: datetime | None) -> None:
        """From due moment to due moment, while workers are killed; without an end, until nothing is due."""
        self.now_doing = f"night {number + 1}"
        self.load.broken = NIGHT
        async with System(self.town.addresses) as system:
            driver, self._killed_at = Lockstep(system, self.town.clock, self._clock), None
            await driver.play((), self._by_night, until)
        self.load.broken = CALM
        self.town.check()

    def _by_night(self, _lines: int, now: datetime) -> None:
        self.now_doing = f"night, {now:%d %b %H:%M}"
        if self._killed_at is not None:
            self.result.night_recoveries_seconds.append(time.monotonic() - self._killed_at)
            self._killed_at = None
        if self.random.random() < self.night_kill_share:
            self.result.night_kills += 1
            self._killed_at = time.monotonic()
            self.town.child(self.random.choice(SERVICES), "worker").signal(signal.SIGKILL)


def mails_wrong(result: Result) -> list[str]:
    """Where the commit after a mail was lost, it may be sent again; nothing else may do that."""
    lost = result.night_kills + sum(may_lose_a_commit(stroke.fault) for stroke in result.strokes)
    if result.mails_repeated <= MAILS_AT_ONCE * lost:
        return []
    return [f"{result.mails_repeated} mails were sent again, more than {lost} lost commits explain"]


class _Moving:
    """Whether every service takes in records again: what lay there, and something at all."""

    def __init__(self, onlooker: Onlooker) -> None:
        self._left = set(SERVICES)
        self._first: Look | None = None
        self._onlooker = onlooker
        self._over = time.monotonic()

    def missing(self) -> set[str]:
        """The services that have not moved yet."""
        look = self._onlooker.latest
        if look is None or look.at < self._over:
            return self._left
        if self._first is None:
            self._first = look
            return self._left
        before, now = _sums(self._first), _sums(look)
        self._left = {service for service in self._left if now[service] <= before[service]}
        return self._left


def _sums(look: Look) -> Counter[str]:
    sums: Counter[str] = Counter()
    for (service, _, _), position in look.positions.items():
        sums[service] += position
    return sums
