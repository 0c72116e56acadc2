"""The redrive: parked records taken in again, in order; or given up, one after the other.

It runs on the engine itself, in whatever process: safety is the version guard. The source is free
only in the commit that applies its very last parked record, so while more records arrive they are
parked behind, and the next round takes them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shared.runtime.dead_letters import StoredLetter, in_order, original
from shared.runtime.engine import Engine
from shared.runtime.listen import listen_again
from shared.runtime.work import Discard

Progress = Callable[[int, int], None]
"""Called with how many letters are done and how many there are."""


@dataclass(slots=True)
class Report:
    """What a redrive or a discard came to."""

    applied: int = 0
    """Records that were taken in, or given up."""
    stale: int = 0
    """Copies of records that had been taken in before."""
    failed: int = 0
    """Sources whose first remaining record failed again; what is behind it stays parked."""
    kept: int = 0
    """Records that stay parked."""


async def redrive(engine: Engine, letters: Sequence[StoredLetter], progress: Progress) -> Report:
    """Take parked records in again, each source in order, until one of it fails again."""
    report = Report()
    total = sum(len(group) for group in in_order(letters).values())
    done = 0
    for (subject, source, source_subject), group in in_order(letters).items():
        parked = f"{source}/{source_subject}"
        for position, letter in enumerate(group):
            file = await engine.load(subject)
            if file is None or parked not in file.parked:
                report.stale += len(group) - position
                done += len(group) - position
                break
            outcome = await _again(engine, letter)
            if outcome == "failed":
                report.failed += 1
                report.kept += len(group) - position
                done += len(group) - position
                break
            report.applied += outcome == "applied"
            report.stale += outcome == "stale"
            done += 1
            progress(done, total)
        progress(done, total)
    return report


async def discard(engine: Engine, letters: Sequence[StoredLetter], progress: Progress) -> Report:
    """Give parked records up: each file moves past them as if they had been taken in."""
    report = Report()
    groups = in_order(letters)
    total = sum(len(group) for group in groups.values())
    for (subject, source, source_subject), group in groups.items():
        for letter in group:
            (done,) = await engine.run(
                [Discard(subject, source, source_subject, letter.sequence, letter.event_id)]
            )
            report.applied += not done.duplicate
            progress(report.applied, total)
    return report


async def still_parked(
    engine: Engine, letters: Sequence[StoredLetter]
) -> list[tuple[str, str, int, list[StoredLetter]]]:
    """Of these letters, those whose source is parked now: file, source, last sequence, letters."""
    found: list[tuple[str, str, int, list[StoredLetter]]] = []
    for (subject, source, source_subject), group in in_order(letters).items():
        file = await engine.load(subject)
        name = f"{source}/{source_subject}"
        if file is not None and name in file.parked:
            taken = file.applied.get(source, 0) if source_subject == subject else 0
            left = [letter for letter in group if letter.sequence > taken]
            found.append((subject, name, file.parked[name], left))
    return found


async def _again(engine: Engine, letter: StoredLetter) -> str:
    record = original(letter)
    if record is None:
        # Too large to be kept in a letter: it stands on its own topic, and can only be given up here.
        return "failed"
    heard = listen_again(engine.service, record, letter.target)
    answers = await engine.run(heard.work)
    if heard.aliens or any(answer.poisoned or answer.parked for answer in answers):
        return "failed"
    return "stale" if all(answer.duplicate for answer in answers) else "applied"
