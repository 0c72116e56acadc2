"""What stands on the topics, read by a plain Kafka client: every number of every file, in order, once.

The ledger takes records and nothing else; it shares no code with the engine's own audit. What it
finds wrong it lists in `wrong`, with the place on the log.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from shared.cli.counts import count_names
from shared.contracts.catalog import SERVICES, TOPICS, dead_letter_topic
from shared.contracts.event import from_cloudevent
from shared.contracts.events.notifications import MessageAsked
from tests.chaos.orders import order_of

WATCHED = tuple(topic.name for topic in TOPICS)
EVENT_TOPICS = tuple(topic.name for topic in TOPICS if topic.co_partitioned)
LETTER_TOPICS = frozenset(dead_letter_topic(service) for service in SERVICES)
COMPACTED = frozenset(topic.name for topic in TOPICS if topic.compacted)

Place = tuple[str, int]
"""A topic and one of its partitions."""


@dataclass(slots=True)
class Ledger:
    """The log as an outsider sees it."""

    wrong: list[str] = field(default_factory=list[str])
    read: int = 0
    repeated: int = 0
    """Records that said again what had been said; consumers drop them."""
    next_offset: dict[Place, int] = field(default_factory=dict[Place, int])
    said: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """For each order what was said about it, each event once: `service/event`, and what it counts as."""
    ends_of: dict[str, dict[Place, int]] = field(default_factory=lambda: defaultdict(dict))
    """For each order the offsets after the last records about it."""
    _last: dict[tuple[str, str], tuple[int, int]] = field(
        default_factory=dict[tuple[str, str], tuple[int, int]]
    )
    _digests: dict[tuple[str, str], list[bytes]] = field(default_factory=lambda: defaultdict(list))
    _days: dict[str, str] = field(default_factory=dict[str, str])

    def take(self, topic: str, partition: int, offset: int, value: bytes | None) -> None:
        """One more record."""
        self.read += 1
        self.next_offset[topic, partition] = offset + 1
        where = f"{topic}/{partition}@{offset}"
        if topic in LETTER_TOPICS:
            self.wrong.append(f"{where}: a dead letter, though nothing was poisoned: {_start(value)}")
        elif value is not None:
            self._event(where, (topic, partition), offset, value)

    def order_of(self, subject: str) -> str | None:
        """The order that a file belongs to: its own, or the one whose buyer's day it is."""
        return order_of(subject) or self._days.get(subject)

    def _event(self, where: str, place: Place, offset: int, value: bytes) -> None:
        raw: dict[str, Any] = json.loads(value)
        source, subject, number = str(raw["source"]), str(raw["subject"]), int(raw["sequence"])
        order = self._order_of_event(subject, raw)
        if order is not None:
            self.ends_of[order][place] = offset + 1
        if not self._is_next(where, place, (source, subject), number, value):
            return
        event = from_cloudevent(raw)
        if order is not None:
            if isinstance(event.data, MessageAsked):
                self._days[event.data.buyer_day] = order
            self.said[order][f"{event.source}/{event.name}"] += 1
            self.said[order].update(f"counted as {name}" for name in count_names(event))

    def _order_of_event(self, subject: str, raw: Mapping[str, Any]) -> str | None:
        """A buyer's day names the order that it answers, which may not have been read yet."""
        order = self.order_of(subject) or order_of(str(raw["data"].get("order_id", "")))
        if order is not None and order_of(subject) is None:
            self._days[subject] = order
        return order

    def _is_next(self, where: str, place: Place, file: tuple[str, str], number: int, value: bytes) -> bool:
        """Whether the event is new. Notes a gap, a swap, another partition, other words under a number."""
        last, partition = self._last.get(file, (0, place[1]))
        name = f"{file[0].removeprefix('/orderlink/')}/{file[1]}"
        if partition != place[1]:
            self.wrong.append(f"{where}: {name} {number} is on another partition than {partition}")
        digest, known = blake2b(value, digest_size=8).digest(), self._digests[file]
        if number <= last:
            self.repeated += 1
            if known[number - 1] != digest:
                self.wrong.append(f"{where}: {name} {number} says something else than the first time")
            return False
        if number > last + 1 and place[0] not in COMPACTED:
            missing = f"{last + 1}" if number == last + 2 else f"{last + 1} to {number - 1}"
            self.wrong.append(f"{where}: {name} {number} comes before {missing}")
        known.extend([b""] * (number - 1 - len(known)) + [digest])
        self._last[file] = (number, place[1])
        return True


def differences(expected: Mapping[str, Counter[str]], found: Mapping[str, Counter[str]]) -> Iterable[str]:
    """What is missing and what is too much, an order at a time."""
    for order in sorted({*expected, *found}):
        want, have = expected.get(order, Counter()), found.get(order, Counter())
        told = [f"{name} missing ×{count}" for name, count in sorted((want - have).items())]
        told += [f"{name} too much ×{count}" for name, count in sorted((have - want).items())]
        if told:
            yield f"{order}: {', '.join(told)}"


def _start(value: bytes | None) -> str:
    return (value or b"")[:300].decode(errors="replace")
