"""What is said to MongoDB, how documents are encoded for it, and how partitions are named in it."""

from collections.abc import Mapping
from typing import Any

import bson
from bson.errors import BSONError

from shared.runtime.ports import Document, TopicPartition


def encoded(document: Document, max_bytes: int) -> bytes | None:
    """A document as BSON; None when it is larger than that, or holds what BSON has no form for.

    Encoded here and not by the driver, which gives up a whole bulk for one document that is too large.
    """
    try:
        body = bson.encode(document)
    except (BSONError, OverflowError, UnicodeError):
        return None
    return body if len(body) <= max_bytes else None


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
