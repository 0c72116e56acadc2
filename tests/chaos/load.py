"""The load: orders that live at once, each told its next fact when the one before has reached everybody.

Every fact is told until it is accepted, as a shop's platform would. Some are told twice. Each answer
is counted under what was broken at that moment, and one that breaks the API's promise is written down.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from random import Random

import httpx

from shared.adapters.ending import ended
from shared.contracts.catalog import SERVICES
from shared.contracts.facts import TAKEN_BY, AnyFact
from tests.chaos.onlooker import Onlooker
from tests.chaos.orders import DAYS_MAX, Order, order

ANSWER_MAX_SECONDS = 60.0
"""An answer that takes longer is none: the API promises to answer, if only with 503."""
RETRY_AFTER_MAX_SECONDS = 1.0
"""We come again sooner than we are asked to: more load."""
REQUESTS_MAX = 64
"""So many requests may be under way at each API. The others wait here in a line: the client's own pool looks
through all of its requests whenever one begins or ends, and with thousands does nothing else any more."""
TWICE_SHARE = 0.05
CALM = "nothing"


@dataclass
class Answers:
    """What requests got, by what was broken meanwhile."""

    counted: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    longest_seconds: dict[str, float] = field(default_factory=dict[str, float])
    wrong: list[str] = field(default_factory=list[str])
    on_note: Callable[[str, float, str], None] = lambda service, began, what: None
    """Told of each: its service, when it was sent, and what it got."""

    def note(self, broken: str, service: str, began: float, what: str) -> None:
        """One more, sent at `began` of the machine's monotonic time and answered now."""
        self.counted[broken, what] += 1
        self.on_note(service, began, what)
        seconds = time.monotonic() - began
        self.longest_seconds[broken] = max(seconds, self.longest_seconds.get(broken, 0.0))

    def total(self, *whats: str) -> int:
        """How many requests got one of these."""
        return sum(count for (_, what), count in self.counted.items() if what in whats)


