"""A restore done for real: load, a backup, more load, the backup put back, the check, and more load.

    python -m tests.restore.drill [--orders 40] [--report]

Four APIs and four workers as processes on the embedded broker and database. The database of orders is the
one that is put back. Everything is read from outside afterwards: the log by a plain reader, the files by
the database's own client.
"""

import argparse
import asyncio
import json
import os
import platform
import signal
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pymongo import AsyncMongoClient
from typer.testing import CliRunner, Result

from shared.adapters.clock import SystemClock
from shared.adapters.kafka_admin import KafkaAdmin
from shared.cli import audit, restore_check
from shared.cli.children import Child
from shared.cli.running import ephemeral_directory, with_stack
from shared.cli.stack import Plan, Stack
from shared.cli.system import Addresses, System
from shared.contracts.catalog import HEARS, SERVICES, consumer_group, event_topic
from shared.contracts.facts import AnyFact
from tests.kit.world import fact

RESTORED: Final = "orders"
ROLES: Final = (f"{RESTORED} API", f"{RESTORED} worker")
QUIET_SECONDS: Final = 60.0
PAUSE_SECONDS: Final = 0.3
REPORT: Final = Path(__file__).parents[2] / "docs" / "reports" / "restore.md"


@dataclass
class Seen:
    """What the drill came to."""

    wrong: list[str] = field(default_factory=list[str])
    refusals: dict[str, str] = field(default_factory=dict[str, str])
    """By role, what a process said that refused to start on the restored database."""
    told: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the command found, and what it did."""
    table: str = ""
    facts: int = 0
    facts_lost: int = 0
    events: int = 0
    repeated: int = 0
    seconds: dict[str, float] = field(default_factory=dict[str, float])

    def expect(self, holds: object, sentence: str) -> None:
        """Write down what does not hold."""
        if not holds:
            self.wrong.append(sentence)


class Drill:
    """One restore in one running system."""

    def __init__(self, stack: Stack, system: System, mongo: AsyncMongoClient[dict[str, Any]]) -> None:
        self.stack = stack
        self.system = system
        self.mongo = mongo
        self.admin = KafkaAdmin(stack.kafka)
        self.seen = Seen()
        self.sent: dict[str, AnyFact] = {}
        self._backup: dict[str, list[dict[str, Any]]] = {}

    async def run(self, orders: int) -> None:
        """All of it, in order."""
        first = [f"A-{number}" for number in range(orders)]
        later = [f"B-{number}" for number in range(orders // 2)]
        await self._tell("order.placed", first)
        await self._tell("order.paid", first[: orders // 4])
        await self._quiet()
        await self._back_up()
        await self._tell("order.paid", first[orders // 4 : orders // 2])
        await self._tell("order.placed", later)
        await self._quiet()
        children = await self._end()
        await self._put_back()
        for role, child in children.items():
            await self._refuses(role, child)
        lost = await self._check_and_apply()
        for child in children.values():
            self.stack.nursery.add(child)
        await self.stack._all_ready()
        for fact_id in lost:
            await self.system.tell(self.sent[fact_id])
        await self._tell("order.paid", [*first[orders // 2 :], *later])
        await self._quiet()
        await self._judge()

    async def _tell(self, kind: str, orders: list[str]) -> None:
        for order_id in orders:
            told = fact(kind, f"{kind}/{order_id}", at=SystemClock().now(), order_id=order_id)
            self.sent[told.id] = told
            await self.system.tell(told)
            self.seen.facts += 1

    async def _quiet(self) -> None:
        """Wait until everybody has heard everything and nothing waits to be published."""
        until, still = time.monotonic() + QUIET_SECONDS, 0
        while still < 2:
            lags = [await self.admin.lag(consumer_group(name), HEARS[name]) for name in SERVICES]
            waits = [
                await self._files(name).count_documents({"pending.0": {"$exists": True}}) for name in SERVICES
            ]
            still = still + 1 if not any(sum(lag.values()) for lag in lags) and not any(waits) else 0
            if time.monotonic() > until:
                raise TimeoutError(f"not quiet: lags {[sum(lag.values()) for lag in lags]}, pending {waits}")
            await asyncio.sleep(PAUSE_SECONDS)

    def _files(self, service: str) -> Any:
        return self.mongo[f"orderlink_{service}"]["files"]

    async def _back_up(self) -> None:
        database = self.mongo[f"orderlink_{RESTORED}"]
        for name in ("about", "files"):
            self._backup[name] = await database[name].find({}).to_list()

    async def _put_back(self) -> None:
        database = self.mongo[f"orderlink_{RESTORED}"]
        for name, documents in self._backup.items():
            await database[name].delete_many({})
            await database[name].insert_many(documents)

    async def _end(self) -> dict[str, Child]:
        """Stop what works on the database, in good order."""
        children = {role: self.stack.nursery.children.pop(role) for role in ROLES}
        for role, child in children.items():
            began = time.monotonic()
            child.signal(signal.SIGTERM)
            self.seen.expect(
                await child.ended(20) and child.code == 0, f"{role} did not end with 0 on SIGTERM"
            )
            self.seen.seconds[f"{role} ended on SIGTERM"] = time.monotonic() - began
        return children

    async def _refuses(self, role: str, child: Child) -> None:
        """Started on a database that was put back unchecked, a process ends with 3 and says what to do."""
        began = time.monotonic()
        child.start()
        self.seen.expect(await child.ended(60), f"{role} runs on a restored database")
        self.seen.expect(child.code == 3, f"{role} ended with {child.code}, not with 3")
        self.seen.seconds[f"{role} refused"] = time.monotonic() - began
        said = [json.loads(line) for line in child.tail().splitlines() if line.startswith("{")]
        reasons = [str(line["reason"]) for line in said if line.get("event") == "process ends"]
        self.seen.refusals[role] = reasons[-1] if reasons else ""
        self.seen.expect(
            "orderlink restore-check orders" in self.seen.refusals[role], f"{role} names no command"
        )

    async def _check_and_apply(self) -> list[str]:
        """What was lost by the tellers' own ids, after the command has mended the rest."""
        path = self.stack.plan.directory / "lost.jsonl"
        looked = await self._command("--list", str(path))
        self.seen.expect(looked.exit_code == 3, f"the look ended with {looked.exit_code}: {looked.output}")
        self.seen.table = looked.stdout.replace(str(path), path.name)
        told = [json.loads(line) for line in path.read_text().splitlines()]
        began = time.monotonic()
        applied = await self._command("--apply", "--yes", "--stopped", "--json")
        self.seen.expect(applied.exit_code == 0, f"--apply ended with {applied.exit_code}: {applied.output}")
        self.seen.seconds["restore-check --apply"] = time.monotonic() - began
        self.seen.told = json.loads(applied.stdout)
        again = await self._command()
        self.seen.expect(again.exit_code == 0, f"after --apply it is not in step: {again.output}")
        lost = list(dict.fromkeys(line["cause"] for line in told if line["origin"] == "outside"))
        self.seen.facts_lost = len(lost)
        self.seen.expect(set(lost) <= set(self.sent), f"ids that nobody told: {set(lost) - set(self.sent)}")
        return [each for each in lost if each in self.sent]

    async def _command(self, *options: str) -> Result:
        named = {"KAFKA_BOOTSTRAP_SERVERS": self.stack.kafka, "MONGODB_URL": self.stack.mongodb}
        runner = CliRunner(env={**os.environ, **named, "COLUMNS": "140"})
        return await asyncio.to_thread(runner.invoke, restore_check.app, [RESTORED, *options])

    async def _judge(self) -> None:
        """No number twice, no gap, nothing dropped by who reads."""
        words: dict[tuple[str, int], set[bytes]] = defaultdict(set)
        last: dict[str, int] = defaultdict(int)
        for record in await asyncio.to_thread(lambda: list(self.admin.read_all(event_topic(RESTORED)))):
            subject, number = record.headers["ce_subject"].decode(), int(record.headers["ce_sequence"])
            self.seen.repeated += bool(words[subject, number])
            words[subject, number].add(record.value or b"")
            last[subject] = max(last[subject], number)
        self.seen.events = len(words)
        twice = [key for key, values in words.items() if len(values) > 1]
        self.seen.expect(not twice, f"numbers were used twice: {twice[:5]}")
        named = {"KAFKA_BOOTSTRAP_SERVERS": self.stack.kafka}
        audited = await asyncio.to_thread(CliRunner(env={**os.environ, **named}).invoke, audit.app, [])
        self.seen.expect(audited.exit_code == 0, f"the audit found a gap: {audited.output}")
        heard = {
            each["_id"]: each["applied"].get(RESTORED, 0)
            async for each in self._files("notifications").find({})
        }
        dropped = {
            subject: (number, heard.get(subject))
            for subject, number in last.items()
            if heard.get(subject) != number
        }
        self.seen.expect(not dropped, f"notifications did not take in everything: {dropped}")
        stages = {each["_id"]: each["state"]["stage"] async for each in self._files(RESTORED).find({})}
        unpaid = [order for order in stages if order[:2] in ("A-", "B-") and stages[order] == "unpaid"]
        self.seen.expect(not unpaid, f"orders that were paid are not: {unpaid}")


