"""Which faults strike in which order: drawn by a seed, every kind in each round.

In each round every kind strikes once or twice, in an order of its own, so that after three rounds each
worker and each API was killed at least once. The long plan counts as the goals do: see `PER_DAY`.
"""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from shared.contracts.catalog import SERVICES
from tests.chaos.faults import SESSION_SECONDS, Fault

BROKER_KILLED = Fault("kill -9 of the server", "broker")
"""The embedded one would lose what it acknowledged."""
LONG_DAYS = 10
PER_DAY: Sequence[tuple[int, Fault]] = (
    (4, Fault("kill -9", "{service} worker")),
    (4, Fault("kill -9", "{service} API")),
    (3, Fault("kill -9 while publishing", "{service} worker lost")),
    (3, Fault("kill -9 while publishing", "{service} worker sent")),
    (1, Fault("kill -9 while publishing", "{service} API lost")),
    (1, Fault("kill -9 while publishing", "{service} API sent")),
    (2, Fault("kill -9 while files are not written", "{service}", 3)),
    (2, Fault("kill -9 while the database is silent", "{service}", 3)),
    (5, Fault("freeze and wake a worker", "{service}", SESSION_SECONDS + 4)),
    (1, Fault("restart one by one")),
    (3, Fault("cut connections", "database")),
    (2, Fault("cut connections", "broker")),
    (2, Fault("stop", "database", 15)),
    (1, Fault("stop", "broker", 15)),
    (1, Fault("kill -9 of the server", "database")),
    (1, BROKER_KILLED),
    (1, Fault("black hole", "database", 8)),
    (1, Fault("black hole", "broker", 8)),
)
"""How often on each of `LONG_DAYS` days: over all of them 200 kills, 50 freezes beyond the session's time,
80 SIGTERMs, 50 times all connections cut, and the database 20 times away."""


def long_plan(random: Random, day: int, *, apache: bool) -> list[Fault]:
    """One day of the long plan; services take turns."""
    faults: list[Fault] = []
    for times, fault in PER_DAY:
        for n in range(times):
            service = SERVICES[(day * times + n) % len(SERVICES)]
            faults.append(replace(fault, target=fault.target.format(service=service)))
    faults = [fault for fault in faults if apache or fault != BROKER_KILLED]
    random.shuffle(faults)
    return faults


def planted_plan(random: Random) -> list[Fault]:
    """What shows the planted defects soon."""
    faults = [Fault("kill -9 while files are not written", service, 3) for service in SERVICES]
    faults += [Fault("kill -9 while publishing", f"{service} worker lost") for service in SERVICES]
    random.shuffle(faults)
    return faults


def plan(random: Random, number: int, *, long_outage: str, apache: bool, disks: Sequence[str]) -> list[Fault]:
    """One round: every kind. `long_outage` names the server that is away for a minute in this round."""
    turn = [SERVICES[(number * 2 + n) % len(SERVICES)] for n in range(2)]
    others = [SERVICES[(number * 2 + n + 2) % len(SERVICES)] for n in range(2)]
    faults = [Fault("kill -9", f"{service} worker") for service in turn]
    faults += [Fault("kill -9", f"{service} API") for service in others]
    for service, what in zip(others, ("worker lost", "worker sent"), strict=True):
        faults.append(Fault("kill -9 while publishing", f"{service} {what}"))
    faults.append(Fault("kill -9 while publishing", f"{turn[0]} API {random.choice(('lost', 'sent'))}"))
    faults.append(Fault("kill -9 while files are not written", random.choice(SERVICES), 3))
    faults.append(Fault("kill -9 while the database is silent", random.choice(SERVICES), 3))
    faults.append(Fault("freeze and wake a worker", SERVICES[number % len(SERVICES)], SESSION_SECONDS + 4))
    faults.append(Fault("restart one by one"))
    for server in ("broker", "database"):
        faults.append(Fault("stop", server, 60 if server == long_outage else 15))
        if server == "database" or apache:
            faults.append(Fault("kill -9 of the server", server))
        if server in disks:
            faults.append(Fault("fill the disk", server, 8))
        faults.append(Fault("cut connections", server))
        faults.append(Fault("black hole", server, 20 if server == long_outage else 8))
        faults.append(Fault("slow connections", server, 8))
    random.shuffle(faults)
    return faults


def short_plan(random: Random, *, apache: bool) -> list[Fault]:
    """Each kind that needs no waiting, once."""
    worker, api, relay, silent, unwritten = (random.choice(SERVICES) for _ in range(5))
    faults = [
        Fault("kill -9", f"{worker} worker"),
        Fault("kill -9", f"{api} API"),
        Fault("kill -9 while publishing", f"{relay} worker sent"),
        Fault("kill -9 while files are not written", unwritten, 3),
        Fault("kill -9 while the database is silent", silent, 3),
        Fault("kill -9 of the server", "database"),
        *([Fault("kill -9 of the server", "broker")] if apache else []),
        Fault("cut connections", "broker"),
        Fault("cut connections", "database"),
        Fault("black hole", "database", 2),
    ]
    random.shuffle(faults)
    return faults
