"""The migration of topics to more partitions: drained, checked, and gone on with when run again.

More partitions put a subject's next event elsewhere than its last, so three things must hold while they
come into being, or a reader could hear of the next before the last, and drop the last as old:

- Who reads must have read everything. Workers are stopped; this command takes in for them what is left,
  and publishes nothing meanwhile: what follows waits in the files.
- Nobody may write, least of all with addresses from before: a producer that knows the old count goes on
  using it for a minute. Workers are stopped; APIs are stopped too, or run with
  `ORDERLINK_API_PUBLISHES=off` and go on accepting, which is checked by watching the ends of the topics.
- Subscribers from elsewhere that are behind are named, and wait for by default.

Nothing is noted anywhere: how far a migration got is to be seen from the topics themselves. The
compacted topic grows first, and while counts differ no worker starts, so that one which was interrupted
is finished before anything else happens.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from shared.adapters.kafka_growth import COMPACTED_TOPICS, EVENT_TOPICS, KafkaGrowth
from shared.adapters.settings import CommonSettings
from shared.cli.operate import engine_of
from shared.contracts.catalog import HEARS, SERVICES, consumer_group
from shared.runtime.brake import Brake
from shared.runtime.chunks import in_chunks
from shared.runtime.engine import Engine
from shared.runtime.listen import listen
from shared.runtime.ports import Record, TopicPartition
from shared.runtime.restore.guard import check_heard
from shared.runtime.slots import check_partition_count

BATCH_RECORDS: Final = 256
OURS: Final = tuple(consumer_group(service) for service in SERVICES)
SILENT_SETTING: Final = "ORDERLINK_API_PUBLISHES=off"

Say = Callable[[str], None]
Ends = Mapping[TopicPartition, int]


class NotNow(Exception):
    """The migration can't go on as things are. The text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Way:
    """From how many partitions to how many, and what is left of it."""

    counts: Mapping[str, int]
    wanted: int

    @property
    def is_done(self) -> bool:
        """Whether every topic has what it is to have."""
        return set(self.counts.values()) == {self.wanted}

    @property
    def told(self) -> str:
        """The counts in words."""
        return ", ".join(f"{topic} {count}" for topic, count in self.counts.items())


async def look(admin: KafkaGrowth, wanted: int) -> Way:
    """How things stand. Raises `NotNow` where topics can't be given so many partitions."""
    check_partition_count(wanted)
    there = await admin.partition_counts()
    missing = [topic for topic in EVENT_TOPICS if topic not in there]
    if missing:
        raise NotNow(f"there is no topic {', '.join(missing)}; `orderlink topics make` makes them")
    counts = {topic: there[topic] for topic in EVENT_TOPICS}
    larger = [topic for topic, count in counts.items() if count > wanted]
    if larger:
        told = Way(counts, wanted).told
        raise NotNow(f"partitions can't become fewer: expected {wanted} or less, got {told}")
    return Way(counts, wanted)


async def check_nobody_works(admin: KafkaGrowth) -> None:
    """Raises `NotNow` while a worker is a member of its group."""
    members = await admin.members(OURS)
    if members:
        told = "; ".join(f"{group}: {', '.join(each)}" for group, each in members.items())
        raise NotNow(
            f"workers are running ({told}). Stop all workers, and run this again. One that was killed, or "
            "has a fixed name (ORDERLINK_WORKER_INSTANCE_ID), counts as running for its session timeout of "
            "10 s; if you know that those with names are stopped, say --stopped. APIs may go on accepting: "
            f"restart them with {SILENT_SETTING} first"
        )


async def check_subscribers(admin: KafkaGrowth, *, force: bool) -> str:
    """Who is not ours and has not read everything, in words: nothing if nobody is.

    Raises `NotNow` where somebody is, or might be and can't be seen, unless that is to be borne (`force`).
    """
    if not await admin.sees_every_group():
        if force:
            return "perhaps somebody whom the broker hides from this user"
        raise NotNow(
            "this user may not look at every group (Describe on group *), so the broker hides which "
            "subscribers from elsewhere are behind. Give him that right, or say --force if there are none"
        )
    behind = await admin.behind(EVENT_TOPICS, but=OURS)
    told = ", ".join(f"{group} by {count:,} records" for group, count in behind.items())
    if behind and not force:
        raise NotNow(
            f"subscribers from elsewhere are behind ({told}), and could hear a subject's new events before "
            "its old ones. Let them read to the end, or say --force if they bear that, or are no more"
        )
    return told


