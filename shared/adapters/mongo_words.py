"""What is said to MongoDB, and how partitions are named in it."""

from collections.abc import Mapping
from typing import Any

from shared.runtime.ports import TopicPartition


def wanted_by(where: Mapping[str, Any]) -> dict[str, Any]:
    """The filter for documents that match all of these paths: a value, or any of a list."""
    return {
        path: {"$in": value} if isinstance(value, list) else {"$eq": value} for path, value in where.items()
    }


def path_of(where: TopicPartition) -> str:
    """A partition as the name of a field, which may hold no dots."""
    return f"{where.topic}/{where.partition}".replace(".", ":")


def place_of(path: str) -> TopicPartition:
    """The partition of such a name."""
    topic, _, number = path.replace(":", ".").rpartition("/")
    return TopicPartition(topic, int(number))
