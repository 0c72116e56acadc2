"""Slots agree with the partitions that Kafka's own clients choose."""

from typing import Any

import pytest
from aiokafka import partitioner
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.slots import murmur2, partition_of, slot_of, slots_of

AIOKAFKAS: Any = vars(partitioner)["murmur2"]  # aiokafka has no types
COUNTS = tuple(2**n for n in range(9))


@given(st.binary(max_size=64))
def test_the_hash_is_the_one_of_aiokafka(key: bytes) -> None:
    assert murmur2(key) & 0x7FFFFFFF == AIOKAFKAS(key) & 0x7FFFFFFF


@given(st.binary(max_size=64))
def test_the_hash_is_the_one_of_kafka_python(key: bytes) -> None:
    kafka_pythons = pytest.importorskip("kafka.partitioner.default").murmur2
    assert murmur2(key) & 0x7FFFFFFF == kafka_pythons(key) & 0x7FFFFFFF


@given(st.text(min_size=1, max_size=40), st.sampled_from(COUNTS))
def test_a_subjects_slot_belongs_to_the_owner_of_its_partition(subject: str, count: int) -> None:
    partition = partition_of(subject.encode(), count)
    assert slot_of(subject) in slots_of({partition}, count)
    assert slot_of(subject) not in slots_of(set(range(count)) - {partition}, count)


@pytest.mark.parametrize("count", [0, -4, 3, 12, 512])
def test_a_partition_count_that_slots_do_not_fit_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        slots_of({0}, count)