@dataclass
class Load:
    """Keeps telling facts. `begin_day` says which day it is; `finish_day` waits for the day's last fact."""

    onlooker: Onlooker
    random: Random
    orders_per_second: float
    orders_at_once_max: int
    facts_a_day_max: int | None = None
    """Of the orders begun from now on no more than so many facts are told on a day; None tells all."""
    broken: str = CALM
    answers: Answers = field(default_factory=Answers)
    told: list[tuple[int, int, AnyFact]] = field(default_factory=list[tuple[int, int, AnyFact]])
    """Every accepted fact with its day and its place in its order's day."""
    orders: dict[str, Order] = field(default_factory=dict[str, Order])
    _due: dict[int, deque[tuple[Order, int]]] = field(default_factory=dict[int, deque[tuple[Order, int]]])
    _playing: set["asyncio.Task[None]"] = field(default_factory=set["asyncio.Task[None]"])
    _played: list["asyncio.Task[None]"] = field(default_factory=list["asyncio.Task[None]"])
    """Those of them that have ended. Thousands may be under way: nobody looks through all of them."""
    _clients: dict[str, httpx.AsyncClient] = field(default_factory=dict[str, httpx.AsyncClient])
    _turns: dict[str, asyncio.Semaphore] = field(default_factory=dict[str, asyncio.Semaphore])
    _starting: "asyncio.Task[None] | None" = None
    _day: int = 0

    def connect(self, apis: Mapping[str, str], headers: Mapping[str, str]) -> None:
        """Where the APIs are."""
        self._turns = {service: asyncio.Semaphore(REQUESTS_MAX) for service in SERVICES}
        limits = httpx.Limits(max_connections=REQUESTS_MAX, max_keepalive_connections=REQUESTS_MAX)
        self._clients = {
            service: httpx.AsyncClient(
                base_url=apis[service],
                headers=dict(headers),
                timeout=ANSWER_MAX_SECONDS,
                limits=limits,
            )
            for service in SERVICES
        }

    def send_to(self, service: str, url: str) -> None:
        """From now on requests for this service go there; those under way stay where they are."""
        self._clients[service].base_url = url

    @property
    def in_flight(self) -> int:
        """Orders that are being told about."""
        return len(self._playing)

    def begin_day(self, day: int, *, new_orders: bool) -> None:
        """Go on with the orders that have something that day, and place new ones between them."""
        self._day = day
        self._starting = asyncio.create_task(self._start(new_orders))

    async def finish_day(self) -> None:
        """Place no new orders, and return when everything of the day was told and everybody heard it."""
        if self._starting is not None:
            await ended(self._starting)
        due = self._due.pop(self._day, deque[tuple[Order, int]]())
        while due or self._playing:
            while due and len(self._playing) < self.orders_at_once_max:
                self._play(*due.popleft())
            await asyncio.wait(self._playing, return_when=asyncio.FIRST_COMPLETED)
            self._look_at_ended()

    async def close(self) -> None:
        """End what is under way."""
        tasks = {*self._playing, *([self._starting] if self._starting else [])}
        await ended(*tasks)
        for client in self._clients.values():
            await client.aclose()

    async def _start(self, new_orders: bool) -> None:
        due = self._due.setdefault(self._day, deque())
        before, owed, started = time.monotonic(), 0.0, 0
        while True:
            self._look_at_ended()
            now = time.monotonic()
            owed += (now - before) * self.orders_per_second
            before = now
            while owed >= 1:
                owed -= 1
                started += 1
                if len(self._playing) >= self.orders_at_once_max:
                    continue
                # As many of the old as of the new, so that neither keeps the other waiting.
                if due and (started % 2 or not new_orders):
                    self._play(*due.popleft())
                elif new_orders:
                    self._play(self._new_order(), 0)
            await asyncio.sleep(0.02)

    def _new_order(self) -> Order:
        made = order(len(self.orders), self._day, self.random)
        self.orders[made.order_id] = made
        for after in range(1, min(len(made.days), DAYS_MAX)):
            self._due.setdefault(self._day + after, deque()).append((made, after))
        return made

    def _play(self, chosen: Order, after: int) -> None:
        playing = asyncio.create_task(self._tell_day(chosen.order_id, chosen.days[after]))
        self._playing.add(playing)
        playing.add_done_callback(self._played.append)

    def _look_at_ended(self) -> None:
        while self._played:
            task = self._played.pop()
            self._playing.discard(task)
            task.result()

    async def _tell_day(self, order_id: str, facts: Iterable[AnyFact]) -> None:
        day = self._day
        for rank, fact in enumerate(islice(facts, self.facts_a_day_max)):
            await self.tell(fact)
            self.told.append((day, rank, fact))
            if self.random.random() < TWICE_SHARE:
                await self.tell(fact)
            await self.onlooker.quiet(order_id)

    async def tell(self, fact: AnyFact) -> None:
        """Tell a fact until it is accepted."""
        body, service = fact.model_dump_json(exclude_none=True), TAKEN_BY[fact.fact]
        pause: float | None = 0.0
        while pause is not None:
            await asyncio.sleep(pause)
            async with self._turns[service]:
                pause = await self._tell_once(fact.id, body, service)

    async def _tell_once(self, fact_id: str, body: str, service: str) -> float | None:
        """Tell it, and return after how many seconds to come again; None if it was accepted."""
        broken, began = self.broken, time.monotonic()
        pause: float | None = 0.2
        try:
            answer = await self._clients[service].post(
                "/facts", content=body, headers={"Content-Type": "application/json"}
            )
        except httpx.TimeoutException:
            what = "no answer"
            self.answers.wrong.append(
                f"fact {fact_id} got no answer within {ANSWER_MAX_SECONDS:.0f} s ({broken} broken)"
            )
        except httpx.ConnectError:
            what = "nobody there"
        except httpx.TransportError:
            what = "cut off"
        else:
            what = f"{answer.status_code}"
            retry_after = answer.headers.get("Retry-After", "")
            if answer.is_success:
                what, pause = "2xx", None
            elif answer.status_code == 503 and retry_after:
                pause = min(float(retry_after), RETRY_AFTER_MAX_SECONDS)
            else:
                self.answers.wrong.append(
                    f"fact {fact_id} got {what} with Retry-After {retry_after!r}: {answer.text[:200]}"
                )
        self.answers.note(broken, service, began, what)
        return pause
