"""The file: everything one service knows about one subject, as one document and one atomic write.

Beside the stage's own fields (`state`) and what can be seen (`view`) it carries the engine's
books: the outbox (`pending`), the inbox (`applied`, `heard`, `seen`, `parked`), timers, effects outside,
facts that wait to fit, and the why-trail (`history`). Because they are one document they commit
together, without transactions.

Invariants
- `version` grows by one with each commit, and a commit is guarded by it.
- `pending` is in order of sequence for each topic, and nothing leaves it before the broker's ack.
- `applied[source]` is the last sequence taken in of the same subject's events of that source. While a
  source of another subject is parked, `applied` has it too, under the name that `parked` has it under.
- `heard[partition]` is how far other subjects' events of that partition were judged (`fold/places.py`).
- `seen` has ids of facts and commands, and of other subjects' events for copies of them on the log.
- `next_timer_at` and `next_effect_at` are the earliest of what they stand for, or None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from shared.runtime.pins import BEFORE_PINS, Pin
from shared.runtime.ports import Document, TopicPartition, Unreadable
from shared.runtime.service import Service
from shared.runtime.slots import slot_of

FILE_FORMAT: Final = 1
"""The layout of a file's document. Raised when a release could not read what the one before it wrote."""

STUCK: Final = ("parked", "timer", "effect")
"""Why a file may need a person: a source is parked, or a rule raises at a timer or at an effect's end."""


@dataclass(frozen=True, slots=True)
class Pending:
    """An event, or a contacts record, that the broker has not acknowledged yet."""

    topic: str
    seq: int
    since: datetime
    key: str
    value: str | None
    """None: a tombstone."""
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Timer:
    """A moment at which the file must be looked at. `order` is the order in which timers were set."""

    name: str
    key: str
    due_at: datetime
    order: int
    correlation_id: str
    not_before: datetime | None = None
    """Set when its rule raised: the next attempt."""
    failures: int = 0
    traceparent: str | None = None
    """Of what set it."""

    @property
    def fires_at(self) -> datetime:
        """When to look at it next."""
        return self.due_at if self.not_before is None else max(self.due_at, self.not_before)


@dataclass(frozen=True, slots=True)
class EffectEntry:
    """An effect outside and how far it got."""

    effect_id: str
    kind: str
    request: dict[str, Any]
    status: str
    """`wanted`, `trying`, `unclear` where an attempt may have done it, `done` or `failed`; `recalled` where
    nobody began it before it was not wanted.
    """
    attempts: int
    next_try_at: datetime | None
    correlation_id: str
    cause: str
    told: dict[str, Any] | None = None
    """What the far side answered, where the rule that is to hear it raised: only that is tried again."""
    traceparent: str | None = None
    """Of what wanted it."""


@dataclass(frozen=True, slots=True)
class WaitingFact:
    """A fact that came too early and is tried again whenever the file moves."""

    fact_id: str
    kind: str
    fact: dict[str, Any]
    shops: list[str] | None = None
    """The shops that its teller may speak for; None for all."""
    traceparent: str | None = None


