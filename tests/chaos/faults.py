"""The faults: each strikes, lasts, and is over. What happens then is the run's to watch.

A fault names its target and how long it lasts. Which ones strike in which order is planned in `plans`.
"""

import asyncio
import contextlib
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from shared.adapters.embedded import EmbeddedError
from shared.contracts.catalog import SERVICES
from tests.chaos.town import Town
from tests.kit.parts import Server

PRODUCE_WAIT_SECONDS = 20.0
SESSION_SECONDS = 10.0
"""A member of a group that is silent for so long is taken for dead."""
SLOW_SECONDS = 0.1
"""How long each piece waits on a slow connection."""
STARTS_MAX = 3
ROLES = ("worker", "API")


@dataclass(frozen=True, slots=True)
class Fault:
    """What to break, where, and for how long."""

    kind: str
    target: str = ""
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """For people."""
        lasting = f" for {self.seconds:.0f} s" if self.seconds >= 1 else ""
        return f"{self.kind}{': ' + self.target if self.target else ''}{lasting}"


@dataclass(slots=True)
class Felt:
    """What a fault showed of itself."""

    exits_seconds: list[float] = field(default_factory=list[float])
    """How long processes took to end after SIGTERM."""
    note: str = ""


Strike = Callable[[Town, Fault, Felt], AsyncIterator[None]]


# Processes


async def _kill_process(town: Town, fault: Fault, _felt: Felt) -> AsyncIterator[None]:
    service, role = fault.target.split()
    town.child(service, role).signal(signal.SIGKILL)
    yield


async def _kill_publishing(town: Town, fault: Fault, felt: Felt) -> AsyncIterator[None]:
    """Killed at the moment at which it publishes: what it sends is lost, or arrives and is not cleared."""
    service, role = fault.target.split()[:2]
    child, struck = town.child(service, role), asyncio.Event()
    passes = fault.target.endswith("sent")
    # A produce request's header: size, key 0, version, number, and the client's name.
    name = f"orderlink-{service}-{role.lower()}".encode()
    pattern = re.compile(rb".{4}\x00\x00\x00.....\x00" + bytes([len(name)]) + re.escape(name), re.DOTALL)

    def strike() -> bool:
        child.signal(signal.SIGKILL)
        struck.set()
        return passes

    town.to_broker.watch(pattern, strike)
    try:
        await asyncio.wait_for(struck.wait(), PRODUCE_WAIT_SECONDS)
    except TimeoutError:
        felt.note = "it published nothing, so it was killed doing nothing"
        child.signal(signal.SIGKILL)
    finally:
        town.to_broker.watch(None)
    yield


async def _freeze_worker(town: Town, fault: Fault, felt: Felt) -> AsyncIterator[None]:
    """Still for longer than its session lasts, while another takes its partitions over; then it wakes.

    The embedded broker never gives a silent member up, so there nobody takes over.
    """
    child = town.child(fault.target, "worker")
    other = await town.add_worker(fault.target, 2) if town.is_apache else None
    child.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        child.signal(signal.SIGCONT)
    yield
    if other is not None:
        felt.exits_seconds.append(await town.remove_worker(other.name))


async def _restart_one_by_one(town: Town, fault: Fault, felt: Felt) -> AsyncIterator[None]:
    """Every process ends on SIGTERM and comes back before the next one ends."""
    for service in SERVICES:
        for role in ROLES:
            child = town.child(service, role)
            felt.exits_seconds.append(await town.ended(child))
            where = town.stack.worker if role == "worker" else town.stack.api
            await town.ready(where(service))
    yield


async def _roll(town: Town, fault: Fault, felt: Felt) -> AsyncIterator[None]:
    """As a rolling update does with one process more: the new one is ready before the old one ends.

    A second process takes over while the first is exchanged, and ends when that one is ready again: so
    every process ends once under load, and every address stays what it was.
    """
    service, role = fault.target.split()
    if role == "API":
        extra, url = await town.add_api(service, 2)
        town.entrances[service].append(url)
        await asyncio.sleep(2 * town.look_seconds)
    else:
        extra = await town.add_worker(service, 2)
    felt.exits_seconds.append(await town.ended(town.child(service, role)))
    where = town.stack.worker if role == "worker" else town.stack.api
    await town.ready(where(service))
    await asyncio.sleep(2 * town.look_seconds)
    felt.exits_seconds.append(await town.remove_worker(extra.name))
    if role == "API":
        town.entrances[service].pop()
    yield


async def _drain(town: Town, fault: Fault, felt: Felt) -> AsyncIterator[None]:
    """Told to end with nobody there to take over."""
    felt.exits_seconds.append(await town.alone(fault.target))
    await town.ready(*town.everybody())
    yield


# Servers


async def _stop_server(town: Town, fault: Fault, _felt: Felt) -> AsyncIterator[None]:
    server = town.server(fault.target)
    await _gone_and_back(town, server, server.stop, fault.seconds)
    yield


async def _started(town: Town, server: Server) -> None:
    """Start a server. One that took too long, as on a busy machine, is started again."""
    for left in reversed(range(STARTS_MAX)):
        try:
            await server.start()
            break
        except EmbeddedError:
            if not left:
                raise
    if server is town.database:
        await town.database_warm()


async def _kill_server(town: Town, fault: Fault, _felt: Felt) -> AsyncIterator[None]:
    server = town.server(fault.target)
    await _gone_and_back(town, server, server.kill)
    yield


