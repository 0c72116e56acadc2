"""Many storms over all cores, with a progress bar, and what is told of them at the end."""

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.storms.faults import CRASH_POINTS, DOUBT_POINTS, KINDS
from tests.storms.outcome import Demand
from tests.storms.stage import STORMS_PER_STORY, Played, play, rare_collections, shrink

REPORT: Final = Path(__file__).parents[2] / "docs" / "reports" / "storms.md"
FAILURES_TOLD_MAX: Final = 3


@dataclass(slots=True)
class Total:
    """All that was played, added up."""

    storms: int = 0
    facts: int = 0
    events: int = 0
    cpu_seconds: float = 0.0
    struck: Counter[str] = field(default_factory=Counter[str])
    hit: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    doubted: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    asked_for: Counter[str] = field(default_factory=Counter[str])
    given_up: int = 0
    failures: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])

    def add(self, played: Played) -> None:
        """Count one seed in."""
        self.storms += 1
        self.facts += played.facts
        self.events += played.events
        self.cpu_seconds += played.cpu_seconds
        self.struck += played.struck
        self.hit += played.hit
        self.doubted += played.doubted
        self.asked_for += played.asked_for
        self.given_up += played.given_up
        if played.failure is not None:
            self.failures.append((played.seed, played.failure))


def play_many(seeds: range) -> Total:
    """Play these seeds on all cores."""
    total = Total()
    with Progress(
        TextColumn("storms"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    ) as progress:
        bar = progress.add_task("storms", total=len(seeds), failed="")
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            for some in pool.map(_play_some, _by_story(seeds)):
                for played in some:
                    total.add(played)
                told = f"[red]{len(total.failures)} failed" if total.failures else ""
                progress.update(bar, completed=total.storms, failed=told)
    return total


def _by_story(seeds: range) -> Iterator[range]:
    """Seeds that share a story go to one process."""
    first = seeds.start
    while first < seeds.stop:
        end = min(seeds.stop, (first // STORMS_PER_STORY + 1) * STORMS_PER_STORY)
        yield range(first, end)
        first = end


def _play_some(seeds: range) -> list[Played]:
    with rare_collections():
        return [play(seed) for seed in seeds]


def report(total: Total) -> str:
    """What was played, in Markdown."""
    milliseconds = 1000 * total.cpu_seconds / max(1, total.storms)
    lines = [
        "# Storms",
        "",
        "Seeded simulations of the four services over memory adapters: `make storms`, see",
        "`tests/storms/`. A seed that fails is replayed with `make storm SEED=n`.",
        "",
        "| | |",
        "| --- | ---: |",
        f"| storms | {total.storms:,} |",
        f"| of them failed | {len(total.failures):,} |",
        f"| facts told | {total.facts:,} |",
        f"| events said | {total.events:,} |",
        f"| faults | {sum(total.struck.values()):,} |",
        f"| crash points hit | {_of(total.hit, CRASH_POINTS)} |",
        f"| orders of which an event was given up | {total.given_up:,} |",
        f"| points hit at which an answer was lost | {_of(total.doubted, DOUBT_POINTS)} |",
        f"| CPU for each storm | {milliseconds:.0f} ms |",
        "",
        *_compared(total),
        "",
        "| demand | orders |",
        "| --- | ---: |",
        *(f"| {demand} | {count:,} |" for demand, count in sorted(total.asked_for.items())),
        "",
        "| fault | times |",
        "| --- | ---: |",
        *(f"| {kind} | {total.struck[kind]:,} |" for kind in KINDS),
        "",
        "Crash points, and how often a process was killed there:",
        "",
        *_points(CRASH_POINTS, total.hit),
        "",
        "Points at which the answer was lost though what was asked was done, and how often:",
        "",
        *_points(DOUBT_POINTS, total.doubted),
    ]
    return "\n".join(lines) + "\n"


def _of(hit: Counter[tuple[str, str]], points: Sequence[tuple[str, str]]) -> str:
    """How many of the points that are aimed at were hit; others that were hit by chance are named."""
    others = sorted(f"{service} {point}" for service, point in hit.keys() - set(points))
    by_chance = f", and by chance {', '.join(others)}" if others else ""
    return f"{len(hit.keys() & set(points)):,} of {len(points):,}{by_chance}"


def _compared(total: Total) -> Iterator[str]:
    """What share of the orders was held to the calm run, and what else they were held to."""
    same, later = (shares(total.asked_for)[demand] for demand in (Demand.SAME, Demand.LATER))
    yield f"{same:.0%} of the orders were held to the calm run in all that was said, known and shown of them,"
    yield f"{later:.0%} to the same things said later. The other {1 - same - later:.0%} were held to the"
    yield "invariants only, since something came to them out of order or was given up."


def shares(asked_for: Counter[str]) -> dict[Demand, float]:
    """What share of all orders was compared by each demand."""
    orders = max(1, asked_for.total())
    return {demand: asked_for[demand.value] / orders for demand in Demand}


def _points(points: Sequence[tuple[str, str]], hit: Counter[tuple[str, str]]) -> Iterator[str]:
    services = list(dict.fromkeys(service for service, _ in points))
    yield f"| point | {' | '.join(services)} |"
    yield f"| --- | {' | '.join('---:' for _ in services)} |"
    for point in dict.fromkeys(point for _, point in points):
        cells = [f"{hit[(service, point)]:,}" if (service, point) in points else "–" for service in services]
        yield f"| {point} | {' | '.join(cells)} |"


def tell_failure(seed: int, failure: str) -> Iterator[str]:
    """A failing seed, with the least story that still fails."""
    yield f"seed {seed} failed: {failure}"
    facts, faults, least = shrink(seed, lambda line: print(f"  {line}", file=sys.stderr))
    yield f"the least that still fails: {least}"
    for fact in facts:
        yield f"  {fact}"
    for fault in faults:
        yield f"  {fault}"
    yield f"replay it with a trace: make storm SEED={seed}"
