"""Playing a timeline in memory, for tests: the counts in all, and order by order."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from shared.adapters.profile_files import load_profiles
from shared.cli.agents import Agents
from shared.cli.counts import count_names
from shared.cli.loading import load_services
from shared.cli.simulation import Played, Simulation
from shared.cli.stage import clients_of
from shared.cli.timeline import instants, measure
from shared.contracts.event import Event

ONLY_WHERE_SET: Final = frozenset(
    (
        *("call_about_payment", "work_incident", "chase_claim"),
        *("answer_enquiry", "follow_up_enquiry", "answer_urge", "merge_freight"),
    )
)
"""Tasks that a shop with other settings than the default ones brings, or somebody's command, and the
one about a claim, whose answers are in the timeline of such a shop."""
CARRIED: Final = Path(__file__).with_name("carried.jsonl")
"""The timeline of a shop that has such settings."""


@dataclass(slots=True)
class Seen:
    """What a run said, by the order it was about."""

    orders: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def see(self, event: Event) -> None:
        """Count one event for its order."""
        self.orders[event.subject].update(count_names(event))


def play(path: Path, shops: Path | None = None) -> tuple[Played, Seen]:
    """Run the timeline under a virtual clock until no timer is left; `shops` are those that there are."""
    seen = Seen()
    return play_into(path, seen.see, shops), seen


def play_into(path: Path, see: Callable[[Event], None], shops: Path | None = None) -> Played:
    """The same, with somebody who sees every event."""
    profile_of = load_profiles(shops_file=shops).of

    async def run() -> Played:
        simulation = Simulation(load_services(), profile_of, measure(path).first, see)
        simulation.players = Agents(clients_of(simulation.desks))
        return await simulation.play(instants(path))

    return asyncio.run(run())
