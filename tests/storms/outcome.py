"""What a story came to, and in what two runs of it must agree.

Of an order that heard everything when it was said, nothing may differ: what was said about it, with
all its content, what its four files know and show, what was asked of the far side. Moments count by
the hour, since an effect that failed is tried again some seconds later.

When a service was down, or a source parked, or the clock jumped, facts and events reach somebody
late. *In order* still means: of what this order's files took in meanwhile, nothing overtook
anything. Either it all happened at one moment, or the late service took in from one source only and
said nothing that others could have heard too late. Then the same things happen, only later: the
names of all that `orders`, `logistics` and `aftersales` say agree, the refunds with their content, and
the tasks. What `notifications` tells a buyer does not: it goes by quiet hours and by how old the
news is. An order that is out of order keeps the invariants, and nothing else can be asked of it; no more
can of one of which an operator gave up an event.

What happens in several services at one moment has no order, in the calm neither: a deadline may close
a case before or after another service's timer of the same moment asks about it. So an order agrees
with the calm when it agrees with one of several calm runs, in which others were first.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Any, Final

from pydantic_core import from_json

from shared.contracts.catalog import HEARS
from shared.runtime.ports import Record
from tests.storms.faults import Window
from tests.storms.house import FILES_MAX
from tests.storms.storm import Storm
from tests.storms.telling import tracking_file

WHO_WAS_FIRST: Final = {"rule", "changed_by", "summary"}
"""The rule that closed a task, the event that last changed an order, and a line of text about both."""
STOPPED: Final = b"orderlink.shipment.stopped.v1"
"""Says which of two services stopped the parcel: the one that was heard first."""
File = tuple[str, str]
"""Service and subject."""


class Demand(Enum):
    """What is asked of one order."""

    SAME = "the same"
    LATER = "the same, later"
    SOUND = "the invariants"


@dataclass(slots=True)
class Outcome:
    """What one run came to."""

    said: dict[File, list[Record]] = field(default_factory=dict[File, list[Record]])
    files: dict[File, tuple[Any, Any]] = field(default_factory=dict[File, tuple[Any, Any]])
    """State and view."""
    asked: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    said_at: list[tuple[datetime, Record]] = field(default_factory=list[tuple[datetime, Record]])
    """When each event was said."""
    taken_in: list[tuple[datetime, str, str, str]] = field(
        default_factory=list[tuple[datetime, str, str, str]]
    )
    """Moment, subject and service of what was taken in beside events: `fact` or `timer`."""
    days: dict[str, str] = field(default_factory=dict[str, str])
    """The order of each buyer's day and of each parcel's number."""
    given_up: set[str] = field(default_factory=set[str])
    """Orders of which an operator gave up an event."""
    calls: int = 0
    passed: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])
    """How often each service called a port, by path and call."""
    _canonical: dict[tuple[File, int], Any] = field(default_factory=dict[tuple[File, int], Any])

    def order_of(self, subject: str) -> str:
        """The order that a file is of."""
        return self.days.get(subject, subject)

    def canonical_of(self, file: File, which: int) -> Any:
        """A file's state (0) or view (1) without what may differ. The calm's is asked for many times."""
        found = self._canonical.get((file, which))
        if found is None:
            value = self.files[file][which].model_dump(mode="json")
            found = self._canonical[(file, which)] = canonical(value)
        return found

    def orders(self) -> set[str]:
        """All orders about which something happened."""
        subjects = {subject for _, subject in self.said} | {subject for _, subject, _, _ in self.taken_in}
        return set(map(self.order_of, subjects))


async def outcome_of(storm: Storm) -> Outcome:
    """What a storm that has been played came to."""
    outcome = Outcome(asked=storm.ledger.asked, calls=storm.fate.calls, passed=storm.fate.passed)
    outcome.days.update((tracking_file(telling.order_id), telling.order_id) for telling in storm.facts)
    for record in storm.ledger.said.values():
        file = _file_of(record)
        outcome.said.setdefault(file, []).append(record)
        if record.headers["ce_type"] == b"orderlink.message.asked.v1":
            outcome.days[_content(record.value or b"")["buyer_day"]] = file[1]
    for name, house in storm.houses.items():
        for document in await house.files.page({}, None, FILES_MAX):
            outcome.files[(name, document["_id"])] = (document["state"].state, document["view"])
    outcome.given_up = set(map(outcome.order_of, storm.given_up))
    outcome.said_at, outcome.taken_in = storm.said_at, storm.taken_in
    return outcome


def demands(calm: Outcome, storm: Outcome, windows: Iterable[Window]) -> dict[str, Demand]:
    """What is asked of each order, by what it did, or would have done, while something was late."""
    found = dict.fromkeys(calm.orders(), Demand.SAME)
    for window in windows:
        for order_id, inside in _inside(window, (calm, storm)).items():
            if order_id in found and window.order_id in (None, order_id):
                # Late twice: what was in order once may meet what comes late from the other time.
                first = found[order_id] is Demand.SAME
                in_order = first and _in_order(inside, window.service)
                found[order_id] = Demand.LATER if in_order else Demand.SOUND
    return found | dict.fromkeys(storm.given_up, Demand.SOUND)


def _inside(window: Window, runs: Iterable[Outcome]) -> dict[str, list[tuple[datetime, str, str]]]:
    """For each order what happened in a window: moment, service, and what it took in, or `said`."""
    found: dict[str, list[tuple[datetime, str, str]]] = {}
    for run in runs:
        for moment, subject, service, what in run.taken_in:
            if window.begin <= moment <= window.end:
                found.setdefault(run.order_of(subject), []).append((moment, service, what))
        for moment, record in run.said_at:
            if window.begin <= moment <= window.end:
                source, subject = _file_of(record)
                happened = found.setdefault(run.order_of(subject), [])
                happened.append((moment, source, "said"))
                hearers = (name for name, topics in HEARS.items() if record.topic in topics)
                happened += [(moment, name, record.topic) for name in hearers]
    return found


def _file_of(record: Record) -> File:
    """The file that said it."""
    return record.headers["ce_source"].decode(), record.headers["ce_subject"].decode()


def _in_order(inside: list[tuple[datetime, str, str]], late: str | None) -> bool:
    moments = {moment for moment, _, _ in inside}
    kinds = {what for _, _, what in inside}
    if len(moments) == 1:
        # A fact and a timer of one moment: the calm has the fact first, and late they have no order.
        return not {"fact", "timer"} <= kinds
    if late is None:
        return False
    taken = {what for _, service, what in inside if service == late and what != "said"}
    said_at = [moment for moment, service, what in inside if service == late and what == "said"]
    return len(taken) <= 1 and (not said_at or min(said_at) == max(moments))


def differences(calm: Outcome, storm: Outcome, asked_for: Mapping[str, Demand]) -> dict[str, list[str]]:
    """For each order that is not what is demanded of it, where not."""
    days = calm.days | storm.days
    found: dict[str, list[str]] = {}
    for file in sorted(calm.said.keys() | storm.said.keys() | calm.files.keys() | storm.files.keys()):
        order_id = days.get(file[1], file[1])
        demand = asked_for.get(order_id, Demand.SAME)
        if demand is Demand.SOUND:
            continue
        wrong = _said_differs(file, calm.said.get(file, []), storm.said.get(file, []), demand)
        if demand is Demand.SAME:
            wrong += _file_differs(file, calm, storm)
        if wrong:
            found.setdefault(order_id, []).extend(wrong)
    for effect_id in sorted(calm.asked.keys() | storm.asked.keys()):
        one, other = calm.asked.get(effect_id), storm.asked.get(effect_id)
        if one == other:
            continue
        order_id = str((one or other or {}).get("order_id"))
        demand = asked_for.get(order_id, Demand.SAME)
        is_mail = effect_id.startswith("mail-")
        if demand is Demand.SAME or (demand is Demand.LATER and not is_mail):
            found.setdefault(order_id, []).append(f"effect {effect_id}: {other} instead of {one}")
    return found


def _said_differs(file: File, one: list[Record], other: list[Record], demand: Demand) -> list[str]:
    values, others = [record.value for record in one], [record.value for record in other]
    if values == others or Counter(values) == Counter(others):
        return []
    if demand is Demand.SAME:
        first, second = Counter(map(_canonical, one)), Counter(map(_canonical, other))
    elif file[0] == "notifications":
        first, second = Counter(_tasks(one)), Counter(_tasks(other))
    else:
        first, second = Counter(map(_name, one)), Counter(map(_name, other))
    if first == second:
        return []
    return [f"{'/'.join(file)} said {dict(second - first)} instead of {dict(first - second)}"]


def _file_differs(file: File, calm: Outcome, storm: Outcome) -> Iterable[str]:
    one, other = calm.files.get(file), storm.files.get(file)
    if one is other is None:
        return
    if one is None or other is None:
        yield f"{'/'.join(file)}: is {'missing' if other is None else 'new'}"
        return
    for at, which in enumerate(("state", "view")):
        if one[at] is other[at] or one[at] == other[at]:
            continue
        left, right = calm.canonical_of(file, at), storm.canonical_of(file, at)
        if left != right:
            yield f"{'/'.join(file)}: {which} differs: {_first_difference(left, right)}"


def _first_difference(one: Any, other: Any, path: str = "") -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            if one.get(key) != other.get(key):
                return _first_difference(one.get(key), other.get(key), f"{path}.{key}")
    if isinstance(one, list) and isinstance(other, list):
        gone = [each for each in one if each not in other]
        new = [each for each in other if each not in one]
        if len(gone) == 1 and len(new) == 1:
            return _first_difference(gone[0], new[0], f"{path}[]")
        return f"{path}: {new} instead of {gone}"
    return f"{path}: {other!r} instead of {one!r}"


def _name(record: Record) -> str:
    return record.headers["ce_type"].decode()


def _tasks(records: Iterable[Record]) -> Iterable[str]:
    for record in records:
        if record.headers["ce_type"] == b"orderlink.task.created.v1":
            yield str(_content(record.value or b"")["task_id"])


def _canonical(record: Record) -> str:
    if record.headers["ce_type"] == STOPPED:
        return f"{_name(record)} {sorted(_content(record.value or b'')['lines'])}"
    return f"{_name(record)} {_canonical_content(record.value or b'')}"


@lru_cache(maxsize=20_000)
def _canonical_content(value: bytes) -> str:
    return str(canonical(_content(value)))


def _content(value: bytes) -> dict[str, Any]:
    content: dict[str, Any] = from_json(value)["data"]
    return content


def canonical(value: Any) -> Any:
    """A JSON value without what may differ: the order of lists, moments within the hour, and what
    follows from the order of what happens in two services at one moment, which is none: the numbers
    of events, and what says who was first (`WHO_WAS_FIRST`).
    """
    if isinstance(value, dict):
        return {key: canonical(value[key]) for key in sorted(value) if key not in WHO_WAS_FIRST}
    if isinstance(value, list):
        return sorted((canonical(each) for each in value), key=str)
    if isinstance(value, str) and len(value) >= 20 and value[10] == "T" and value[4] == "-":
        return value[:13]
    if isinstance(value, str) and value.count("/") == 2:
        return value.rpartition("/")[0]
    return value
