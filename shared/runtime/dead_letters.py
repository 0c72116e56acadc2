"""Dead letters: what a service could not digest, written so that it can be read, redriven or given up.

A letter is one JSON record on `<service>.dead-letters.v1`, under a key of its own, so that a tombstone
erases it and no other; the topic's one partition has them in the order in which they were parked. The body
of the original is kept as it came, in base64 where it is no text.
"""

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from shared.contracts.base import Frozen, Utc
from shared.runtime.ports import Outgoing, Record
from shared.runtime.work import Letter

BODY_MAX_BYTES: Final = 300_000
"""A larger original stays on its own topic only, where partition and offset find it."""
REASON_MAX_CHARS: Final = 2_000
STACK_MAX_CHARS: Final = 16_000
NAME_MAX_CHARS: Final = 1_000
"""What a letter says beside the original is bounded too: one that the broker refuses would hold up its batch.

All together and in the worst writing a letter is below 700 kB; a broker takes 1 MB as it comes.
"""


class StoredLetter(Frozen):
    """A letter as it is on the topic."""

    service: str
    kind: str
    """`poison`, `waiting`, `alien`, `timer` or `effect`."""
    reason: str
    stack: str
    at: Utc
    target: str | None
    """The file that could not take it; None where it could not be read and is for all it concerns."""
    source: str
    source_subject: str
    sequence: int
    event_id: str
    topic: str | None
    partition: int | None
    offset: int | None
    record: dict[str, Any] | None
    """The original: key, value and headers; None for a timer or an effect, and for one that is too large."""

    @property
    def parked_in(self) -> str:
        """The file whose source waits for this letter."""
        return self.target or self.source_subject


def letter_record(letter: Letter, topic: str, service: str, now: datetime) -> Outgoing:
    """The record to be written for a letter."""
    origin = letter.record
    stored = StoredLetter(
        service=service,
        kind=letter.kind,
        reason=letter.reason[:REASON_MAX_CHARS],
        stack=letter.stack[:STACK_MAX_CHARS],
        at=now,
        target=letter.target,
        source=letter.source[:NAME_MAX_CHARS],
        source_subject=letter.source_subject[:NAME_MAX_CHARS],
        sequence=letter.sequence,
        event_id=letter.event_id,
        topic=None if origin is None else origin.topic,
        partition=None if origin is None else origin.partition,
        offset=None if origin is None else origin.offset,
        record=None if origin is None or _size(origin) > BODY_MAX_BYTES else _written(origin),
    )
    key = "|".join((stored.parked_in or "unknown", stored.kind, stored.event_id))
    return Outgoing(
        topic=topic,
        key=key.encode(),
        value=stored.model_dump_json().encode(),
        headers={"content-type": b"application/json", "kind": letter.kind.encode()},
    )


def read_letter(value: bytes) -> StoredLetter:
    """Read a letter. Raises `pydantic.ValidationError` when it is none."""
    return StoredLetter.model_validate(json.loads(value))


def original(letter: StoredLetter) -> Record | None:
    """The record that the letter is about, as it came; None where the letter has none."""
    if letter.record is None or letter.topic is None:
        return None
    return Record(
        topic=letter.topic,
        partition=letter.partition or 0,
        offset=letter.offset or 0,
        key=_bytes(letter.record["key"]),
        value=_bytes(letter.record["value"]),
        headers={name: _bytes(value) or b"" for name, value in letter.record["headers"].items()},
    )


def in_order(letters: Sequence[StoredLetter]) -> dict[tuple[str, str, str], list[StoredLetter]]:
    """Letters by the file and source that they are parked under, copies dropped, in order of sequence."""
    groups: dict[tuple[str, str, str], dict[int, StoredLetter]] = {}
    for letter in letters:
        if letter.kind in ("poison", "waiting"):
            where = (letter.parked_in, letter.source, letter.source_subject)
            group = groups.setdefault(where, {})
            first = group.get(letter.sequence)
            # A poisoned record that is heard again is parked as waiting; its reason is worth more.
            if first is None or first.kind == "waiting":
                group[letter.sequence] = letter
    return {where: [group[sequence] for sequence in sorted(group)] for where, group in sorted(groups.items())}


def _size(record: Record) -> int:
    headers = sum(len(name) + len(value) for name, value in record.headers.items())
    return len(record.key or b"") + len(record.value or b"") + headers


def _written(record: Record) -> dict[str, Any]:
    return {
        "key": _text(record.key),
        "value": _text(record.value),
        "headers": {name: _text(value) for name, value in record.headers.items()},
    }


def _text(raw: bytes | None) -> dict[str, str] | None:
    if raw is None:
        return None
    in_base64 = {"base64": base64.b64encode(raw).decode()}
    try:
        as_text = {"text": raw.decode()}
    except UnicodeDecodeError:
        return in_base64
    # Text that is mostly escapes would be six times as long.
    return as_text if len(json.dumps(as_text["text"], ensure_ascii=False)) <= 2 * len(raw) else in_base64


def _bytes(written: dict[str, str] | None) -> bytes | None:
    if written is None:
        return None
    if "text" in written:
        return written["text"].encode()
    return base64.b64decode(written["base64"])
