"""The book of one file under work: how a decision is taken into it.

It works on a copy. A rule that raises leaves the file as it was before that piece of work. The
engine folds again from dedupe on a reloaded file when a commit did not clearly succeed, so nothing
here may act on the world or keep anything outside the file.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import to_json

from shared.contracts.catalog import CONTACTS_TOPIC, contacts_source, event_topic
from shared.contracts.event import TYPE_PREFIX, Event, Payload, event_id, to_cloudevent
from shared.contracts.events.orders import ContactChanged
from shared.kernel.calendar import utc_text
from shared.kernel.decision import (
    CancelTimer,
    Contact,
    Decision,
    Effect,
    EffectRecalled,
    Outcome,
    SetTimer,
)
from shared.kernel.erasure import without_personal
from shared.kernel.profiles import Profile
from shared.runtime.file import EffectEntry, File, Pending, Timer, to_document
from shared.runtime.fold.forgetting import forget
from shared.runtime.limits import Limits
from shared.runtime.pins import BEFORE_PINS, Pin, ProfileOf
from shared.runtime.ports import STORED_MAX_BYTES, Document
from shared.runtime.service import Service
from shared.runtime.work import (
    EventTooLarge,
    FileTooLarge,
    Letter,
    TooManyEvents,
    TooManyTimers,
    TooMuchPending,
)

ENDED_KEPT: Final = 20
"""How many ended effects a file remembers, so that wanting one again changes nothing."""


class Cause:
    """Why a decision is made: the chain it belongs to and what came directly before."""

    __slots__ = ("causation_id", "correlation_id", "traceparent")

    def __init__(self, correlation_id: str, causation_id: str, traceparent: str | None = None) -> None:
        self.correlation_id = correlation_id
        self.causation_id = causation_id
        self.traceparent = traceparent


class Book:
    """One file under work. `file` is the copy, `changed` whether it must be committed.

    With `size` given, each piece of work is measured, and undone where it makes the file too large.
    """

    def __init__(
        self,
        service: Service,
        file: File,
        now: datetime,
        profile_of: ProfileOf,
        limits: Limits,
        size: Callable[[Document], int] | None = None,
    ) -> None:
        self.service = service
        self.file = file
        self.now = now
        self.profile_of = profile_of
        self.limits = limits
        self.size = size
        self.changed = False
        self.letters: list[Letter] = []
        self.rejected = False
        """Whether the broker takes what others say and nothing of this file, which is full."""
        self.stuck: set[str] = set()
        """Sources of which a parked record failed again: what is behind it is not to be taken in now."""

    def all_or_nothing(self) -> "_AllOrNothing":
        """Whatever raises inside leaves the file as it was before."""
        return _AllOrNothing(self)

    @property
    def max_bytes(self) -> int:
        """How large it may be when it is written: the engine's own notes go beyond the limit of the work."""
        return self.limits.document_max_bytes if self.size is None else STORED_MAX_BYTES

    def check_size(self, before: File) -> None:
        """Raise `FileTooLarge` where the file grew beyond its limit since then.

        While events of before wait for the broker it may have room later: then `TooMuchPending`. What
        its encoding raises comes up too.
        """
        if self.size is None:
            return
        limit = self.limits.document_max_bytes
        size = self.size(self.document())
        if size <= limit or size <= self.size(to_document(self.service, before, before.version + 1)):
            return
        text = f"file {before.subject} would have {size} bytes, more than the {limit} bytes that it may have"
        raise (TooMuchPending if before.pending else FileTooLarge)(text)

    def document(self) -> Document:
        """The file as it is to be stored."""
        return to_document(self.service, self.file, self.file.version + 1)

    def profile(self) -> Profile:
        """The profile that this file goes by."""
        return self.profile_of(self.file.shop_id, self.file.pin, self.now)

    def learn_shop(self, shop_id: str | None, pin: Pin | None) -> None:
        """Keep whose file it is, and which profile it goes by; what comes later changes nothing."""
        if self.file.shop_id is None and shop_id is not None:
            self.file.shop_id, self.file.pin = shop_id, pin

    def decide(self, command: Any) -> Outcome:
        """Ask the rules about a command, in the present state."""
        return self.service.decide(self.admitted(command), self.file.state, self.now, self.profile())

    def admitted(self, asked: Any) -> Any:
        """A fact or command as this file may keep it: without the buyer, where he was erased."""
        return without_personal(asked) if self.file.erased else asked

    def remember(self, key: str, digest: str) -> None:
        """Note an id as seen; the oldest is forgotten when there are too many."""
        self.file.seen[key] = digest
        while len(self.file.seen) > self.limits.seen_max_per_file:
            del self.file.seen[next(iter(self.file.seen))]

    def apply(
        self, decision: Decision, at: datetime, cause: Cause, asked: str, refused: str | None = None
    ) -> bool:
        """Take a decision into the file. Whether anything came of it."""
        file, service = self.file, self.service
        forgets = decision.erases and not file.erased
        file.erased = file.erased or forgets
        for note in decision.notes:
            file.state = service.evolve(file.state, note)
        payloads: tuple[Payload, ...] = (*decision.events, *decision.tasks, *decision.messages)
        most, topic = self.limits.pending_max_per_file, event_topic(service.name)
        if len(payloads) > most:
            raise TooManyEvents(
                f"{len(payloads)} events at once, more than the {most} that a file may hold unpublished"
            )
        for payload in payloads:
            event = self._event(payload, service.name, at, cause, decision.rule)
            file.state = service.evolve(file.state, event)
            file.view = service.project(file.view, event)
            self._queue(event, topic)
        for contact in decision.contacts:
            self._queue_contact(contact, at, cause, decision.rule)
        for change in decision.timers:
            match change:
                case SetTimer():
                    self.set_timer(change.name, change.key, change.due_at, cause)
                case CancelTimer():
                    file.timers.pop((change.name, change.key), None)
        for effect in decision.effects:
            self._want_effect(effect, cause)
        for effect_id in decision.recalls:
            self._recall(effect_id, at, cause)
        if forgets:
            forget(file)
        if payloads or refused or decision.timers or decision.effects or forgets:
            names = tuple(payload.name for payload in payloads)
            self.note_history(at, asked, cause, decision.rule, names, refused)
        moved = bool(decision.notes or payloads or decision.contacts or decision.timers or decision.effects)
        moved = moved or forgets
        self.changed = self.changed or moved
        return moved

    def set_timer(self, name: str, key: str, due_at: datetime, cause: Cause) -> None:
        """Set a timer, or move it. Raises `TooManyTimers`."""
        if (name, key) not in self.file.timers and len(self.file.timers) >= self.limits.timers_max_per_file:
            raise TooManyTimers(f"the file has {len(self.file.timers)} timers, as many as it may hold")
        self.file.timers_set += 1
        self.file.timers[(name, key)] = Timer(
            name, key, due_at, self.file.timers_set, cause.correlation_id, traceparent=cause.traceparent
        )

    def note_history(
        self,
        at: datetime,
        asked: str,
        cause: Cause,
        rule: str,
        said: Sequence[str] = (),
        refused: str | None = None,
    ) -> None:
        """Add a line to the why-trail; the oldest goes when it is full."""
        line: dict[str, Any] = {
            "at": utc_text(at),
            "asked": asked,
            "because": cause.causation_id,
            "correlation_id": cause.correlation_id,
        }
        if rule:
            line["rule"] = rule
            line["profile"] = self.profile().ref
        if said:
            line["said"] = list(said)
        if refused:
            line["refused"] = refused
        self.file.history.append(line)
        del self.file.history[: -self.limits.history_max_per_file]
        self.changed = True

    def park(self, source: str, letter: Letter) -> None:
        """Send a record to the dead letters and note how far its source is parked."""
        self.letters.append(letter)
        if source not in self.file.parked and letter.source_subject != self.file.subject:
            # Ids in `seen` are forgotten some day; until the source is free, this tells old letters apart.
            self.file.applied[source] = letter.sequence - 1
        if letter.sequence > self.file.parked.get(source, 0):
            self.file.parked[source] = letter.sequence
            self.changed = True

    def _next(self, source: str) -> int:
        sequence = self.file.next_seq.get(source, 1)
        self.file.next_seq[source] = sequence + 1
        return sequence

    def _event(self, payload: Payload, source: str, at: datetime, cause: Cause, rule: str) -> Event:
        sequence = self._next(source)
        return Event.model_construct(
            id=event_id(source, self.file.subject, sequence),
            source=source,
            name=payload.name,
            version=payload.version,
            subject=self.file.subject,
            time=at,
            sequence=sequence,
            correlation_id=cause.correlation_id,
            causation_id=cause.causation_id,
            shop_id=self.file.shop_id,
            rule=rule or None,
            profile=self.profile().ref,
            overrides=None if self.file.pin in (None, BEFORE_PINS) else self.file.pin.overrides,
            traceparent=cause.traceparent,
            data=payload,
        )

    def _queue_contact(self, contact: Contact, at: datetime, cause: Cause, rule: str) -> None:
        """Queue a contact, or the tombstone that erases it. Of who was erased nothing is written again."""
        source = contacts_source(self.service.name)
        if contact.payload is not None and not self.file.erased:
            self._queue(self._event(contact.payload, source, at, cause, rule), CONTACTS_TOPIC)
            return
        sequence = self._next(source)
        self._append(CONTACTS_TOPIC, sequence, None, tombstone_headers(source, self.file.subject, sequence))

    def _queue(self, event: Event, topic: str) -> None:
        value = to_json(to_cloudevent(event))
        held = sum(_bytes_of(entry.value or "") for entry in self.file.pending)
        if held and held + len(value) > self.limits.pending_max_bytes_per_file:
            raise TooMuchPending(f"{held} bytes of events wait to be published, as many as a file may hold")
        if len(value) > self.limits.event_max_bytes:
            raise EventTooLarge(f"{event.name} would be larger than {self.limits.event_max_bytes} bytes")
        self._append(topic, event.sequence, value.decode(), event_headers(event))

    def _append(self, topic: str, sequence: int, value: str | None, headers: dict[str, str]) -> None:
        file = self.file
        if len(file.pending) >= self.limits.pending_max_per_file:
            raise TooMuchPending(
                f"{len(file.pending)} events wait to be published, as many as a file may hold"
            )
        file.pending.append(Pending(topic, sequence, self.now, file.subject, value, headers))

    def _want_effect(self, effect: Effect, cause: Cause) -> None:
        if effect.effect_id in self.file.effects:
            return
        self.file.effects[effect.effect_id] = EffectEntry(
            effect_id=effect.effect_id,
            kind=effect.kind,
            request=dict(effect.request),
            status="wanted",
            attempts=0,
            next_try_at=self.now,
            correlation_id=cause.correlation_id,
            cause=cause.causation_id,
            traceparent=cause.traceparent,
        )

    def end_effect(self, entry: EffectEntry, status: str) -> None:
        """Keep an effect as ended, without what it asked for: that may be personal."""
        effects = self.file.effects
        effects.pop(entry.effect_id)
        effects[entry.effect_id] = replace(entry, status=status, next_try_at=None, request={}, told=None)
        ended = [each.effect_id for each in effects.values() if each.next_try_at is None]
        for effect_id in ended[: max(0, len(ended) - ENDED_KEPT)]:
            del effects[effect_id]

    def _recall(self, effect_id: str, at: datetime, cause: Cause) -> None:
        """End an effect that nobody has begun, and tell the rules whether it was so.

        Who begins one commits that first, so what this commit ends nobody has begun or ever will.
        """
        entry = self.file.effects.get(effect_id)
        in_time = entry is not None and entry.status == "wanted" and entry.attempts == 0
        if entry is not None and in_time:
            self.end_effect(entry, "recalled")
            self.changed = True
        command = EffectRecalled(at=at, effect_id=effect_id, in_time=in_time)
        outcome = self.decide(command)
        if isinstance(outcome, Decision):
            self.apply(outcome, at, cause, type(command).__name__)