async def drill(directory: Path, orders: int) -> Seen:
    """One drill from start to end."""

    async def body(stack: Stack) -> Seen:
        async with (
            System(Addresses.of_stack(stack)) as system,
            AsyncMongoClient[dict[str, Any]](stack.mongodb) as mongo,
        ):
            doing = Drill(stack, system, mongo)
            await doing.run(orders)
            return doing.seen

    return await with_stack(Plan(directory=directory), list[str]().append, body)


def as_markdown(seen: Seen, orders: int) -> str:
    """For `docs/reports`."""
    told = seen.told
    said = (
        "PROMISES WERE BROKEN" if seen.wrong else "No number was used twice, nobody dropped anything, no gap"
    )
    rows = [
        (
            "a copy of the files, then more facts",
            f"{told.get('events_after_backup')} events it knows nothing of",
        ),
        *(
            (
                f"{role}, started on the copy",
                f"ended with 3 after {seen.seconds.get(f'{role} refused', 0):.1f} s",
            )
            for role in ROLES
        ),
        (
            "`orderlink restore-check orders`",
            (
                f"{told.get('files_behind')} files behind, {told.get('files_missing')} missing, "
                f"{told.get('records_to_hear_again')} records to be heard again; ends with 3"
            ),
        ),
        (
            "`--apply`",
            (
                f"{told.get('files_lifted')} files lifted, {told.get('timers_held')} timers wait; "
                f"{seen.seconds.get('restore-check --apply', 0):.1f} s; in step afterwards"
            ),
        ),
        ("told again, by the ids in `--list`", f"{seen.facts_lost} facts"),
        ("more facts, then everything read from outside", "see below"),
    ]
    return "\n".join(
        [
            "# A database restored to before its topics",
            "",
            "Made by `python -m tests.restore.drill --report`: four APIs and four workers as processes, the",
            "embedded broker and database. The database of `orders` was put back to a copy of its documents.",
            f"Python {platform.python_version()}, {os.cpu_count()} processors.",
            f"The load average was {os.getloadavg()[0]:.0f} at the end; times are wall time.",
            "",
            f"**{said}.** {seen.facts} facts about {orders + orders // 2} orders,",
            f"{seen.events} events on `orders.v1`, {seen.repeated} of them repeated word for word.",
            "",
            "| step | what happened |",
            "| --- | --- |",
            *(f"| {step} | {what} |" for step, what in rows),
            "",
            "What the worker said that refused:",
            "",
            f"> {seen.refusals.get(ROLES[1], '')}",
            "",
            "What the command printed:",
            "",
            "```",
            seen.table.strip(),
            "```",
            "",
            *CHECKED,
            *(f"- WRONG: {line}" for line in seen.wrong),
            "",
        ]
    )


CHECKED: Final = (
    "## What was checked",
    "",
    "- Every number of every file on `orders.v1` has one content, read by a plain reader from its start.",
    "- `orderlink audit`: every topic in order, without gaps.",
    "- For every order `notifications`, which hears all, has taken in the last number that `orders` said.",
    "- Every order that was paid is paid in the restored service, also those paid after the backup.",
)


def main() -> int:
    """Run it, and say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.restore.drill", description=__doc__)
    parser.add_argument(
        "--orders", type=int, default=40, help="so many before the backup, half as many after"
    )
    parser.add_argument("--report", action="store_true", help="write the page in docs/reports")
    wanted = parser.parse_args()
    with ephemeral_directory() as directory:
        seen = asyncio.run(drill(directory, wanted.orders))
    text = as_markdown(seen, wanted.orders)
    if wanted.report:
        REPORT.write_text(text, "utf-8")
    sys.stdout.write(text)
    return 1 if seen.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
