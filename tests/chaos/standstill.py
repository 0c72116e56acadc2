"""How long partitions stand still, seen from outside: between two moves of a group's committed position."""

from collections import defaultdict
from dataclasses import dataclass, field

from tests.chaos.onlooker import Look


@dataclass
class StandStill:
    """For one service: the longest time for which each partition had records and its position did not move.

    Positions are committed every half second and looked at several times a second, so less than about
    one second is moving.
    """

    service: str
    phase: str = ""
    longest_seconds: dict[str, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    """By phase and partition, the longest over all topics that the service hears."""
    moved: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """By phase, how many records were taken in."""
    _since: dict[tuple[str, int], tuple[int, float]] = field(
        default_factory=dict[tuple[str, int], tuple[int, float]]
    )

    def __call__(self, look: Look) -> None:
        """Take one look into account."""
        for (service, topic, number), position in look.positions.items():
            if service != self.service:
                continue
            before, since = self._since.get((topic, number), (position, look.at))
            self.moved[self.phase] += max(0, position - before)
            longest = self.longest_seconds[self.phase]
            longest[number] = max(longest.get(number, 0.0), look.at - since)
            if position != before or not look.lag(service, (topic, number)):
                self._since[topic, number] = (position, look.at)
            else:
                self._since[topic, number] = (position, since)
