"""One JSON Schema for each event and version: the whole CloudEvents record, not only its data.

Schemas allow fields they do not name, on every level, and values of the data that they do not know
(`x-known-values` lists those of today): a version grows by both, and a subscriber that checks records
against an older schema must not stumble over them.
"""

from typing import Any, Final

from pydantic import JsonValue

from shared.contracts import events
from shared.contracts.event import SOURCE_PREFIX, TYPE_PREFIX, Payload, payloads
from shared.contracts.examples import sources_of

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def published() -> list[type[Payload]]:
    """Every payload of Orderlink's own, in order of name and version; tests may register others."""
    return [cls for _, cls in sorted(payloads().items()) if cls.__module__.startswith(events.__name__)]


def event_type(cls: type[Payload]) -> str:
    """The CloudEvents type of a payload class."""
    return f"{TYPE_PREFIX}{cls.name}.v{cls.version}"


def event_file(cls: type[Payload]) -> str:
    """The name under which an event's schema and example are kept."""
    return f"{cls.name}.v{cls.version}.json"


def event_schema(cls: type[Payload]) -> Schema:
    """The JSON Schema of one event as it stands on the log."""
    data: Schema = _opened(cls.model_json_schema(mode="serialization"))
    definitions = data.pop("$defs", {})
    data.pop("title", None)
    schema: Schema = {
        "$schema": DIALECT,
        "title": event_type(cls),
        "description": data.pop("description", ""),
        "type": "object",
        "required": [
            "specversion",
            "id",
            "source",
            "type",
            "subject",
            "time",
            "datacontenttype",
            "sequence",
            "correlationid",
            "causationid",
            "data",
        ],
        "properties": {**_envelope(cls), "data": data},
    }
    if definitions:
        schema["$defs"] = definitions
    return schema


def _envelope(cls: type[Payload]) -> Schema:
    return {
        "specversion": {"const": "1.0"},
        "id": {
            "type": "string",
            "maxLength": 256,
            "description": "`<source>/<subject>/<sequence>`; the same event always has the same id.",
        },
        "source": {
            "type": "string",
            "pattern": f"^{SOURCE_PREFIX}[a-z-]+$",
            "x-known-values": [SOURCE_PREFIX + source for source in sources_of(cls)],
            "description": "The service that says it.",
        },
        "type": {"const": event_type(cls)},
        "subject": {
            "type": "string",
            "minLength": 1,
            "maxLength": 128,
            "description": "What the event is about, nearly always an order id. It is the record's key too.",
        },
        "time": {
            "type": "string",
            "format": "date-time",
            "description": "When it happened, by the fact or timer that it follows from, in UTC.",
        },
        "datacontenttype": {"const": "application/json"},
        "sequence": {
            "type": "string",
            "pattern": "^[1-9][0-9]*$",
            "description": "The subject's running number on this topic; what is not higher is a repetition.",
        },
        "correlationid": {
            "type": "string",
            "description": "The fact or command at the start of the chain.",
        },
        "causationid": {
            "type": "string",
            "description": "The fact, command, event or timer directly before.",
        },
        "shopid": {"type": "string", "description": "The shop that the order belongs to."},
        "rule": {"type": "string", "description": "The id of the rule that spoke."},
        "profile": {"type": "string", "description": "The profile that was in force, as `id@version`."},
        "overrides": {
            "type": "string",
            "description": "What the shop overrode in that profile when the order was placed: a JSON object.",
        },
        "traceparent": {"type": "string", "description": "The W3C trace context, if there is one."},
    }


def _opened(node: JsonValue) -> Any:
    """The same schema, open to fields and values that a later version of Orderlink adds."""
    if isinstance(node, list):
        return [_opened(item) for item in node]
    if not isinstance(node, dict):
        return node
    opened = {
        key: _opened_fields(value) if key in {"properties", "$defs"} else _opened(value)
        for key, value in node.items()
        if not (key == "additionalProperties" and value is False)
    }
    if "enum" in opened:
        opened["x-known-values"] = opened.pop("enum")
    return opened


def _opened_fields(fields: JsonValue) -> Any:
    """The same fields, without the titles that only repeat their names."""
    if not isinstance(fields, dict):
        return fields
    opened = {name: _opened(field) for name, field in fields.items()}
    for field in opened.values():
        field.pop("title", None)
    return opened
