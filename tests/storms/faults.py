"""What can go wrong, by name; and the plan of one storm: which faults, and from when on each lies in wait.

A fault lies in wait from a certain number of port calls on, and strikes at the first call that it
fits. So faults are spread over the whole story, and leaving one out changes little before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Final

from shared.contracts.catalog import SERVICES

Calls = frozenset[str]

FAULTS: Final = 10
CRASHES: Final = 4
DOUBTS: Final = 2
"""Of a storm, answers that are lost at planned points, though what was asked is done."""
STRIDE: Final = 67
"""Has no divisor in common with the number of crash points; takes the next crash to another service."""
PLANNED_SHARE: Final = 0.75
"""Faults are planned over this share of a calm run's calls, so that nearly all of them strike."""

STORE: Final = frozenset({"load", "clear", "due_timers", "due_effects", "pending"})
OWNER: Final = frozenset({"load", "letters", "commit", "publish", "clear", "ack"})

CRASH: Final = "crash"
AT_CALLS: Final[dict[str, Calls]] = {
    "commit fails": frozenset({"commit"}),
    "commit times out though done": frozenset({"commit"}),
    "commit loses to another writer": frozenset({"commit"}),
    "store away": STORE,
    "clear times out though done": frozenset({"clear"}),
    "store answers late": STORE | {"commit"},
    "publish fails": frozenset({"publish", "letters"}),
    "publish times out though done": frozenset({"publish", "letters"}),
    "one record refused": frozenset({"publish"}),
    "broker answers late": frozenset({"publish", "ends", "letters"}),
    "rebalance, two owners": OWNER,
    "offsets set back": frozenset({"batch"}),
    "worker frozen": OWNER,
    "far side busy": frozenset({"perform"}),
    "far side's answer lost": frozenset({"perform"}),
}
"""Faults that strike at a call of a port, and the calls that they fit."""
CLOCK_JUMP: Final = "clock jumps forward"
OUTAGE: Final = "service down for days"
UNDECODABLE: Final = "poison: undecodable record"
RULE_RAISES: Final = "poison: rule raises"
IN_THE_WORLD: Final = (CLOCK_JUMP, OUTAGE, UNDECODABLE, RULE_RAISES)
KINDS: Final = (CRASH, *AT_CALLS, *IN_THE_WORLD)

_WEIGHTS: Final = {"commit times out though done": 3, "one record refused": 2}
_ONCE: Final = {CLOCK_JUMP: 0.25, OUTAGE: 0.25, UNDECODABLE: 0.25, RULE_RAISES: 0.4}
"""How likely a storm has one of these; none has two of a kind."""

SAYING: Final = "saying"
"""Poison that waits for an event from which another follows."""
ANSWERED: Final = {
    "orders": {"parcel.dispatched", "parcel.delivered", "case.refunded"},
    "logistics": {"case.approved", "order.cancellation_requested"},
    "aftersales": {"order.cancellation_requested", "parcel.delivered"},
    "notifications": {"message.wanted", "task.wanted"},
}
"""Events from which others follow, by who hears them."""
OFTEN: Final = 30
"""Calls of a kind in a calm run; where there are fewer, a fault lies in wait earlier."""
_ENGINE: Final = ("load", "commit", "publish", "clear")
_PATHS: Final[dict[str, tuple[str, ...]]] = {
    "door": _ENGINE,
    "stream": ("batch", *_ENGINE, "letters", "ack"),
    "timers": ("due_timers", "ends", *_ENGINE),
    "sweep": ("pending", "publish", "clear"),
    "clear": ("clear",),
    "redrive": _ENGINE,
}
_EFFECT_PATH: Final = ("due_effects", "perform", *_ENGINE)
_ACTING: Final = ("aftersales", "notifications")
"""The services that have effects outside."""
IN_DOUBT: Final[dict[str, str]] = {
    "commit": "commit times out though done",
    "clear": "clear times out though done",
    "publish": "publish times out though done",
    "letters": "publish times out though done",
    "perform": "far side's answer lost",
}
"""Calls that may be done though no answer says so, and what that is called."""


def _calls() -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for service in SERVICES:
        paths = {**_PATHS, **({"effects": _EFFECT_PATH} if service in _ACTING else {})}
        found += [(service, f"{path}.{call}") for path, calls in paths.items() for call in calls]
    return tuple(found)


def _points() -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for service in SERVICES:
        calls = [call for where, call in _calls() if where == service]
        found += [(service, f"{call}.{when}") for call in calls for when in ("before", "after")]
        found.append((service, "stream.publish.half"))
    return tuple(found)


