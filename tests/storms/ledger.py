"""The ledger: the invariants, checked as things happen.

It watches from outside the engine: what is appended to the log, what is stored, what is asked of the
far side, what a sender was told. What it finds broken it notes, and the storm ends at the next step;
it can't raise, since the engine would take that for poison.

Invariants
- log: a subject's events come in order, without gaps; an id has one content for ever; a task, a
  message and a refund are said once.
- file: versions grow by one, numbers and what was taken in never go back, and every event that ever
  got a number is on the log or pending. What its state was made of is looked at when a storm is
  over: `way.py`.
- inbox: no event is acted on twice by the same file, and a parked source is free no earlier than its
  last parked event is taken in.
- facts: one that was accepted is in its file, and stays there.
- timers: none before its time, none twice, none before what was said before it was due was heard.
- far side: nothing is asked again once the file knows that it is done, nor twice at a time, nor
  with other words; nothing is asked that no file wants.
"""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from shared.adapters.memory_log import MemoryLog
from shared.contracts.catalog import CONTACTS_TOPIC, HEARS, contacts_source, event_topic
from shared.runtime.file import timers_in
from shared.runtime.fold.timers import timer_ref
from shared.runtime.ports import Document, Record, TopicPartition

SAID_ONCE: Final = {
    "orderlink.task.created.v1": "task_id",
    "orderlink.message.sent.v1": "message_id",
    "orderlink.case.refunded.v1": "refund_id",
}
"""Events that stand for a side effect, and what must not come twice."""
OVER: Final = ("done", "failed", "recalled")
HEEDED: Final = "refund"
"""The kind of effect whose end rules go by: what is due at that moment may come before it or after it."""


class Broken(AssertionError):
    """An invariant does not hold."""


