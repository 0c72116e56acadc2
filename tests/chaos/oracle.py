"""What had to come of it: the same facts through `simulate`, calm, and everything held against that.

Facts of one moment are played rank by rank, each after everything that followed from the one before,
which is how the load told them. Outside, the oracle's mail server and payment provider refuse what the
sandbox refuses.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from shared.adapters.profile_files import load_profiles
from shared.adapters.smtp import message_id
from shared.cli.counts import count_names
from shared.cli.loading import load_services
from shared.cli.simulation import Simulation
from shared.cli.timeline import Line
from shared.contracts.event import Event
from shared.contracts.events.notifications import MessageAsked
from shared.contracts.facts import AnyFact
from shared.runtime.effects import Effects
from shared.runtime.ports import Document, EffectResult
from tests.chaos.orders import day_begins, order_of

ANSWER_DUE = timedelta(seconds=30)
"""The one timer that may come due while a day's facts are told."""
DAY_MAX = timedelta(minutes=60)
"""How long the facts of a day may take to be told."""


@dataclass
class Expected:
    """What the calm run came to."""

    said: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    mails: set[str] = field(default_factory=set[str])
    """Message-IDs."""
    refunds: dict[str, str] = field(default_factory=dict[str, str])
    """Amount and currency by key."""
    files: dict[str, dict[str, Document]] = field(default_factory=dict[str, dict[str, Document]])
    """By service and subject."""
    in_the_way: list[datetime] = field(default_factory=list[datetime])
    """Moments at which something was due while facts were told: then the comparison would not be exact."""
    dead_letters: int = 0


class _Outside:
    """Does what the sandbox does, and keeps book of it."""

    def __init__(self, expected: Expected) -> None:
        self._expected = expected

    async def perform(self, effect_id: str, request: Mapping[str, Any]) -> EffectResult:
        """Done, or refused for good."""
        if "payment_id" in request:
            if str(request["payment_id"]).startswith("fail"):
                return EffectResult(done=False, reason="the payment provider answered 422")
            self._expected.refunds[effect_id] = f"{request['amount']} {request['currency']}"
        elif str(request["to"]).startswith("bounce"):
            return EffectResult(done=False, reason="the mail server answered 550")
        else:
            self._expected.mails.add(message_id(effect_id))
        return EffectResult(done=True)


class _Ending(Simulation):
    """A simulation that stops at a moment, though timers may be left."""

    until: datetime | None = None

    async def _next_timer_at(self) -> datetime | None:
        at = await super()._next_timer_at()
        return None if at is None or (self.until is not None and at > self.until) else at


async def simulate(told: Iterable[tuple[int, int, AnyFact]], until: datetime | None = None) -> Expected:
    """Play what was told, facts with their day and rank, until nothing is due any more or until a moment."""
    expected = Expected()
    facts = sorted(told, key=lambda each: each[:2])
    instants = [
        (day_begins(day), [Line(0, fact) for _, _, fact in together])
        for (day, _), together in groupby(facts, key=lambda each: each[:2])
    ]
    days = sorted({day for day, _, _ in facts})
    orders: dict[str, str] = {}

    def hear(event: Event) -> None:
        order = order_of(event.subject) or orders.get(event.subject)
        if order is not None:
            if isinstance(event.data, MessageAsked):
                orders[event.data.buyer_day] = order
            expected.said[order][f"{event.source}/{event.name}"] += 1
            expected.said[order].update(f"counted as {name}" for name in count_names(event))

    def look(_lines: int, now: datetime) -> None:
        for day in days:
            after = now - day_begins(day)
            if abs(after) <= DAY_MAX and after not in (timedelta(0), ANSWER_DUE):
                expected.in_the_way.append(now)

    simulation = _Ending(load_services(), load_profiles().of, instants[0][0], hear)
    simulation.until = until
    outside = _Outside(expected)
    for house in simulation.houses.values():
        outsides = dict.fromkeys(house.service.effects, outside)
        house.worker.effects = Effects(house.engine, outsides, lambda *_, **__: None)
    played = await simulation.play(instants, look)
    expected.dead_letters = played.dead_letters
    for name, house in simulation.houses.items():
        page: list[Document] = await house.store.page({}, None, 10_000_000)
        expected.files[name] = {document["_id"]: document for document in page}
    return expected


