"""Slots: which of the 256 parts of the key space a subject belongs to, in step with Kafka's partitions.

The hash is murmur2 as Kafka's default partitioner computes it. Partition counts are powers of two up
to 256, so a key's partition is its slot modulo that count, and a worker owns whole slots.
"""

from collections.abc import Collection
from functools import lru_cache

from shared.contracts.catalog import SLOTS

_MASK = 0xFFFFFFFF
_M = 0x5BD1E995
_SEED = 0x9747B28C


@lru_cache(maxsize=1_024)
def murmur2(key: bytes) -> int:
    """Kafka's 32-bit murmur2 of a key, as an unsigned number.

    It is asked several times for each event, of the few keys that batches under way concern, and takes as
    long as reading a record.
    """
    length = len(key)
    h = (_SEED ^ length) & _MASK
    whole = length & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(key[at : at + 4], "little")
        k = (k * _M) & _MASK
        k ^= k >> 24
        k = (k * _M) & _MASK
        h = ((h * _M) & _MASK) ^ k
    if rest := key[whole:]:
        h ^= int.from_bytes(rest, "little")
        h = (h * _M) & _MASK
    h ^= h >> 13
    h = (h * _M) & _MASK
    h ^= h >> 15
    return h


def partition_of(key: bytes, partitions: int) -> int:
    """The partition into which Kafka's default partitioner puts this key."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def slot_of(subject: str) -> int:
    """The slot of a subject: 0 to 255."""
    return partition_of(subject.encode(), SLOTS)


def slots_of(partitions: Collection[int], count: int) -> frozenset[int]:
    """The slots that belong to these partition numbers when topics have `count` partitions."""
    check_partition_count(count)
    return frozenset(slot for slot in range(SLOTS) if slot % count in partitions)


def check_partition_count(count: int) -> None:
    """Raise `ValueError` unless slots and partitions agree under this count: a power of two up to 256."""
    if not (1 <= count <= SLOTS and count & (count - 1) == 0):
        raise ValueError(f"partitions: expected a power of two from 1 to {SLOTS}, got {count}")