class Reached(NamedTuple):
    """How far a partition was judged."""

    offset: int
    """The highest."""
    written_ms: int
    """The latest moment at which one of these records was written."""


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@dataclass(slots=True)
class File:
    """A working copy of one document. `fold` changes it; `to_document` writes it down."""

    subject: str
    version: int
    state: Any
    view: Any
    shop_id: str | None = None
    pin: Pin | None = None
    """The profile that it goes by for good; None for what is no order's, and until the shop is known."""
    pending: list[Pending] = field(default_factory=list[Pending])
    next_seq: dict[str, int] = field(default_factory=dict[str, int])
    applied: dict[str, int] = field(default_factory=dict[str, int])
    heard: dict[TopicPartition, Reached] = field(default_factory=dict[TopicPartition, Reached])
    late: list[str] = field(default_factory=list[str])
    """Ids of other subjects' events that came by a redrive of others, out of turn."""
    seen: dict[str, str] = field(default_factory=dict[str, str])
    parked: dict[str, int] = field(default_factory=dict[str, int])
    timers: dict[tuple[str, str], Timer] = field(default_factory=dict[tuple[str, str], Timer])
    timers_set: int = 0
    effects: dict[str, EffectEntry] = field(default_factory=dict[str, EffectEntry])
    waiting: list[WaitingFact] = field(default_factory=list[WaitingFact])
    looked_into: set[str] = field(default_factory=set[str])
    history: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    erased: bool = False
    """Whether its buyer was erased: it keeps nothing any more that may be about him."""

    def copy(self, pending: list[Pending] | None = None) -> "File":
        """A copy whose containers are its own, perhaps with another `pending`.

        States, views, entries and the lines of the history are immutable.
        """
        return File(
            subject=self.subject,
            version=self.version,
            state=self.state,
            view=self.view,
            shop_id=self.shop_id,
            pin=self.pin,
            pending=list(self.pending) if pending is None else pending,
            next_seq=self.next_seq.copy(),
            applied=self.applied.copy(),
            heard=self.heard.copy(),
            late=self.late.copy(),
            seen=self.seen.copy(),
            parked=self.parked.copy(),
            timers=self.timers.copy(),
            timers_set=self.timers_set,
            effects=self.effects.copy(),
            waiting=self.waiting.copy(),
            looked_into=self.looked_into.copy(),
            history=self.history.copy(),
            erased=self.erased,
        )

    @property
    def next_timer_at(self) -> datetime | None:
        """The earliest moment at which a timer is to be looked at."""
        return min([timer.fires_at for timer in self.timers.values()], default=None)

    @property
    def next_effect_at(self) -> datetime | None:
        """The earliest moment at which an effect is to be tried."""
        moments = [at for entry in self.effects.values() if (at := entry.next_try_at) is not None]
        return min(moments, default=None)

    def due_timer(self, until: datetime) -> Timer | None:
        """The first timer to fire by then: by due time, then by the order of being set."""
        due = [timer for timer in self.timers.values() if timer.fires_at <= until]
        return min(due, key=lambda timer: (timer.due_at, timer.order), default=None)


def new_file(service: Service, subject: str) -> File:
    """The file of a subject that the service hears of for the first time. Its version is 0."""
    return File(subject=subject, version=0, state=service.initial, view=service.initial_view)


def to_document(service: Service, file: File, version: int) -> Document:
    """The document to be stored, under its new version."""
    return {
        "_id": file.subject,
        "version": version,
        "slot": slot_of(file.subject),
        "shop_id": file.shop_id,
        "profile": None if file.pin is None else file.pin.ref,
        "overrides": None if file.pin is None else file.pin.overrides,
        "state": service.state.dump_python(file.state, mode="json"),
        "view": service.view.dump_python(file.view, mode="json"),
        "keys": list(service.keys(file.state)),
        "pending": [
            {
                "topic": entry.topic,
                "seq": entry.seq,
                "since": entry.since,
                "key": entry.key,
                "value": entry.value,
                "headers": entry.headers,
            }
            for entry in file.pending
        ],
        "next_seq": dict(file.next_seq),
        "applied": dict(file.applied),
        "seen": [[key, digest] for key, digest in file.seen.items()],
        "parked": [[source, sequence] for source, sequence in file.parked.items()],
        "timers": [_timer_document(timer) for timer in file.timers.values()],
        "timers_set": file.timers_set,
        "next_timer_at": _stored(file.next_timer_at),
        "effects": [_effect_document(entry) for entry in file.effects.values()],
        "next_effect_at": _stored(file.next_effect_at),
        "waiting": [
            {
                "fact_id": entry.fact_id,
                "kind": entry.kind,
                "fact": entry.fact,
                "shops": entry.shops,
                **({} if entry.traceparent is None else {"traceparent": entry.traceparent}),
            }
            for entry in file.waiting
        ],
        "looked_into": sorted(file.looked_into),
        "history": list(file.history),
        **({"heard": [[*where, *reached] for where, reached in file.heard.items()]} if file.heard else {}),
        **({"late": list(file.late)} if file.late else {}),
        **({"stuck": stuck} if (stuck := _stuck(file)) else {}),
        **({"erased": True} if file.erased else {}),
    }


def _stuck(file: File) -> list[str]:
    """Why the file needs a person, for who counts such files; nothing reads it back."""
    found = ["parked"] if file.parked else []
    if any(timer.failures for timer in file.timers.values()):
        found.append("timer")
    if any(entry.status == "told" for entry in file.effects.values()):
        found.append("effect")
    return found


