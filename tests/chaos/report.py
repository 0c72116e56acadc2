"""What is told of a run: a table for the terminal, and a page for `docs/reports`."""

import os
import platform
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

from rich.table import Table

from tests.chaos.faults import AWAY, SESSION_SECONDS
from tests.chaos.load import ANSWER_MAX_SECONDS, CALM
from tests.chaos.run import NIGHT, Result, Run, Stroke

OUTAGES = frozenset(AWAY) - {"cut connections"}
RECOVERY_GOAL_SECONDS = SESSION_SECONDS + 5.0
TIMERS_RESUME_GOAL_SECONDS = 30.0
HEADINGS = (
    "fault",
    "struck",
    "moving again, s (median / longest)",
    "caught up, s (median / longest)",
    "accepted",
    "503, come again",
    "process away",
    "longest answer, s",
)


def rows(run: Run) -> list[tuple[str, ...]]:
    """One row for each kind of fault and target, then those of the calm and of the nights."""
    kinds: dict[str, list[Stroke]] = defaultdict(list)
    for stroke in run.result.strokes:
        kinds[_kind(stroke)].append(stroke)
    found = [
        (
            kind,
            f"{len(strokes)}",
            _spread(stroke.moving_seconds for stroke in strokes),
            _spread(stroke.caught_up_seconds for stroke in strokes),
            *_answers(run, {stroke.fault.name for stroke in strokes}),
        )
        for kind, strokes in sorted(kinds.items())
    ]
    found.append(("(nothing broken)", "", "", "", *_answers(run, {CALM})))
    found.append((NIGHT, f"{run.result.night_kills}", "", "", *_answers(run, {NIGHT})))
    return found


def _kind(stroke: Stroke) -> str:
    fault = stroke.fault
    words = fault.target.split()
    target = (
        words[-1] if fault.kind == "kill -9" else words[0] if fault.target in ("broker", "database") else ""
    )
    if fault.kind == "kill -9 while publishing":
        target = words[1]
    return f"{fault.kind}{': ' + target if target else ''}"


def _spread(values: Iterable[float]) -> str:
    found = list(values)
    return f"{median(found):.1f} / {max(found):.1f}"


def _answers(run: Run, names: set[str]) -> Sequence[str]:
    """What requests got while these were broken, and while the system came out of it."""
    meant = names | {f"{name}, recovering" for name in names}
    answers = run.load.answers

    def count(*whats: str) -> str:
        found = (n for (broken, what), n in answers.counted.items() if broken in meant and what in whats)
        return f"{sum(found):,}"

    longest = max((answers.longest_seconds.get(name, 0.0) for name in meant), default=0.0)
    return count("2xx"), count("503"), count("nobody there", "cut off"), f"{longest:.1f}"


def as_table(run: Run) -> Table:
    """For the terminal."""
    table = Table(title="What was broken", title_justify="left", box=None, pad_edge=False)
    for number, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="left" if number == 0 else "right")
    for row in rows(run):
        table.add_row(*row)
    return table


def as_markdown(run: Run, made_by: str, seed: int) -> str:
    """For `docs/reports`."""
    result = run.result
    lines = [
        "# Chaos: the real system, broken under load",
        "",
        (
            f"Made by `{made_by}` (seed {seed}): four APIs and four workers as processes, "
            f"{run.town.options.servers}."
        ),
        *machine(result.loads),
        "",
        (
            f"**{'PROMISES WERE BROKEN.' if result.wrong else 'Nothing was lost, twice or out of order.'}** "
            f"{result.facts:,} accepted facts about {result.orders:,} orders, {result.events:,} events,"
        ),
        (
            f"{len(result.strokes)} faults by day and {result.night_kills} kills by night, in "
            f"{result.seconds / 60:.0f} minutes."
        ),
        f"Altogether: {altogether(run.result)}.",
        "",
        "| " + " | ".join(HEADINGS) + " |",
        "| --- |" + " ---: |" * (len(HEADINGS) - 1),
        *("| " + " | ".join(row) + " |" for row in rows(run)),
        "",
        *WORDS,
        "",
        "## What was checked",
        "",
        *_checked(run),
        "",
    ]
    if not run.town.is_apache:
        lines += ["Left out: kill -9 of the broker, since the embedded one loses acknowledged records.", ""]
    if run.town.options.disks and not run.town.disks:
        lines += ["Left out: full disks. Mounting small ones needs root.", ""]
    if result.wrong:
        lines += ["## What was wrong", "", *(f"- {line}" for line in result.wrong[:200]), ""]
    return "\n".join(lines)


