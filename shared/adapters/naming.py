"""How topics and groups of the catalogue are called on a broker: as they are, unless told otherwise."""

from collections.abc import Callable, Iterable

Naming = Callable[[str], str]
"""From the catalogue's name to the broker's. Tests use it to keep out of each other's way."""


def as_they_are(name: str) -> str:
    """The catalogue's names."""
    return name


class Names:
    """Both directions of a naming, for the topics that an adapter is concerned with."""

    def __init__(self, naming: Naming, topics: Iterable[str]) -> None:
        self._there = {topic: naming(topic) for topic in topics}
        self._back = {theirs: ours for ours, theirs in self._there.items()}

    @property
    def ours(self) -> tuple[str, ...]:
        """The catalogue's names."""
        return tuple(self._there)

    @property
    def theirs(self) -> tuple[str, ...]:
        """The broker's names."""
        return tuple(self._there.values())

    def on_broker(self, topic: str) -> str:
        """The broker's name of a topic."""
        return self._there[topic]

    def in_catalogue(self, name: str) -> str:
        """The catalogue's name of a topic."""
        return self._back[name]