def from_document(service: Service, document: Document) -> File:
    """Read a stored document. Raises `Unreadable` when the state is not one of this release's."""
    try:
        state = service.state.validate_python(document["state"])
        view = service.view.validate_python(document["view"])
    except ValidationError as problem:
        fields = "; ".join(".".join(map(str, error["loc"])) for error in problem.errors()[:3])
        raise Unreadable(f"file {document['_id']} is not of this version: {fields}") from None
    return File(
        subject=document["_id"],
        version=document["version"],
        state=state,
        view=view,
        shop_id=document["shop_id"],
        pin=_pin(document),
        pending=pending_in(document),
        next_seq=dict(document["next_seq"]),
        applied=dict(document["applied"]),
        heard={
            TopicPartition(topic, partition): Reached(offset, written_ms)
            for topic, partition, offset, written_ms in document.get("heard", ())
        },
        late=list(document.get("late", ())),
        seen=dict(document["seen"]),
        parked=dict(document["parked"]),
        timers={(timer.name, timer.key): timer for timer in timers_in(document)},
        timers_set=document["timers_set"],
        effects={entry.effect_id: entry for entry in effects_in(document)},
        waiting=[WaitingFact(**entry) for entry in document["waiting"]],
        looked_into=set(document["looked_into"]),
        history=list(document["history"]),
        erased=document.get("erased", False),
    )


def _pin(document: Document) -> Pin | None:
    """The pin of a stored file; one of a release without pins has no word of it."""
    if "profile" not in document:
        return None if document["shop_id"] is None else BEFORE_PINS
    ref = document["profile"]
    return None if ref is None else Pin(ref, document["overrides"])


def _stored(moment: datetime | None) -> datetime | None:
    """A moment as databases keep it: to the millisecond, rounded up, so that nothing is found early."""
    if moment is None or moment.microsecond % 1000 == 0:
        return moment
    return moment + timedelta(microseconds=1000 - moment.microsecond % 1000)


def taken_up_to(applied: Mapping[str, int], subject: str, source: str, source_subject: str) -> int:
    """The last sequence of a source that a file has taken in; of another subject's that is parked, what came
    before its first letter.
    """
    return applied.get(source if source_subject == subject else f"{source}/{source_subject}", 0)


def outbox_in(document: Document) -> File:
    """A stored document's pending events, without reading the rest of it: what the relay needs."""
    return File(
        subject=document["_id"],
        version=document["version"],
        state=None,
        view=None,
        pending=pending_in(document),
    )


def pending_in(document: Document) -> list[Pending]:
    """What a stored document has pending, without reading the rest of it."""
    return [Pending(**entry) for entry in document["pending"]]


def timers_in(document: Document) -> list[Timer]:
    """The timers of a stored document, without reading the rest of it."""
    return [_timer(entry) for entry in document["timers"]]


def effects_in(document: Document) -> list[EffectEntry]:
    """The effects of a stored document, without reading the rest of it."""
    return [_effect(entry) for entry in document["effects"]]


def _timer_document(timer: Timer) -> dict[str, Any]:
    written: dict[str, Any] = {
        "name": timer.name,
        "key": timer.key,
        "due_at": timer.due_at.isoformat(),
        "order": timer.order,
        "correlation_id": timer.correlation_id,
    }
    if timer.not_before is not None:
        written["not_before"] = timer.not_before.isoformat()
        written["failures"] = timer.failures
    if timer.traceparent is not None:
        written["traceparent"] = timer.traceparent
    return written


def _timer(entry: dict[str, Any]) -> Timer:
    later = entry.get("not_before")
    return Timer(
        name=entry["name"],
        key=entry["key"],
        due_at=_moment(entry["due_at"]),
        order=entry["order"],
        correlation_id=entry["correlation_id"],
        not_before=None if later is None else _moment(later),
        failures=entry.get("failures", 0),
        traceparent=entry.get("traceparent"),
    )


def _effect_document(entry: EffectEntry) -> dict[str, Any]:
    return {
        "effect_id": entry.effect_id,
        "kind": entry.kind,
        "request": entry.request,
        "status": entry.status,
        "attempts": entry.attempts,
        "next_try_at": None if entry.next_try_at is None else entry.next_try_at.isoformat(),
        "correlation_id": entry.correlation_id,
        "cause": entry.cause,
        **({} if entry.told is None else {"told": entry.told}),
        **({} if entry.traceparent is None else {"traceparent": entry.traceparent}),
    }


def _effect(entry: dict[str, Any]) -> EffectEntry:
    later = entry["next_try_at"]
    return EffectEntry(
        effect_id=entry["effect_id"],
        kind=entry["kind"],
        request=entry["request"],
        status=entry["status"],
        attempts=entry["attempts"],
        next_try_at=None if later is None else _moment(later),
        correlation_id=entry["correlation_id"],
        cause=entry["cause"],
        told=entry.get("told"),
        traceparent=entry.get("traceparent"),
    )
