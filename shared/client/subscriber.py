"""Events for subscribers: typed, in order for each subject, each one once as far as memory reaches."""

import json
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from typing import Final

from shared.adapters.aiokafka_transport import AiokafkaTransport
from shared.adapters.kafka_broker import broker_at
from shared.contracts.catalog import TOPICS
from shared.contracts.event import Event, MalformedEvent, UnknownEventType, from_cloudevent
from shared.runtime.ports import Record, Transport

BATCH_MAX_RECORDS: Final = 500
WAIT_SECONDS: Final = 1.0
REMEMBERED_SUBJECTS: Final = 100_000

KNOWN: Final = tuple(topic.name for topic in TOPICS if topic.co_partitioned)
_log: Final = logging.getLogger("orderlink.client")


async def subscribe(
    *topics: str, group: str, servers: str | None = None, transport: Transport | None = None
) -> AsyncGenerator[Event, None]:
    """Read events for ever, from the group's last position, or from the beginning the first time.

    An event counts as taken when the body of the loop is done with it; the position is committed soon
    after. A process that dies starts again a little earlier, so a body must bear seeing an event again.
    While it lives, repetitions on the log are dropped by their sequence. Several processes of one group
    share the topics' partitions. Records of a later version of Orderlink, which today's code does not
    know, are passed over, and so are, with a warning, records that are no events.

    The broker and how it lets us in are taken from `KAFKA_BOOTSTRAP_SERVERS` and the other variables of
    docs/settings.md that start with `KAFKA_`; `servers` overrules the first.

    Raises `Unavailable` when the broker can't be reached or does not let us in, `SettingsWrong` for a
    variable that can't be used, and `ValueError` for a topic that isn't one.
    """
    strays = [topic for topic in topics if topic not in KNOWN]
    if strays or not topics:
        raise ValueError(f"expected topics out of {', '.join(KNOWN)}, got {', '.join(strays) or 'none'}")
    reader = transport or _connected(topics, group, servers)
    seen = _Seen()
    try:
        await reader.start()
        while True:
            records = await reader.batch(BATCH_MAX_RECORDS, WAIT_SECONDS)
            for record in records:
                event = _read(record)
                if event is not None and seen.is_new(record.topic, event):
                    yield event
                await reader.ack((record,))
    finally:
        await reader.close()


def _connected(topics: Sequence[str], group: str, servers: str | None) -> Transport:
    return AiokafkaTransport(broker_at(servers), group, topics)


class _Seen:
    """The last sequence of each subject, for the subjects heard of most recently."""

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[str, str, str], int] = OrderedDict()

    def is_new(self, topic: str, event: Event) -> bool:
        key = (topic, event.source, event.subject)
        last = self._last.pop(key, 0)
        self._last[key] = max(last, event.sequence)
        if len(self._last) > REMEMBERED_SUBJECTS:
            self._last.popitem(last=False)
        return event.sequence > last


def _read(record: Record) -> Event | None:
    if record.value is None:
        return None
    try:
        return from_cloudevent(json.loads(record.value))
    except UnknownEventType:
        return None
    except (MalformedEvent, ValueError, RecursionError) as problem:
        where = (record.topic, record.partition, record.offset)
        _log.warning("no event at %s partition %d offset %d: %s", *where, type(problem).__name__)
        return None
