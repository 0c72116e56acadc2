"""A group member as a process of its own, to be killed or frozen from outside.

    python -m tests.adapters.member MODULE KIND BROKER PREFIX NAME COUNT ACKNOWLEDGED

It takes COUNT records, acknowledges the first ACKNOWLEDGED of them, prints all it took, one a line,
then `acknowledged`, and waits. An empty NAME is a member without a fixed name.
"""

import asyncio
import json
import sys
from importlib import import_module
from typing import Any

from shared.adapters.kafka_member import Membership
from shared.runtime.ports import Record
from tests.adapters.transport_suite import TOPICS, take

SESSION_SECONDS = 6.0


def written_line(record: Record) -> str:
    """A record as it is printed."""
    return json.dumps([record.topic, record.partition, record.offset, (record.value or b"").decode()])


def read_line(line: bytes) -> tuple[str, int, int, bytes]:
    """Topic, partition, offset and value of a printed record."""
    topic, partition, offset, value = json.loads(line)
    return topic, partition, offset, value.encode()


async def main(
    module: str, kind: str, broker: str, prefix: str, name: str, count: str, acknowledged: str
) -> None:
    """Take, acknowledge, tell, wait."""
    made: Any = getattr(import_module(module), kind)
    membership = Membership(
        instance_id=name or None, session_timeout_seconds=SESSION_SECONDS, commit_interval_seconds=0.05
    )
    member = made(broker, "workers", TOPICS, naming=lambda topic: prefix + topic, membership=membership)
    await member.start()
    taken = await take(member, int(count))
    await member.ack(taken[: int(acknowledged)])
    for record in taken:
        print(written_line(record))
    print("acknowledged", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
