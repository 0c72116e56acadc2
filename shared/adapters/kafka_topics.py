"""How topics stand on the broker beside what the catalogue wants of them: every difference, and its mending.

Somebody else may have made a topic, or changed it: with a retention that forgets events, compacted,
with a single copy in sync. Nothing fails then, until what was promised to be kept is gone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any, Final

import kafka.admin

from shared.adapters.kafka_admin import REQUEST_SECONDS, RETRY_SECONDS, KafkaAdmin, topic_configuration
from shared.contracts.catalog import TOPICS, Topic
from shared.runtime.ports import Unavailable
from shared.runtime.slots import check_partition_count

_ADMIN: Final[Any] = kafka.admin  # kafka-python has no types
PARTITIONS: Final = "partitions"
IN_SYNC: Final = "min.insync.replicas"
RECORD_SIZE: Final = "max.message.bytes"


@dataclass(frozen=True, slots=True)
class Standing:
    """One topic as it is on the broker."""

    partitions: int
    copies: int
    """Of each partition; the fewest that any has."""
    settings: Mapping[str, str]
    """Those that the catalogue speaks of, with the broker's defaults where the topic says nothing."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the catalogue wants it."""

    topic: str
    setting: str
    found: str
    wanted: str

    @property
    def told(self) -> str:
        """For people."""
        if self.setting == PARTITIONS:
            return f"{self.topic} has {self.found} partitions, expected {self.wanted}"
        return f"{self.topic} has {self.setting}={self.found}, expected {self.wanted}"


class KafkaTopics(KafkaAdmin):
    """Looks at the catalogue's topics whole, and gives them its settings."""

    async def standing(self) -> dict[str, Standing]:
        """The catalogue's topics that are there, and how. It takes DescribeConfigs. Raises `Unavailable`."""
        return await self._ask(self._standing)

    async def settle(self, differences: Sequence[Difference]) -> None:
        """Give topics the settings in which they differ. It takes AlterConfigs. Raises `Unavailable`."""
        wanted: dict[str, dict[str, str]] = {}
        for each in differences:
            if each.setting != PARTITIONS:
                wanted.setdefault(each.topic, {})[each.setting] = each.wanted
        await self._ask(self._settle, wanted)

    def _standing(self, client: Any) -> dict[str, Standing]:
        ours = {self._names.on_broker(topic.name): topic for topic in TOPICS}
        there = [each for each in client.describe_topics() if each["name"] in ours]
        if not there:
            return {}
        asked = [_resource(each["name"], topic_configuration(ours[each["name"]], 1)) for each in there]
        told = client.describe_configs(asked, config_filter="all")["topic"]
        return {
            ours[each["name"]].name: Standing(
                len(each["partitions"]),
                min(len(partition["replica_nodes"]) for partition in each["partitions"]),
                {name: str(setting["value"]) for name, setting in told[each["name"]].items()},
            )
            for each in there
        }

    def _settle(self, client: Any, wanted: Mapping[str, Mapping[str, str]]) -> None:
        client.alter_configs(
            [_resource(self._names.on_broker(topic), settings) for topic, settings in wanted.items()]
        )
        # What one broker was told the others hear of a moment later.
        until = monotonic() + REQUEST_SECONDS
        while not _are_settled(self._standing(client), wanted):
            if monotonic() > until:
                raise Unavailable(f"broker: it did not take the settings of {', '.join(wanted)}")
            sleep(RETRY_SECONDS)


def differences(there: Mapping[str, Standing], partitions: int) -> list[Difference]:
    """What is not as the catalogue wants it, topic by topic; a topic that is missing is no difference.

    Raises `ValueError` for a count that no installation may have.
    """
    check_partition_count(partitions)
    return [
        found
        for topic in TOPICS
        if topic.name in there
        for found in _of(topic, there[topic.name], partitions if topic.co_partitioned else 1)
    ]


def _of(topic: Topic, it: Standing, partitions: int) -> list[Difference]:
    found = [Difference(topic.name, PARTITIONS, str(it.partitions), str(partitions))]
    found += [
        Difference(topic.name, name, it.settings.get(name, "nothing"), wanted)
        for name, wanted in topic_configuration(topic, it.copies).items()
    ]
    return [each for each in found if not _is_fine(each, it)]


def _is_fine(difference: Difference, it: Standing) -> bool:
    """More is as good for two of them: records that may be larger, and more copies in sync, if there are."""
    found, wanted = difference.found, difference.wanted
    if difference.setting in (RECORD_SIZE, IN_SYNC) and found.isdecimal():
        most = it.copies if difference.setting == IN_SYNC else int(found)
        return int(wanted) <= int(found) <= most
    return found == wanted


def _are_settled(there: Mapping[str, Standing], wanted: Mapping[str, Mapping[str, str]]) -> bool:
    return all(settings.items() <= there[topic].settings.items() for topic, settings in wanted.items())


def _resource(topic: str, settings: Mapping[str, str]) -> Any:
    return _ADMIN.ConfigResource(_ADMIN.ConfigResourceType.TOPIC, topic, dict(settings))
