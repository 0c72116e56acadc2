"""What our user may do on the broker, held against what the catalogue says that a service needs.

A broker says what it allows only to who asks. Without asking, a service that may not write would
find out by its first event, long after everybody took its start for a success.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from kafka.errors import TopicAuthorizationFailedError

from shared.adapters.kafka_admin import KafkaAdmin
from shared.adapters.kafka_broker import Broker
from shared.contracts.access import Operation, Right
from shared.runtime.ports import NotLetIn

_FORBIDDEN: Final[int] = TopicAuthorizationFailedError.errno
_KAFKAS: Final[Mapping[Operation, str]] = {
    "Alter": "ALTER",
    "AlterConfigs": "ALTER_CONFIGS",
    "Create": "CREATE",
    "Describe": "DESCRIBE",
    "DescribeConfigs": "DESCRIBE_CONFIGS",
    "Read": "READ",
    "Write": "WRITE",
}
"""Our words for operations, and Kafka's."""


class KafkaRights(KafkaAdmin):
    """Asks what this user may do."""

    async def missing(self, rights: Sequence[Right]) -> list[str]:
        """The rights on topics that this user lacks, such as `Write on orders.v1`. Raises `Unavailable`.

        Topics that are not there, and brokers that tell nobody's rights, are passed over.
        """
        return await self._ask(self._missing, [right for right in rights if right.resource == "topic"])

    def _missing(self, client: Any, rights: Sequence[Right]) -> list[str]:
        told = client.describe_topics([self._names.on_broker(right.name) for right in rights])
        there = {each["name"]: each for each in told}
        return [
            f"{operation} on {right.name}"
            for right in rights
            for operation in _lacking(there[self._names.on_broker(right.name)], right)
        ]


async def check_rights(broker: Broker, rights: Sequence[Right]) -> None:
    """Return when the user has all of these rights on topics.

    Raises `NotLetIn` where he lacks one, or is not let in at all, and `Unavailable` when the broker is away.
    """
    missing = await KafkaRights(broker).missing(rights)
    if missing:
        who = "this user" if broker.username is None else f"user {broker.username!r}"
        raise NotLetIn(
            f"broker: {who} lacks rights: {', '.join(missing)} (KAFKA_SASL_USERNAME or the certificate; "
            "docs/security.md says which he needs)"
        )


def _lacking(topic: Mapping[str, Any], right: Right) -> list[str]:
    if topic["error_code"] == _FORBIDDEN:
        return list(right.operations)
    allowed = topic["authorized_operations"]
    if topic["error_code"] or allowed is None:
        return []
    return [each for each in right.operations if _KAFKAS[each] not in allowed]