async def _gone_and_back(
    town: Town, server: Server, end: Callable[[], Awaitable[None]], seconds: float = 0
) -> None:
    """End a server on purpose, which nobody is to make good meanwhile, and start it after a while."""
    town.kept_up = False
    proxy = town.to_database if server is town.database else town.to_broker
    try:
        await end()
        await asyncio.sleep(seconds)
        proxy.refuse(True)
        await _started(town, server)
    finally:
        proxy.refuse(False)
        town.kept_up = True


async def _fill_disk(town: Town, fault: Fault, felt: Felt) -> AsyncIterator[None]:
    """The disk under a server is full for a while. One that ends of it is started again, as usual."""
    disk = town.disks[fault.target]
    restarts = town.server_restarts
    with disk.full():
        town.kept_up = False
        await asyncio.sleep(fault.seconds)
    town.kept_up = True
    while not town.runs(fault.target):
        await asyncio.sleep(0.1)
    felt.note = "it had ended, and was started again" if town.server_restarts > restarts else "it went on"
    if fault.target == "database" and not await town.database_writes():
        town.server_restarts += 1
        felt.note = "it ran on but took nothing any more, and was started again"
        town.kept_up = False
        await town.database.stop()
        await _started(town, town.database)
        town.kept_up = True
    yield


# Networks


async def _cut(town: Town, fault: Fault, _felt: Felt) -> AsyncIterator[None]:
    for _ in range(3):
        town.proxy(fault.target).cut()
        await asyncio.sleep(0.5)
    yield


async def _black_hole(town: Town, fault: Fault, _felt: Felt) -> AsyncIterator[None]:
    town.proxy(fault.target).hold(True)
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        town.proxy(fault.target).hold(False)
    yield


async def _slow(town: Town, fault: Fault, _felt: Felt) -> AsyncIterator[None]:
    town.proxy(fault.target).slow(SLOW_SECONDS)
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        town.proxy(fault.target).slow(0)
    yield


async def _kill_while_away(town: Town, fault: Fault, _felt: Felt) -> AsyncIterator[None]:
    """A worker has records in hand that it can't commit, since the database is silent, and is killed then."""
    town.to_database.hold(True)
    try:
        await asyncio.sleep(fault.seconds)
        town.child(fault.target, "worker").signal(signal.SIGKILL)
        await asyncio.sleep(0.5)
    finally:
        town.to_database.hold(False)
    yield


async def _kill_while_unwritten(town: Town, fault: Fault, _felt: Felt) -> AsyncIterator[None]:
    """The same, but all else gets through: if it said that it was done with them, that would be kept."""
    database = f"orderlink_{fault.target}".encode()
    writes = re.compile(rb"(insert|update)\x00.{4}files\x00.*\$db\x00.{4}" + database + rb"\x00", re.DOTALL)
    with town.to_database.keep(writes):
        await asyncio.sleep(fault.seconds)
        town.child(fault.target, "worker").signal(signal.SIGKILL)
        await asyncio.sleep(0.5)
    yield


# Sizes


async def _scale(town: Town, fault: Fault, felt: Felt) -> AsyncIterator[None]:
    """So many workers of a service as the target says, its first one among them."""
    service, wanted = fault.target.split()
    names = [f"{service} worker {number}" for number in range(2, 10)]
    running = [name for name in names if name in town.stack.nursery.children]
    missing = range(len(running) + 2, int(wanted) + 1)
    await asyncio.gather(*(town.add_worker(service, number) for number in missing))
    leaving = running[max(0, int(wanted) - 1) :]
    felt.exits_seconds += await asyncio.gather(*(town.remove_worker(name) for name in leaving))
    yield


async def _let_run(_town: Town, fault: Fault, _felt: Felt) -> AsyncIterator[None]:
    await asyncio.sleep(fault.seconds)
    yield


KINDS: dict[str, Strike] = {
    "kill -9": _kill_process,
    "kill -9 while publishing": _kill_publishing,
    "kill -9 while the database is silent": _kill_while_away,
    "kill -9 while files are not written": _kill_while_unwritten,
    "freeze and wake a worker": _freeze_worker,
    "restart one by one": _restart_one_by_one,
    "stop": _stop_server,
    "kill -9 of the server": _kill_server,
    "fill the disk": _fill_disk,
    "cut connections": _cut,
    "black hole": _black_hole,
    "slow connections": _slow,
    "workers": _scale,
    "roll": _roll,
    "drain": _drain,
    "let run": _let_run,
}


AWAY = ("stop", "kill -9 of the server", "fill the disk", "cut connections", "black hole")
"""Kinds after which the server that they strike has answered nobody for a while."""


def may_lose_a_commit(fault: Fault) -> bool:
    """Whether what a worker has done may not be noted: it is killed, or the database is away."""
    if fault.kind in AWAY:
        return fault.target == "database"
    if fault.kind in ("kill -9 while the database is silent", "kill -9 while files are not written"):
        return True
    return fault.kind.startswith("kill -9") and "worker" in fault.target


@contextlib.asynccontextmanager
async def struck(strike: Strike, town: Town, fault: Fault, felt: Felt) -> AsyncIterator[None]:
    """Inside, the fault is over and the system may recover; at the end what it had added is gone."""
    async with contextlib.asynccontextmanager(strike)(town, fault, felt):
        yield