CRASH_POINTS: Final = _points()
"""Every point at which a process can be killed: service, then `path.call.before|after|half`."""
SELDOM_MET: Final = tuple(
    ("aftersales", f"redrive.{call}.{when}") for call in ("publish", "clear") for when in ("before", "after")
)
"""A redrive in aftersales seldom says anything: what it hears late was mostly answered in another way."""
DOUBT_POINTS: Final = tuple(
    (service, point) for service, point in _calls() if point.split(".")[1] in IN_DOUBT
)
"""Every point at which the answer can be lost though what was asked is done: service, then `path.call`."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. Where `service` and `point` are empty, anywhere will do.

    `draw` decides what is left open.
    """

    kind: str
    at: int
    """It lies in wait from this number of port calls on."""
    service: str = ""
    point: str = ""
    draw: int = 0

    def __str__(self) -> str:
        where = f" in {self.service}" if self.service else ""
        exactly = f" at {self.point}" if self.point else ""
        return f"{self.kind}{where}{exactly} (from call {self.at} on)"


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which not everything was heard when it was said: what was late, and whose."""

    begin: datetime
    end: datetime
    service: str | None
    """None: all of them."""
    order_id: str | None
    """None: all orders."""


def _share(service: str, point: str, passed: Mapping[tuple[str, str, str], int]) -> float:
    """How far into a story a fault at a point may begin to lie in wait: where few pass, early."""
    path, call = point.split(".")[:2]
    if path == "redrive":
        return 0.0
    return min(1.0, max(passed.get((service, path, call), 10), 1) / OFTEN)


def _leading_to(service: str, point: str, at: int, draw: int) -> list[Fault]:
    """What else must go wrong for anything to come to a point."""
    if point.startswith("redrive") or ".letters" in point:
        # Nothing passes there unless something is parked.
        says = SAYING if point.startswith(("redrive.publish", "redrive.clear")) else ""
        poison = Fault(RULE_RAISES, at, service, says, draw=draw)
        # Few events are answered by another one, and not each of these in what is redriven.
        return [poison, replace(poison, draw=draw // 4)] if says else [poison]
    if point.startswith("sweep"):
        # What a timer leads to is followed by least: then nobody but the sweep publishes it.
        where = "timers.publish" if draw % 2 or service == "aftersales" else ""
        return [Fault("publish fails", at, service, where, draw)] * 2
    return []


def _doubts(seed: int, last: int, passed: Mapping[tuple[str, str, str], int]) -> list[Fault]:
    """Answers that are lost though what was asked is done, point after point."""
    random = Random(f"doubts {seed}")
    faults: list[Fault] = []
    for number in range(seed * DOUBTS, (seed + 1) * DOUBTS):
        # Each round begins one further: every other seed clears later, and has other points.
        service, point = DOUBT_POINTS[(number + number // len(DOUBT_POINTS)) % len(DOUBT_POINTS)]
        at = int(random.randrange(last) * _share(service, point, passed))
        draw = random.getrandbits(30)
        faults.append(Fault(IN_DOUBT[point.split(".")[1]], at, service, point, draw))
        faults += _leading_to(service, point, at, draw)
    return faults


def _seldom_met(seed: int, last: int, passed: Mapping[tuple[str, str, str], int]) -> list[Fault]:
    """One crash more at a point that few storms come by, in every third storm."""
    if seed % 3:
        return []
    random = Random(f"seldom {seed}")
    service, point = SELDOM_MET[seed // 3 % len(SELDOM_MET)]
    at = int(random.randrange(last) * _share(service, point, passed))
    draw = random.getrandbits(30)
    return [Fault(CRASH, at, service, point, draw), *_leading_to(service, point, at, draw)]


def plan(seed: int, calls: int, passed: Mapping[tuple[str, str, str], int]) -> list[Fault]:
    """The faults of one storm over a story whose calm run takes so many port calls, here and there."""
    random = Random(f"plan {seed}")
    last = max(1, int(calls * PLANNED_SHARE))
    faults = [
        Fault(kind, random.randrange(last), random.choice(SERVICES), draw=random.getrandbits(30))
        for kind, chance in _ONCE.items()
        if random.random() < chance
    ]
    for number in range(CRASHES):
        # Point after point, so that all of them come up equally often.
        service, point = CRASH_POINTS[(seed * CRASHES + number) * STRIDE % len(CRASH_POINTS)]
        at = int(random.randrange(last) * _share(service, point, passed))
        draw = random.getrandbits(30)
        faults.append(Fault(CRASH, at, service, point, draw))
        faults += _leading_to(service, point, at, draw)
    faults += _seldom_met(seed, last, passed)
    weights = [_WEIGHTS.get(kind, 1) for kind in AT_CALLS]
    while len(faults) < FAULTS:
        (kind,) = random.choices(tuple(AT_CALLS), weights)
        faults.append(Fault(kind, random.randrange(last), draw=random.getrandbits(30)))
    faults += _doubts(seed, last, passed)
    return sorted(faults, key=lambda fault: fault.at)
