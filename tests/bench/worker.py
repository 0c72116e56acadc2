"""One worker process of one service on a real broker and database: the stream path, measured.

What the service was told over HTTP is told first and not measured. Then the worker takes its batches
until it has had everything. Timers and effects rest: this is the path of an event from the log.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from shared.adapters.aiokafka_transport import AiokafkaTransport
from shared.adapters.clock import VirtualClock
from shared.adapters.collector import collect_less
from shared.adapters.ending import ended
from shared.adapters.faust_transport import FaustTransport
from shared.adapters.kafka_publisher import KafkaPublisher
from shared.adapters.motor_store import MotorStore
from shared.adapters.profile_files import load_profiles
from shared.adapters.settings import CommonSettings
from shared.cli.loading import load_services
from shared.contracts.catalog import HEARS, consumer_group
from shared.contracts.facts import TAKEN_BY
from shared.runtime.engine import Engine
from shared.runtime.fold import body_digest
from shared.runtime.limits import Limits
from shared.runtime.metrics import CounterName, NoMetrics
from shared.runtime.ports import EffectResult, Transport
from shared.runtime.service import Service
from shared.runtime.work import Tell
from shared.runtime.worker import Worker
from tests.bench.job import Job, Result, Stopwatch, answer
from tests.bench.keeper import KEEPER
from tests.bench.recorded import Recording, load

FACTS_AT_ONCE = 500
IDLE_SECONDS_MAX = 20.0
CLEAR_AFTER_SECONDS: Final = CommonSettings.model_fields["clear_after_seconds"].default
TRANSPORTS: dict[str, Callable[..., Transport]] = {"faust": FaustTransport, "aiokafka": AiokafkaTransport}


class Tally(NoMetrics):
    """Keeps the few counts that the bench asks for."""

    def __init__(self) -> None:
        self.commits = 0.0
        self.published = 0.0

    def count(self, name: CounterName, by: float = 1, **labels: str) -> None:
        """So many more of it happened."""
        if name == "orderlink_commits_total":
            self.commits += by
        if name == "orderlink_events_published_total":
            self.published += by


class Willing:
    """An outside that nobody asks: effects are not tried here."""

    async def perform(self, effect_id: str, request: object) -> EffectResult:
        """Done."""
        return EffectResult(done=True)


def service_named(name: str) -> Service:
    """One of the four, or the small one that does the peers' work."""
    return KEEPER if name == KEEPER.name else next(each for each in load_services() if each.name == name)


async def tell_facts(engine: Engine, recording: Recording) -> None:
    """Tell the service the facts that it takes, in order."""
    facts = [fact for fact in recording.told() if TAKEN_BY[fact.fact] == engine.service.name]
    for start in range(0, len(facts), FACTS_AT_ONCE):
        some = facts[start : start + FACTS_AT_ONCE]
        await engine.run([Tell(fact.order_id, fact, body_digest(fact)) for fact in some])


async def measure(job: Job) -> Result:
    """Everything for one run."""
    service = service_named(job.service)
    recording = load(job.recording)
    clock = VirtualClock(max(fact.at for fact in recording.told()))
    tally = Tally()
    store = MotorStore(job.mongodb_url, job.database, service.listed_by)
    publisher = KafkaPublisher(job.servers, naming=job.naming())
    limits = Limits(batch_max_records=job.batch_max_records, clear_after_seconds=CLEAR_AFTER_SECONDS)
    engine = Engine(service, store, publisher, clock, load_profiles().of, limits, tally)
    topics = HEARS.get(service.name) or HEARS["notifications"][:3]
    transport = TRANSPORTS[job.transport](
        job.servers, consumer_group(service.name), topics, naming=job.naming()
    )
    try:
        await store.prepare()
        await publisher.start()
        await tell_facts(engine, recording)
        del recording
        tally.commits = tally.published = 0
        collect_less()
        await transport.start()
        worker = Worker(engine, transport, dict.fromkeys(service.effects, Willing()), 1, _no_log)
        clearing = asyncio.create_task(engine.relay.keep_clearing(IDLE_SECONDS_MAX))
        result = await _take_all(worker, job, tally)
        await ended(clearing)
        return result
    finally:
        await transport.close()
        await publisher.close()
        await store.close()


async def _take_all(worker: Worker, job: Job, tally: Tally) -> Result:
    """Take batches until all that was recorded, and all that it said itself, is taken."""
    taken, watch, transport = 0, Stopwatch(), worker.transport
    hears_itself = any(job.service in topic for topic in HEARS.get(job.service, ()))
    idle_since = asyncio.get_running_loop().time()
    while True:
        owned_before = sum(transport.positions().values())
        if taken == 0:
            watch.start()
        found = await worker.take_batch()
        now = asyncio.get_running_loop().time()
        if found:
            taken += sum(transport.positions().values()) - owned_before
            watch.lap()
            idle_since = now
        expected = job.records + (int(tally.published) if hears_itself else 0)
        if taken >= expected or (taken and watch.seconds() > job.seconds_max):
            return watch.result(taken, int(tally.commits), int(tally.published))
        if now - idle_since > IDLE_SECONDS_MAX:
            raise TimeoutError(f"{taken} of {expected} records came, then none for {IDLE_SECONDS_MAX:.0f} s")


def _no_log(event: str, **values: object) -> None:
    """Nobody reads it."""


def run(job: Job) -> Result:
    """One run from start to end."""
    return asyncio.run(measure(job))


if __name__ == "__main__":
    answer(run)
