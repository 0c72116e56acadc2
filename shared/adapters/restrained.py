"""A publisher that writes to some topics only. What it leaves stays pending, for one that may."""

from collections.abc import Collection, Sequence

from shared.runtime.ports import Outgoing, Publisher


class Restrained:
    """A publisher in front of another one, which is not even connected for what is not to be written."""

    def __init__(self, publisher: Publisher, topics: Collection[str]) -> None:
        self._publisher = publisher
        self._topics = frozenset(topics)

    async def start(self) -> None:
        """Nothing: the other one connects when it is needed."""

    async def publish(self, records: Sequence[Outgoing]) -> list[bool]:
        """Write what is for these topics; the rest is not acknowledged, at once."""
        allowed = [record for record in records if record.topic in self._topics]
        answers = iter(await self._publisher.publish(allowed) if allowed else ())
        return [next(answers) if record.topic in self._topics else False for record in records]

    async def close(self) -> None:
        """Flush and let connections go."""
        await self._publisher.close()