# What was found


def files_wrong(expected: Mapping[str, Document], service: str, found: Iterable[Document]) -> list[str]:
    """How a service's stored files differ from those of the calm run, times apart."""
    wrong: list[str] = []
    stored = {document["_id"]: document for document in found}
    for subject in sorted({*expected, *stored}):
        want, have = expected.get(subject), stored.get(subject)
        if want is None or have is None:
            wrong.append(f"{service}/{subject}: the file is {'missing' if have is None else 'one too many'}")
            continue
        wrong += [
            f"{service}/{subject}: {name} is not empty at the end: {have[name]!r:.200}"
            for name in ("pending", "parked")
            if have.get(name)
        ]
        if _bare(want["state"]) != _bare(have["state"]):
            wrong.append(
                f"{service}/{subject}: {_first_difference(_bare(want['state']), _bare(have['state']))}"
            )
    return wrong


@dataclass(slots=True)
class Outside:
    """What the sandbox's books say."""

    mails: Counter[str]
    refunds: dict[str, str]
    refund_calls: int
    paid_twice: list[str]


def read_books(directory: Path) -> Outside:
    """Count mails by Message-ID and refunds by key, from the files that the sandbox wrote."""
    mails = Counter(entry["message_id"] for entry in _lines(directory / "mails" / "index.jsonl"))
    calls = list(_lines(directory / "refunds.jsonl"))
    refunds: dict[str, str] = {}
    paid_twice: list[str] = []
    for call in calls:
        if call["status"] == 201:
            if call["key"] in refunds:
                paid_twice.append(call["key"])
            refunds[call["key"]] = f"{call['asked']['amount']} {call['asked']['currency']}"
    return Outside(mails, refunds, len(calls), paid_twice)


def books_wrong(expected: Expected, outside: Outside) -> list[str]:
    """What went out too often, not at all, or without reason; repeated mails are counted elsewhere."""
    wrong = [f"refund {key} was paid twice" for key in outside.paid_twice]
    for what, want, have in (
        ("refund", set(expected.refunds), set(outside.refunds)),
        ("mail", expected.mails, set(outside.mails)),
    ):
        wrong += [f"{what} {key} was never made" for key in sorted(want - have)]
        wrong += [f"{what} {key} was made without reason" for key in sorted(have - want)]
    wrong += [
        f"refund {key}: {outside.refunds[key]} instead of {amount}"
        for key, amount in expected.refunds.items()
        if outside.refunds.get(key, amount) != amount
    ]
    return wrong


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    if path.exists():
        for line in path.read_text("utf-8").splitlines():
            yield json.loads(line)


def _bare(value: Any) -> Any:
    """Without moments: what follows from an effect outside happens when the effect is done."""
    if isinstance(value, dict):
        return {name: _bare(each) for name, each in value.items() if name not in _VARYING}
    if isinstance(value, list | tuple):
        return [_bare(each) for each in value]
    if isinstance(value, datetime) or (isinstance(value, str) and _is_moment(value)):
        return "a moment"
    return value


_VARYING = frozenset({"refund_id"})
"""What the payment provider makes up."""


def _is_moment(text: str) -> bool:
    if len(text) < 19 or text[4:5] != "-" or text[10:11] != "T":
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _first_difference(want: Any, have: Any, path: str = "state") -> str:
    if isinstance(want, dict) and isinstance(have, dict):
        for name in sorted({*want, *have}):
            if want.get(name) != have.get(name):
                return _first_difference(want.get(name), have.get(name), f"{path}.{name}")
    if isinstance(want, list) and isinstance(have, list) and len(want) == len(have):
        for at, (one, other) in enumerate(zip(want, have, strict=True)):
            if one != other:
                return _first_difference(one, other, f"{path}[{at}]")
    return f"{path}: expected {want!r:.300}, found {have!r:.300}"
