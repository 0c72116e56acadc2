"""A subscriber gets typed events, each once, in order; what it is done with is committed."""

import json
import logging
from contextlib import aclosing

import pytest

from shared.adapters.memory_log import MemoryLog
from shared.adapters.memory_transport import MemoryTransport
from shared.client import events, subscribe
from shared.contracts.event import Event, event_id, to_cloudevent
from shared.contracts.examples import example_of
from shared.runtime.ports import Outgoing

TOPIC = "orders.v1"
PLACED = example_of(events.orders.OrderPlaced)


def said(subject: str, sequence: int) -> Event:
    return PLACED.model_copy(
        update={"id": event_id("orders", subject, sequence), "subject": subject, "sequence": sequence}
    )


def write(log: MemoryLog, *records: Event | bytes | None) -> None:
    for record in records:
        event = record if isinstance(record, Event) else PLACED
        value = json.dumps(to_cloudevent(record)).encode() if isinstance(record, Event) else record
        log.append(Outgoing(TOPIC, event.subject.encode(), value))


async def read(log: MemoryLog, count: int, group: str = "mine") -> list[tuple[str, int]]:
    """Read so many events and leave the loop after the body of the last is done."""
    got: list[tuple[str, int]] = []
    async with aclosing(
        subscribe(TOPIC, group=group, transport=MemoryTransport(log, group, [TOPIC]))
    ) as heard:
        async for event in heard:
            if len(got) == count:
                break
            got.append((event.subject, event.sequence))
    return got


async def test_events_are_typed() -> None:
    log = MemoryLog()
    write(log, PLACED)
    transport = MemoryTransport(log, "mine", [TOPIC])
    async with aclosing(subscribe(TOPIC, group="mine", transport=transport)) as heard:
        event = await anext(heard)
    assert isinstance(event.data, events.orders.OrderPlaced)
    assert event == PLACED


async def test_repetitions_on_the_log_are_dropped_for_each_subject() -> None:
    log = MemoryLog(partitions=1)
    a, b = said("A", 1), said("B", 1)
    write(log, a, said("A", 2), b, a, said("A", 2), b, said("A", 3), said("end", 1), said("past", 1))
    assert await read(log, 5) == [("A", 1), ("A", 2), ("B", 1), ("A", 3), ("end", 1)]


async def test_what_the_body_was_done_with_does_not_come_again_to_the_group() -> None:
    log = MemoryLog(partitions=1)
    write(log, *(said("A", number) for number in range(1, 6)))
    assert await read(log, 2) == [("A", 1), ("A", 2)]
    write(log, said("A", 6))
    assert await read(log, 3) == [("A", 3), ("A", 4), ("A", 5)]


async def test_another_group_starts_from_the_beginning() -> None:
    log = MemoryLog(partitions=1)
    write(log, said("A", 1), said("A", 2))
    await read(log, 1)
    assert await read(log, 1, group="other") == [("A", 1)]


async def test_an_event_whose_body_failed_comes_again() -> None:
    log = MemoryLog(partitions=1)
    write(log, said("A", 1), said("A", 2))
    transport = MemoryTransport(log, "mine", [TOPIC])

    async def fails() -> None:
        async with aclosing(subscribe(TOPIC, group="mine", transport=transport)) as heard:
            async for event in heard:
                raise ZeroDivisionError(event.id)

    with pytest.raises(ZeroDivisionError):
        await fails()
    assert await read(log, 1) == [("A", 1)]


async def test_what_is_no_event_of_today_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    log = MemoryLog(partitions=1)
    later = json.dumps({**to_cloudevent(PLACED), "type": "orderlink.order.teleported.v1"}).encode()
    malformed = json.dumps({**to_cloudevent(PLACED), "sequence": "first"}).encode()
    write(log, None, b"\xff", b"[" * 100_000, later, malformed, said("A", 1), said("A", 2))
    with caplog.at_level(logging.WARNING, logger="orderlink.client"):
        assert await read(log, 1) == [("A", 1)]
    assert len(caplog.records) == 3


async def test_a_topic_that_is_none_is_refused_with_those_that_are() -> None:
    for topics in ([], ["order.v1"]):
        with pytest.raises(ValueError, match=r"orders\.v1"):
            await anext(subscribe(*topics, group="mine"))
