"""Who may do what on the broker: the fewest rights each principal needs, from the catalogue of topics.

Every rule names one topic or one group in full; administrators alone look at all groups, since who is
behind may be anybody's. They alone make and change topics too. Nobody may delete one, nobody has a
transactional id, and of services contacts are read by their readers alone. Describing is said beside
reading and writing, although brokers imply it, so that what is listed is all there is.
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
Operation = Literal["Alter", "AlterConfigs", "Create", "Describe", "DescribeConfigs", "Read", "Write"]

OPERATORS: Final = "operators"
"""The principal of `orderlink topics check` and `topics lag`: it reads no record and changes nothing."""
ADMINISTRATORS: Final = "administrators"
"""The principal of commands about all services: `topics make` and `migrate`, `erase`, all dead letters."""
EVERY: Final = "*"
"""Kafka's name for every resource of a kind."""
MIGRATES: Final[tuple[Operation, ...]] = ("Alter", "Describe", "Read", "Write")
"""What a migration does with topics."""


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


def rights_of_administrators() -> tuple[Right, ...]:
    """The rights of who works for all services at once, while they stand still or are at work."""
    topics = (
        Right(
            resource="topic",
            name=topic.name,
            operations=("Alter", "AlterConfigs", "Create", "Describe", "DescribeConfigs", "Read", "Write"),
        )
        for topic in TOPICS
    )
    ours = (
        Right(resource="group", name=consumer_group(service), operations=("Describe", "Read"))
        for service in SERVICES
    )
    # A broker leaves out of its list whom one may not describe, and a migration would not know of them.
    return (*topics, *ours, Right(resource="group", name=EVERY, operations=("Describe",)))


def rights_to_migrate() -> tuple[Right, ...]:
    """Those rights of an administrator on topics that `orderlink topics migrate` makes use of."""
    return tuple(
        Right(resource="topic", name=topic.name, operations=MIGRATES)
        for topic in TOPICS
        if topic.co_partitioned
    )


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
