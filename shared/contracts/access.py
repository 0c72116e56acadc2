"""Who may do what on the broker: the fewest rights each principal needs, from the catalogue of topics.

Every rule names one topic or one group in full. Nobody may make, change or delete a topic, nobody has
a transactional id, and contacts are read by their readers alone. Describing is said beside reading and
writing, although brokers imply it, so that what is listed is all there is.
"""

from typing import Final, Literal

from shared.contracts.base import Frozen
from shared.contracts.catalog import (
    HEARS,
    SERVICES,
    TOPICS,
    Topic,
    consumer_group,
    dead_letter_topic,
    event_topic,
)

Resource = Literal["topic", "group"]
Operation = Literal["Describe", "DescribeConfigs", "Read", "Write"]

OPERATORS: Final = "operators"
"""The principal of `orderlink topics check` and `topics lag`: it reads no record and changes nothing."""


class Right(Frozen):
    """What one principal may do with one topic or group."""

    resource: Resource
    name: str
    operations: tuple[Operation, ...]


def rights_of(service: str) -> tuple[Right, ...]:
    """The rights of a service's processes, and of the commands that an operator runs in its name.

    Its dead letters are read by `orderlink dead-letters`, which works as the service. Its own topic it
    reads even where it does not hear it: at the start, to see that its database is no older.
    """
    found = [_topic_right(service, topic) for topic in TOPICS]
    group = Right(resource="group", name=consumer_group(service), operations=("Describe", "Read"))
    return (*(right for right in found if right is not None), group)


def rights_of_operators() -> tuple[Right, ...]:
    """The rights of who only looks at topics and groups from outside."""
    topics = (
        Right(resource="topic", name=topic.name, operations=("Describe", "DescribeConfigs"))
        for topic in TOPICS
    )
    groups = (
        Right(resource="group", name=consumer_group(service), operations=("Describe",))
        for service in SERVICES
    )
    return (*topics, *groups)


def _topic_right(service: str, topic: Topic) -> Right | None:
    own = (event_topic(service), dead_letter_topic(service))
    reads = topic.name in HEARS[service] or topic.name in own
    writes = service == topic.owner or service in topic.also_written_by
    if not reads and not writes:
        return None
    operations: list[Operation] = ["Describe"]
    if reads:
        operations.append("Read")
    if writes:
        operations.append("Write")
    return Right(resource="topic", name=topic.name, operations=tuple(operations))