class _AllOrNothing:
    """Puts a book back when something raises, or makes the file too large.

    Every event passes here, and a generator would be slower.
    """

    __slots__ = ("_before", "_book", "_was_changed")

    def __init__(self, book: Book) -> None:
        self._book = book
        self._before, self._was_changed = book.file.copy(), book.changed

    def __enter__(self) -> None:
        """It has a copy already."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            try:
                self._book.check_size(self._before)
            except Exception:
                self._put_back()
                raise
        elif issubclass(kind, Exception):
            self._put_back()

    def _put_back(self) -> None:
        self._book.file, self._book.changed = self._before, self._was_changed


def _bytes_of(text: str) -> int:
    """Its length in UTF-8; of plain ASCII without encoding it, since this is asked for every event."""
    return len(text) if text.isascii() else len(text.encode())


def event_headers(event: Event) -> dict[str, str]:
    """What travels beside the body, so that a record that cannot be read can still be parked."""
    headers = {
        "content-type": "application/cloudevents+json",
        "ce_type": event.type,
        "ce_source": event.source,
        "ce_subject": event.subject,
        "ce_sequence": str(event.sequence),
    }
    if event.traceparent is not None:
        headers["traceparent"] = event.traceparent
    return headers


def tombstone_headers(source: str, subject: str, sequence: int) -> dict[str, str]:
    """What travels with a tombstone: whose it is, and the type of what it erases."""
    return {
        "ce_type": f"{TYPE_PREFIX}{ContactChanged.name}.v{ContactChanged.version}",
        "ce_source": source,
        "ce_subject": subject,
        "ce_sequence": str(sequence),
    }


def told_digest(fact: BaseModel) -> str:
    """The same of a fact whose moment may be the delivery's own: all of it but `at`."""
    return sha256(fact.model_dump_json(exclude={"at"}).encode()).hexdigest()[:32]


def body_digest(body: BaseModel) -> str:
    """What tells a repetition from another body under the same id: a short hash of its content."""
    return sha256(body.model_dump_json().encode()).hexdigest()[:32]
