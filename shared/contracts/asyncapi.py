"""The AsyncAPI 3 document of the system: topics, who says and hears what, and each event's schema."""

from typing import Any, Final

from shared.contracts.catalog import HEARS, SERVICES, TOMBSTONES_KEPT_MS, TOPICS, Topic
from shared.contracts.event import Payload, to_cloudevent
from shared.contracts.examples import example_of, sources_of, topics_of
from shared.contracts.schemas import event_file, event_type, published

ASYNCAPI: Final = "3.0.0"
MEDIA_TYPE: Final = "application/cloudevents+json"
KAFKA_BINDING: Final = "0.5.0"

Part = dict[str, Any]


def document(version: str, schemas_at: str) -> Part:
    """The whole document; `schemas_at` is the folder of the schema files, relative to it."""
    classes = published()
    topics = [topic for topic in TOPICS if topic.co_partitioned]
    return {
        "asyncapi": ASYNCAPI,
        "info": {
            "title": "Orderlink",
            "version": version,
            "description": (
                "What four services say about orders, parcels, cases, messages and tasks. Every record is "
                "a CloudEvent in structured mode; its key is the subject, nearly always an order id. Records "
                "of one subject come in order and without gaps, numbered by `sequence`, and may come more "
                "than once: drop what is not higher than the last number taken of that source and subject. "
                "Personal data is on `contacts.v1` alone."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": MEDIA_TYPE,
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "description": "The installation's broker: KAFKA_BOOTSTRAP_SERVERS.",
                "variables": {"bootstrap": {"default": "127.0.0.1:9092"}},
            }
        },
        "channels": {topic.name: _channel(topic, classes) for topic in topics},
        "operations": _operations(topics, classes),
        "components": {"messages": {_key(cls): _message(cls, schemas_at) for cls in classes}},
    }


def _key(cls: type[Payload]) -> str:
    return f"{cls.name}.v{cls.version}"


def _channel(topic: Topic, classes: list[type[Payload]]) -> Part:
    kept = "compacted: the highest sequence of a key wins" if topic.compacted else "never compacted"
    personal = " Holds personal data." if topic.personal else ""
    return {
        "address": topic.name,
        "description": f"Owned by {topic.owner}; {kept}.{personal}",
        "messages": {
            _key(cls): {"$ref": f"#/components/messages/{_key(cls)}"}
            for cls in classes
            if topic.name in topics_of(cls)
        },
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "topicConfiguration": {
                    "cleanup.policy": ["compact" if topic.compacted else "delete"],
                    "retention.ms": topic.retention_ms,
                    **({"delete.retention.ms": TOMBSTONES_KEPT_MS} if topic.compacted else {}),
                },
                "bindingVersion": KAFKA_BINDING,
            }
        },
    }


def _operations(topics: list[Topic], classes: list[type[Payload]]) -> Part:
    operations: Part = {}
    for topic in topics:
        channel = {"$ref": f"#/channels/{topic.name}"}
        for writer in (topic.owner, *topic.also_written_by):
            said = [cls for cls in classes if topic.name in topics_of(cls) and _says(writer, cls)]
            operations[f"{writer}.says.{topic.name}"] = {
                "action": "send",
                "channel": channel,
                "summary": f"{writer} speaks on {topic.name}.",
                "messages": [{"$ref": f"#/channels/{topic.name}/messages/{_key(cls)}"} for cls in said],
            }
        for reader in (service for service in SERVICES if topic.name in HEARS[service]):
            operations[f"{reader}.hears.{topic.name}"] = {
                "action": "receive",
                "channel": channel,
                "summary": f"{reader} hears {topic.name}.",
            }
    return operations


def _says(service: str, cls: type[Payload]) -> bool:
    return any(source in {service, f"{service}-contacts"} for source in sources_of(cls))


def _message(cls: type[Payload], schemas_at: str) -> Part:
    record = to_cloudevent(example_of(cls))
    return {
        "name": event_type(cls),
        "title": cls.name,
        "summary": " ".join((cls.__doc__ or "").split()),
        "contentType": MEDIA_TYPE,
        "payload": {"$ref": f"{schemas_at}/{event_file(cls)}"},
        "headers": {
            "type": "object",
            "description": "The same as in the record, for whoever must not read it.",
            "properties": {
                "ce_source": {"type": "string"},
                "ce_subject": {"type": "string"},
                "ce_sequence": {"type": "string"},
            },
        },
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": "The subject; the partition follows by murmur2."},
                "bindingVersion": KAFKA_BINDING,
            }
        },
        "examples": [{"name": cls.name, "payload": record}],
    }