async def take_in_the_rest(
    admin: KafkaGrowth, settings: CommonSettings, progress: Callable[[int, int], None]
) -> int:
    """Let every service take in what is left on its topics, publishing nothing. Returns how many records."""
    lags = {service: await admin.lag(consumer_group(service), HEARS[service]) for service in SERVICES}
    total = sum(sum(lag.values()) for lag in lags.values())
    done = 0
    for service, lag in lags.items():
        if not any(lag.values()):
            continue
        ends, group = await admin.end_offsets(HEARS[service]), consumer_group(service)
        async with engine_of(service, settings, only_letters=True) as engine:
            await engine.store.prepare()
            await check_heard(service, engine.store, await admin.committed(group, HEARS[service]))
            brake = Brake(settings)
            for topic in HEARS[service]:
                start = {
                    where.partition: end - lag[where] for where, end in ends.items() if where.topic == topic
                }
                async for records in in_chunks(admin.read_all(topic, start), BATCH_RECORDS):
                    await _take_in(engine, records, brake)
                    await engine.store.note_heard(_after(records))
                    await admin.set_position(group, _after(records))
                    done += len(records)
                    progress(done, total)
    return done


async def check_nobody_writes(admin: KafkaGrowth, before: Ends, since: float, watch_seconds: float) -> Ends:
    """Watch the topics' ends. Raises `NotNow` when one moves; else the ends, which are those of before."""
    while True:
        now = await admin.end_offsets(EVENT_TOPICS)
        written = _written(before, now)
        if written:
            raise NotNow(
                f"somebody writes events ({written} since this command began). Stop the APIs, or restart "
                f"them with {SILENT_SETTING}, and run this again"
            )
        left = since + watch_seconds - time.monotonic()
        if left <= 0:
            return now
        await asyncio.sleep(min(1.0, left))


async def grow(admin: KafkaGrowth, way: Way, say: Say) -> None:
    """Give every topic its partitions, compacted ones first, and move the keys of those."""
    for topic in COMPACTED_TOPICS:
        await admin.grow(topic, way.wanted)
        moved = await asyncio.to_thread(admin.move_keys, topic, way.wanted)
        say(f"   {topic}: {way.wanted} partitions; {moved:,} keys moved to where they now belong")
    for topic in EVENT_TOPICS:
        if topic not in COMPACTED_TOPICS:
            await admin.grow(topic, way.wanted)
            say(f"   {topic}: {way.wanted} partitions")


async def verify(admin: KafkaGrowth, way: Way, before: Ends) -> None:
    """Raises `NotNow` unless all topics have their partitions and no event was written meanwhile."""
    grown = await look(admin, way.wanted)
    if not grown.is_done:
        raise NotNow(f"expected {way.wanted} partitions everywhere, got {grown.told}; run this again")
    kept = {where: end for where, end in before.items() if where.topic not in COMPACTED_TOPICS}
    now = await admin.end_offsets(EVENT_TOPICS)
    written = _written(kept, now)
    if written:
        raise NotNow(
            f"the topics have {way.wanted} partitions, but somebody wrote meanwhile ({written}), perhaps "
            "to where a subject's events are no more. Before starting workers run `orderlink audit`, and "
            "find out which API was running without " + SILENT_SETTING
        )


def _written(before: Ends, now: Ends) -> str:
    """What was written between two looks at the ends, in words; nothing if nothing was."""
    more: dict[str, int] = {}
    for where, end in now.items():
        grew = end - before.get(where, 0)
        if grew and (where in before or where.topic not in COMPACTED_TOPICS):
            more[where.topic] = more.get(where.topic, 0) + grew
    return ", ".join(f"{count:,} on {topic}" for topic, count in more.items())


async def _take_in(engine: Engine, records: list[Record], brake: Brake) -> None:
    """What a worker does with a batch, up to the commit."""
    heard = listen(engine.service, records)
    await engine.post_letters(heard.aliens, set())
    answers = await engine.run(heard.work)
    for _ in heard.aliens:
        brake.note(poisoned=True)
    for answer in answers:
        brake.note(poisoned=answer.poisoned)


def _after(records: list[Record]) -> dict[TopicPartition, int]:
    return {TopicPartition(each.topic, each.partition): each.offset + 1 for each in records}