def altogether(result: Result) -> str:
    """How often it was struck in each of the ways, whatever it was that was hit."""
    faults = [stroke.fault for stroke in result.strokes]
    kills = sum(fault.kind.startswith("kill -9") and "server" not in fault.kind for fault in faults)
    terms = sum(len(stroke.felt.exits_seconds) for stroke in result.strokes)
    cuts = sum(fault.kind == "cut connections" for fault in faults)
    frozen = sum(fault.kind.startswith("freeze") for fault in faults)
    away = {
        where: sum(fault.target == where and fault.kind in OUTAGES for fault in faults)
        for where in ("broker", "database")
    }
    return (
        f"{kills + result.night_kills} processes killed with -9, {terms} ended by SIGTERM, "
        f"{frozen} frozen and woken, {cuts} times all connections to a server cut, "
        f"{away['broker']} outages of the broker and {away['database']} of the database"
    )


def state() -> str:
    """The commit that was run, and whether files differ from it; nothing where git is not there."""
    try:
        said = subprocess.run(
            ["git", "describe", "--always", "--dirty=, changed", "--abbrev=10", "--exclude=*"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f" Commit {said.stdout.strip()}."


def machine(loads: Sequence[float]) -> list[str]:
    """What the times were taken on, and what was run."""
    return [
        (
            f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} processors, used by "
            f"others too: the load average was {median(loads):.0f} (median).{state()}"
        ),
        "Times are wall time and tell orders of size; starting a process takes 1.5 s of CPU.",
    ]


WORDS = (
    "*Moving again*: from the end of the fault until every service has taken in something and every API and",
    "worker is ready; where a process was killed, its start is in it. *Caught up*: until every fact accepted",
    "before the end of the fault has reached every service. Nobody lent a hand. A database that was started",
    "again is away until it has answered once about each collection, which SecantusDB reads whole for it.",
)


def _after_night_kills(result: Result) -> list[str]:
    if not result.night_recoveries_seconds:
        return []
    middle, longest = median(result.night_recoveries_seconds), max(result.night_recoveries_seconds)
    return [
        "- After a kill by night all timers that came due next had fired, and what followed was over,",
        f"  within {longest:.1f} s (median {middle:.1f} s; {TIMERS_RESUME_GOAL_SECONDS:.0f} s are promised).",
    ]


def _checked(run: Run) -> list[str]:
    result = run.result
    exits = [seconds for stroke in result.strokes for seconds in stroke.felt.exits_seconds]
    late = [stroke for stroke in result.strokes if stroke.moving_seconds > RECOVERY_GOAL_SECONDS]
    told = ", ".join(f"{stroke.fault.name} ({stroke.moving_seconds:.1f} s)" for stroke in late)
    return [
        "- Every fact was told until it got a 2xx, and the next one of its order only when nothing about the",
        "  order was under way in any service. What was said about each order, and where each file ended, is",
        "  what `simulate` says of the same facts in calm.",
        f"- A plain Kafka client read all topics: {result.events:,} events, each file's numbers in order and",
        f"  without gaps; {result.repeated:,} records were repeated word for word, which consumers drop.",
        (
            f"- Refunds by the payment provider's book: {result.refunds:,} paid, each once, in "
            f"{result.refund_calls:,} calls;"
        ),
        "  the other calls repeated a key, or were refused on purpose.",
        (
            f"- Mails by the mail server's book: {result.mails:,} Message-IDs, {result.mails_repeated:,} "
            "of them sent again: SMTP"
        ),
        "  can't tell a repetition, where a worker is killed between sending a mail and noting it.",
        (
            "- Every request got 2xx, or 503 with Retry-After, or found no process; none waited for "
            f"{ANSWER_MAX_SECONDS:.0f} s."
        ),
        (
            f"- Recovery within the session timeout and 5 s ({RECOVERY_GOAL_SECONDS:.0f} s): "
            f"{len(result.strokes) - len(late)} of {len(result.strokes)} faults."
        ),
        *([f"  Later: {told}."] if late else []),
        *_after_night_kills(result),
        (
            f"- {len(exits)} processes ended on SIGTERM under load, the slowest in "
            f"{max(exits, default=0.0):.1f} s (promised: 10 s)."
        ),
        f"- {result.server_restarts} times a server ended, or took nothing any more, of a full disk, and was",
        "  started again, as a supervisor does.",
    ]
