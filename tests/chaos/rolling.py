"""`python -m tests.chaos.rolling`: every process of the four services exchanged under load, one by one.

python -m tests.chaos.rolling [--rounds 2] [--alone] [--broker apache|embedded] [--report]

With `--alone` nobody stands in for a process that is told to stop, so that all that is seen meanwhile is
its own: how it drains.

Requests go to an API that says that it is ready, as behind a load balancer that asks `/readyz`; a process
that was told to stop says that it is not, and goes on answering for a second.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from statistics import median

from rich.console import Console

from shared.contracts.catalog import SERVICES
from tests.chaos.drains import Drains
from tests.chaos.faults import ROLES, Fault
from tests.chaos.orders import day_begins
from tests.chaos.report import machine
from tests.chaos.run import Run
from tests.chaos.terminal import main, parser_of, play, verdict, written
from tests.chaos.town import NEVER, Options, Town

REPORTS = Path(__file__).parents[2] / "docs" / "reports"
NIGHT_LASTS = timedelta(hours=25)
ANNOUNCED_SECONDS = 1.0
PROMISED_SECONDS = 8.0 + ANNOUNCED_SECONDS + 1.0
"""The default bound over a drain, what it announces before, and the moment after which a thread ends it."""
WHATS = ("2xx", "503", "nobody there", "cut off")
ROUNDS, ROUNDS_ALONE = 2, 3
HOW = (
    "the new one ready before the old one ends.",
    "*Nobody there* and *cut off* are connections that a client opened to, or kept with, a process that",
    "closed them meanwhile, and tried again, as clients do.",
)
HOW_ALONE = (
    "with nobody to stand in until it is back.",
    "Between 503 at `/readyz` and the closing of an API's port lies the second for which it announces its",
    "end (`ORDERLINK_DRAIN_ANNOUNCE_SECONDS`; in a pod the preStop hook does that). Whoever sent a request",
    "in that second had an answer; *nobody there* and *cut off* came later, and one that came before would",
    "be listed below as wrong. What is *delivered again* is counted before the successor starts: the topics",
    "are read whole and held against the files' books.",
)


def arguments() -> argparse.Namespace:
    """What is wanted."""
    parser = parser_of("python -m tests.chaos.rolling", "Exchange every process under load, one by one.")
    parser.add_argument("--rounds", type=int, help="how often every process is exchanged: 2, alone 3")
    parser.add_argument("--alone", action="store_true", help="with nobody to stand in: how each drains")
    parser.add_argument("--service", choices=SERVICES, help="only this one's: a small try")
    return parser.parse_args()


async def rolling(wanted: argparse.Namespace, directory: Path, console: Console) -> int:
    """One run, told and judged."""
    services = SERVICES if wanted.service is None else (wanted.service,)
    looking: set[asyncio.Task[None]] = set()
    drains: list[Drains] = []
    wanted.rounds = wanted.rounds or (ROUNDS_ALONE if wanted.alone else ROUNDS)

    async def days(_town: Town, _random: Random) -> AsyncIterator[Sequence[Fault]]:
        yield [
            Fault("drain" if wanted.alone else "roll", f"{service} {role}")
            for _ in range(wanted.rounds)
            for service in services
            for role in reversed(ROLES)
        ]

    def prepare(run: Run) -> None:
        run.until = day_begins(0) + NIGHT_LASTS
        if wanted.alone:
            drains.append(Drains(run, ANNOUNCED_SECONDS))
            drains[0].begin()
        looking.add(asyncio.create_task(send_to_the_ready(run)))

    # Nameless members leave at once; a fixed name would keep its partitions until the session is over.
    nameless = {"ORDERLINK_WORKER_INSTANCE_ID": ""} if wanted.broker == "apache" else {}
    announced = {"ORDERLINK_DRAIN_ANNOUNCE_SECONDS": f"{ANNOUNCED_SECONDS}"}
    options = Options(directory, wanted.broker, wanted.database, environment={**nameless, **announced})
    try:
        run = await play(wanted, options, days, console, prepare)
    finally:
        for task in looking:
            task.cancel()
    run.result.wrong += wrong_with(run)
    shown = [*lines(run)]
    for each in drains:
        run.result.wrong += each.wrong(PROMISED_SECONDS)
        shown += [*each.lines(), "", *each.rows()]
    console.print("\n".join(shown))
    if wanted.report:
        page = "drain.md" if wanted.alone else "rolling-update.md"
        written(REPORTS / page, as_markdown(run, wanted, shown), console)
    return verdict(run, wanted.seed, console)


async def send_to_the_ready(run: Run) -> None:
    """What a load balancer does: look which APIs are ready, and send requests there."""
    while True:
        for service in SERVICES:
            url = await run.town.ready_entrance(service)
            if url is not None:
                run.load.send_to(service, url)
        await asyncio.sleep(run.town.look_seconds)


def wrong_with(run: Run) -> list[str]:
    """What a rolling update must not show, beside what every run is held to."""
    late = [seconds for seconds in exits_of(run) if PROMISED_SECONDS < seconds < NEVER]
    found = [f"a process took {seconds:.1f} s to end, expected {PROMISED_SECONDS:.0f} s" for seconds in late]
    refused = run.load.answers.total("503")
    if refused:
        found.append(f"{refused} requests got 503 though another process was ready")
    return found


def exits_of(run: Run) -> list[float]:
    """How long processes took to end."""
    return [seconds for stroke in run.result.strokes for seconds in stroke.felt.exits_seconds]


def lines(run: Run) -> list[str]:
    """What was counted."""
    exits, answers = exits_of(run), run.load.answers
    counted = ", ".join(f"{what} {answers.total(what):,}" for what in WHATS)
    return [
        f"- {len(exits)} processes ended on SIGTERM under load, median {median(exits or [0]):.1f} s,",
        f"  longest {max(exits, default=0):.1f} s ({ANNOUNCED_SECONDS:.0f} s of it announced by an API).",
        f"- Requests by their answers: {counted}. Others: {len(answers.wrong)}.",
        f"- Longest answer: {max(answers.longest_seconds.values(), default=0):.1f} s.",
    ]


def as_markdown(run: Run, wanted: argparse.Namespace, shown: Sequence[str]) -> str:
    """For `docs/reports`."""
    result = run.result
    said = "Nothing was lost, twice or out of order" if not result.wrong else "PROMISES WERE BROKEN"
    how = HOW_ALONE if wanted.alone else HOW
    page = [
        f"# {'Drains' if wanted.alone else 'A rolling update'} under load",
        "",
        f"Made by `python -m tests.chaos.rolling{' --alone' if wanted.alone else ''} --report` on",
        f"{run.town.options.servers};",
        f"every API and worker of {wanted.service or 'the four services'} was told to",
        f"stop by SIGTERM {wanted.rounds} times, one by one, {how[0]}",
        *machine(result.loads),
        "",
        f"**{said}**: {result.facts:,} accepted facts about {result.orders:,} orders,",
        f"{result.events:,} events, {result.repeated:,} of them repeated on the log.",
        "",
        *shown,
        "",
        "| exchanged | times | moving again, s | caught up, s |",
        "| --- | ---: | ---: | ---: |",
        *rows(run),
        "",
        *how[1:],
        "",
        "Every fact was told until it was accepted. What was said about each order, and where each file",
        "ended, is what `simulate` says of the same facts in calm.",
        "",
    ]
    if result.wrong:
        page += ["## What was wrong", "", *(f"- {line}" for line in result.wrong[:200]), ""]
    return "\n".join(page)


def rows(run: Run) -> list[str]:
    """One row for each process."""
    found: list[str] = []
    for name in dict.fromkeys(stroke.fault.target for stroke in run.result.strokes):
        strokes = [stroke for stroke in run.result.strokes if stroke.fault.target == name]
        moving = max(stroke.moving_seconds for stroke in strokes)
        caught_up = max(stroke.caught_up_seconds for stroke in strokes)
        found.append(f"| {name} | {len(strokes)} | {moving:.1f} | {caught_up:.1f} |")
    return found


if __name__ == "__main__":
    told = arguments()
    main(told, lambda directory, console: rolling(told, directory, console))