class Ledger:
    """What was seen so far in one storm, and what of it was wrong."""

    def __init__(self, log: MemoryLog) -> None:
        self.broken: list[str] = []
        self.said: dict[str, Record] = {}
        """Every event on the log by its id, first copies."""
        self.new: list[Record] = []
        """First copies since somebody last took them."""
        self.moves = 0
        """Grows with everything that happens."""
        self.parked: set[tuple[str, str]] = set()
        """Files with a source that waits for its dead letters."""
        self.timers_fired: list[tuple[str, str]] = []
        """Service and subject, since somebody last took them."""
        self.effects_late: list[tuple[datetime, datetime, str, str]] = []
        """Refunds that were not over at the moment at which they were wanted: from then until when, service
        and subject; since somebody last took them."""
        self.asked: dict[str, dict[str, Any]] = {}
        """What the far side was asked, by effect."""
        self._log = log
        self._top: dict[tuple[str, str, str], int] = {}
        self._once: set[tuple[str, str]] = set()
        self._acted: dict[tuple[str, str], set[tuple[str, str]]] = {}
        """For each file the events that its why-trail has, each with what it asked."""
        self._accepted: dict[tuple[str, str], set[str]] = {}
        self._fired: set[tuple[str, str, str]] = set()
        self._moments: list[datetime] = []
        self._ends: list[dict[TopicPartition, int]] = []
        self._heard: dict[str, Counter[TopicPartition]] = {name: Counter() for name in HEARS}
        self._wanted: dict[str, str] = {}
        """Effects that a file wants or has had, and how far it knows them to be."""
        self._wanted_at: dict[str, datetime] = {}
        self._asking: set[str] = set()

    @property
    def moments(self) -> int:
        """How often the clock has moved on."""
        return len(self._moments)

    # The log

    def appended(self, record: Record) -> None:
        """A record is on a topic of events."""
        self.moves += 1
        headers = record.headers
        source, subject = headers["ce_source"].decode(), headers["ce_subject"].decode()
        number = int(headers["ce_sequence"])
        where = (record.topic, source, subject)
        top = self._top.get(where, 0)
        named = f"{source}/{subject}/{number}"
        if number > top + 1:
            self.broken.append(f"log: {named} comes before {top + 1}")
        if number <= top:
            first = self.said.get(named)
            if first is not None and first.value != record.value:
                self.broken.append(f"log: {named} has two contents: {first.value!r} and {record.value!r}")
            return
        self._top[where] = number
        self.said[named] = record
        self.new.append(record)
        once = SAID_ONCE.get(headers["ce_type"].decode())
        if once is not None:
            what = (once, str(json.loads(record.value or b"")["data"][once]))
            if what in self._once:
                self.broken.append(f"side effect: {what[0]} {what[1]} is said twice")
            self._once.add(what)

    def last_said(self, service: str, subject: str) -> int:
        """The number of the last event that a service's file has on the log; 0 where it said nothing."""
        return self._top.get((event_topic(service), service, subject), 0)

    # Files

    def stored(self, service: str, old: Document | None, new: Document, now: datetime) -> None:
        """A commit has happened."""
        self.moves += 1
        subject = new["_id"]
        if new["parked"]:
            self.parked.add((service, subject))
        else:
            self.parked.discard((service, subject))
        if new["version"] != (old["version"] if old else 0) + 1:
            self.broken.append(f"file: {service}/{subject} goes to version {new['version']}")
        if old is not None:
            self._goes_on(service, old, new)
        self._acts(service, old, new)
        self._has_all(service, new)
        if accepted := self._accepted.get((service, subject)):
            for fact_id in accepted - {key for key, _ in new["seen"]}:
                self.broken.append(f"fact: {fact_id} was accepted and is lost")
        self._timers(service, old, new, now)
        for entry in new["effects"]:
            self._effect(service, subject, entry, now)

    def _effect(self, service: str, subject: str, entry: Mapping[str, Any], now: datetime) -> None:
        effect_id, status = entry["effect_id"], entry["status"]
        wanted_at = self._wanted_at.setdefault(effect_id, now)
        ends = status in OVER and self._wanted.get(effect_id) not in OVER
        if ends and now > wanted_at and entry["kind"] == HEEDED:
            self.effects_late.append((wanted_at, now, service, subject))
        self._wanted[effect_id] = status

    def cleared(self, service: str, new: Document) -> None:
        """Pending events were taken out of a file."""
        self.moves += 1
        self._has_all(service, new)

    def accepted(self, service: str, fact_id: str, document: Document | None) -> None:
        """A sender was told yes."""
        if document is None or not any(key == fact_id for key, _ in document["seen"]):
            self.broken.append(f"fact: {fact_id} was accepted and is in no file")
            return
        self._accepted.setdefault((service, document["_id"]), set()).add(fact_id)

    def _goes_on(self, service: str, old: Document, new: Document) -> None:
        name = f"file: {service}/{new['_id']}"
        for field in ("next_seq", "applied"):
            for source, number in old[field].items():
                # Under a name with a stroke stands what is parked of another subject: it comes and goes.
                if "/" not in source and new[field].get(source, 0) < number:
                    self.broken.append(f"{name}: {field} of {source} goes back from {number}")
        still = {source for source, _ in new["parked"]}
        for parked_as, last in old["parked"]:
            source, _, subject = parked_as.partition("/")
            if parked_as not in still and subject == new["_id"] and new["applied"].get(source, 0) < last:
                self.broken.append(f"{name}: {parked_as} is free before {last} is taken in")
        if new["timers_set"] < old["timers_set"]:
            self.broken.append(f"{name}: a timer that was set is forgotten")

    def _acts(self, service: str, old: Document | None, new: Document) -> None:
        """What the why-trail got by this commit: an event is acted on once."""
        subject = new["_id"]
        acted = self._acted.setdefault((service, subject), set())
        acts = [
            (line["because"], line["asked"])
            for line in new["history"][len(old["history"]) if old else 0 :]
            if line["because"].count("/") == 2
            and not line["asked"].startswith(("Effect", "Discard", "timer "))
        ]
        for because, asked in acts:
            if (because, asked) in acted:
                self.broken.append(f"file: {service}/{subject}: {because} is acted on twice, as {asked}")
        acted.update(acts)

    def _has_all(self, service: str, document: Document) -> None:
        """What has a number is on the log or pending."""
        subject = document["_id"]
        for source, following in document["next_seq"].items():
            topic = CONTACTS_TOPIC if source == contacts_source(service) else event_topic(source)
            on_log = self._top.get((topic, source, subject), 0)
            if following <= on_log + 1:
                continue
            pending = {entry["seq"] for entry in document["pending"] if entry["topic"] == topic}
            for number in range(on_log + 1, following):
                if number not in pending:
                    self.broken.append(f"file: {source}/{subject}/{number} is neither on the log nor pending")

    # Timers

    def clock_set(self, moment: datetime) -> None:
        """The clock moves on: what is on the log now was said before this moment."""
        self.moves += 1
        self._moments.append(moment)
        topics = {topic for heard in HEARS.values() for topic in heard}
        self._ends.append(
            {
                where: self._log.end(where)
                for topic in topics
                for where in (
                    TopicPartition(topic, number) for number in range(self._log.partition_count(topic))
                )
            }
        )

    def heard(self, service: str, where: TopicPartition, offset: int) -> None:
        """A service's group has acknowledged everything before this offset."""
        self.moves += 1
        positions = self._heard[service]
        positions[where] = max(positions[where], offset)

    def _timers(self, service: str, old: Document | None, new: Document, now: datetime) -> None:
        known = len(old["history"]) if old else 0
        for line in new["history"][known:]:
            if not line["asked"].startswith("timer "):
                continue
            subject, ref = new["_id"], line["because"]
            due = datetime.fromisoformat(ref.rpartition("@")[2])
            if due > now:
                self.broken.append(f"timer: {service}/{subject} {ref} fires early, at {now.isoformat()}")
            which = (service, subject, ref)
            if which in self._fired:
                self.broken.append(f"timer: {service}/{subject} {ref} fires twice")
            self._fired.add(which)
            self.timers_fired.append((service, subject))
            self._backlog(service, new, ref, due)
        # What comes late may set a timer to a moment at which it has fired before: it fires then, once more.
        set_before = old["timers_set"] if old else 0
        if new["timers_set"] > set_before:
            set_now = [timer for timer in timers_in(new) if timer.order > set_before]
            self._fired -= {(service, new["_id"], timer_ref(timer)) for timer in set_now}

    def _backlog(self, service: str, document: Document, ref: str, due: datetime) -> None:
        at = bisect_left(self._moments, due)
        if at == len(self._moments):
            return
        number = document["slot"] % self._log.partitions
        for topic in HEARS[service]:
            where = TopicPartition(topic, number)
            if self._heard[service][where] < self._ends[at].get(where, 0):
                self.broken.append(
                    f"timer: {service}/{document['_id']} {ref} fires before what was on {topic} was heard"
                )

    # The far side

    def asking(self, effect_id: str, request: Mapping[str, Any]) -> None:
        """Somebody asks the far side for something."""
        status = self._wanted.get(effect_id)
        if status is None:
            self.broken.append(f"effect: {effect_id} is asked for, and no file wants it")
        if status in {"done", "recalled"}:
            self.broken.append(f"effect: {effect_id} is {status} and asked for again")
        if effect_id in self._asking:
            self.broken.append(f"effect: {effect_id} is asked for twice at a time")
        self._asking.add(effect_id)
        first = self.asked.setdefault(effect_id, dict(request))
        if first != request:
            self.broken.append(f"effect: {effect_id} is asked for in other words")

    def answered(self, effect_id: str) -> None:
        """The far side is done with it, or who asked is gone."""
        self._asking.discard(effect_id)
