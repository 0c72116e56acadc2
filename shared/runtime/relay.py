"""The relay: publish what files have pending, oldest first, and clear exactly what was acknowledged.

It goes in rounds: the oldest pending event of every file, then the next of each file whose earlier
ones were all acknowledged. So a rejected record holds back its own file and no other, and on the
log an event never comes before its predecessor: whoever publishes a file's event has published
every earlier pending one first, and `pending` loses nothing before the broker's ack.
"""

from collections import Counter
from collections.abc import Sequence

from shared.runtime.file import File, Pending
from shared.runtime.metrics import Metrics
from shared.runtime.ports import Cleared, Outgoing, Publisher, Store, Unavailable


async def relay(files: Sequence[File], publisher: Publisher, store: Store, metrics: Metrics) -> int:
    """Publish and clear. Returns how many events were acknowledged.

    What could not be published, or was published and could not be cleared, stays pending: the
    sweep finds it, and publishing it again is a repetition that consumers drop.
    """
    queues = {file.subject: file.pending for file in files if file.pending}
    acknowledged: dict[tuple[str, str], int] = {}
    published: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    turn = 0
    while queues:
        heads = [(subject, queue[turn]) for subject, queue in queues.items()]
        answers = await publisher.publish([_outgoing(entry) for _, entry in heads])
        for (subject, entry), answered in zip(heads, answers, strict=True):
            if answered:
                acknowledged[(subject, entry.topic)] = entry.seq
                published[entry.topic] += 1
            else:
                failed[entry.topic] += 1
                del queues[subject]
        turn += 1
        queues = {subject: queue for subject, queue in queues.items() if len(queue) > turn}
    for topic, times in published.items():
        metrics.count("orderlink_events_published_total", times, topic=topic)
    for topic, times in failed.items():
        metrics.count("orderlink_publish_failures_total", times, topic=topic)
    if acknowledged:
        cleared = [Cleared(subject, topic, seq) for (subject, topic), seq in acknowledged.items()]
        try:
            await store.clear(cleared)
        except Unavailable:
            return published.total()
        for file in files:
            file.pending = [
                entry
                for entry in file.pending
                if entry.seq > acknowledged.get((file.subject, entry.topic), 0)
            ]
    return published.total()


def _outgoing(entry: Pending) -> Outgoing:
    return Outgoing(
        topic=entry.topic,
        key=entry.key.encode(),
        value=entry.value.encode(),
        headers={name: value.encode() for name, value in entry.headers.items()},
    )
