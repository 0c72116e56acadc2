"""Which events of other subjects a file has judged: by their place on the log.

Such events have no common number, and as many subjects may speak to one file as there are orders: to a
carrier's scorecard, to an incident, to a report. What is bounded is the partitions that they come from.
On each the log keeps an order, and whoever reads it, again or for the first time, reads it in that order.
So the highest offset that a file has judged stands for all before it, however far a reader is set back.

Judged is what was taken in, was a repetition, or was parked: a letter stands for that, and is found by
who redrives it and not by its place. Three things have no place in this order, or another one:

- A record that could not be read when its turn came concerned nobody then. Its redrive brings it to this
  file `late`, before or after its place was passed. Its id is kept in `late`, apart from ordinary ones.
- A copy that a producer published again after a crash has a later place. Its id is in `seen`.
- A topic that was deleted, or lost and made anew, begins at 0 again. Its records were written later than
  whatever was judged before, which no repetition was. So the latest moment is kept beside the offset.
"""

from shared.runtime.file import File, Reached
from shared.runtime.fold.book import Book
from shared.runtime.ports import TopicPartition
from shared.runtime.work import Hear


def was_judged(file: File, work: Hear) -> bool:
    """Whether the file has judged this event of another subject before. Not for what is redriven to it."""
    named = work.event.id
    return named in file.late or named in file.seen or (not work.late and _is_passed(file, work))


def note_judged(book: Book, work: Hear, *, is_old: bool) -> None:
    """Note that the file has judged this event of another subject; `is_old` if it was a repetition."""
    file, record = book.file, work.record
    if work.late:
        if work.event.id not in file.late:
            file.late.append(work.event.id)
            del file.late[: -book.limits.seen_max_per_file]
            book.changed = True
        return
    where = TopicPartition(record.topic, record.partition)
    before = file.heard.get(where)
    if before is not None and is_old and record.offset <= before.offset:
        return
    written_ms = record.written_ms if before is None else max(before.written_ms, record.written_ms)
    file.heard[where] = Reached(record.offset, written_ms)
    book.changed = True


def _is_passed(file: File, work: Hear) -> bool:
    record = work.record
    reached = file.heard.get(TopicPartition(record.topic, record.partition))
    return reached is not None and record.offset <= reached.offset and record.written_ms <= reached.written_ms
