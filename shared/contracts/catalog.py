"""The topic catalogue: names, partitions, retention, compaction, owner and readers of every topic."""

from typing import Final

from shared.contracts.base import Frozen

COMPACTED_WITHIN_MS: Final = 24 * 60 * 60 * 1000
"""Of a compacted topic: how old a record may get before the newer one of its key, or a tombstone, counts."""
TOMBSTONES_KEPT_MS: Final = 24 * 60 * 60 * 1000
"""Of a compacted topic: how long a tombstone is kept after that, for readers that are behind."""
SLOTS: Final = 256
"""Number of slots that subjects hash into; an upper bound for partitions."""

SERVICES: Final = ("orders", "logistics", "aftersales", "notifications")
CONTACTS_TOPIC: Final = "contacts.v1"
CONTACTS_WRITERS: Final = ("orders", "notifications")
"""The services that write contacts; the first one answers for the topic."""


class Topic(Frozen):
    """One topic of the system."""

    name: str
    owner: str
    """The service that answers for it and writes it."""
    readers: tuple[str, ...]
    also_written_by: tuple[str, ...] = ()
    compacted: bool = False
    """Whether only the newest record of a key is kept: of contacts an order's, of dead letters a letter's."""
    personal: bool = False
    """Whether records hold personal data."""
    co_partitioned: bool = True
    """Whether it has the installation's partition count (dead letters have one partition)."""
    retention_ms: int = -1
    """-1: everything is kept."""


def event_topic(service: str) -> str:
    """The topic on which a service speaks."""
    return f"{service}.v1"


def dead_letter_topic(service: str) -> str:
    """The topic that takes what a service could not digest."""
    return f"{service}.dead-letters.v1"


def consumer_group(service: str) -> str:
    """The consumer group of a service's workers."""
    return f"orderlink.{service}"


def contacts_source(service: str) -> str:
    """The event source under which a service numbers its records on the contacts topic."""
    return f"{service}-contacts"


CONTACTS_SOURCES: Final = tuple(contacts_source(service) for service in CONTACTS_WRITERS)

HEARS: Final[dict[str, tuple[str, ...]]] = {
    "orders": (
        event_topic("orders"),
        event_topic("logistics"),
        event_topic("aftersales"),
        event_topic("notifications"),
    ),
    "logistics": (
        event_topic("orders"),
        event_topic("logistics"),
        event_topic("aftersales"),
        event_topic("notifications"),
        CONTACTS_TOPIC,
    ),
    "aftersales": (event_topic("orders"), event_topic("logistics"), event_topic("notifications")),
    "notifications": (
        event_topic("orders"),
        event_topic("logistics"),
        event_topic("aftersales"),
        event_topic("notifications"),
        CONTACTS_TOPIC,
    ),
}
"""The topics that each service reads."""


def _readers(topic: str) -> tuple[str, ...]:
    return tuple(service for service in SERVICES if topic in HEARS[service])


TOPICS: Final[tuple[Topic, ...]] = (
    *(
        Topic(name=event_topic(service), owner=service, readers=_readers(event_topic(service)))
        for service in SERVICES
    ),
    Topic(
        name=CONTACTS_TOPIC,
        owner=CONTACTS_WRITERS[0],
        readers=_readers(CONTACTS_TOPIC),
        also_written_by=CONTACTS_WRITERS[1:],
        compacted=True,
        personal=True,
    ),
    *(
        Topic(
            name=dead_letter_topic(service),
            owner=service,
            readers=(),
            compacted=True,
            personal=True,
            co_partitioned=False,
        )
        for service in SERVICES
    ),
)
