"""The event: a CloudEvents 1.0 envelope around one payload, and the register of payload types.

An event is said by one file of one service, numbered 1, 2, 3 … per topic. Its id is
`<service>/<subject>/<sequence>`, so that saying it again is seen to be a repetition.
"""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Final, TypeVar

from pydantic import Field

from shared.contracts.base import Frozen, Id, Utc

TYPE_PREFIX: Final = "orderlink."
SOURCE_PREFIX: Final = "/orderlink/"
SOURCE_PATTERN: Final = r"^[a-z]+(-[a-z]+)*$"
SEQUENCE_MAX: Final = 2**53
"""More events than a file can say in a thousand years, and still exact in every JSON reader."""
EventId = Annotated[str, Field(min_length=1, max_length=256)]


class Payload(Frozen):
    """What an event says. Subclasses are registered by `says`."""

    name: ClassVar[str]
    """The event's name, such as `order.placed`."""
    version: ClassVar[int] = 1
    service: ClassVar[str]
    """Who may say it; `any` for the payloads that all services share."""


class Event(Frozen):
    """One thing that happened, with who said it, about what, when, and why."""

    id: EventId
    source: Annotated[str, Field(pattern=SOURCE_PATTERN)]
    """The saying service, such as `orders`."""
    name: str
    """Such as `order.placed`."""
    version: int = 1
    subject: Id
    """The file that said it: nearly always an order id."""
    time: Utc
    """When it happened, by the fact or timer that it follows from."""
    sequence: int = Field(ge=1, le=SEQUENCE_MAX)
    """The subject's running number on this topic."""
    correlation_id: str
    """The fact or command at the start of the chain."""
    causation_id: str
    """The fact, command, event or timer directly before."""
    shop_id: str | None = None
    rule: str | None = None
    """The id of the rule that spoke."""
    profile: str | None = None
    """The profile that was in force, as `id@version`: for an order, the one under which it was placed."""
    overrides: str | None = None
    """What the shop overrode in it when the order was placed, as a JSON object; None where nothing was
    pinned: of files that are no order's."""
    traceparent: str | None = None
    data: Payload

    @property
    def type(self) -> str:
        """The CloudEvents type, such as `orderlink.order.placed.v1`."""
        return f"{TYPE_PREFIX}{self.name}.v{self.version}"


class UnknownEventType(ValueError):
    """A well-formed event whose type this version does not know. Readers skip it."""


class LaterVersion(UnknownEventType):
    """An event that this release knows, in a version that it does not read: a later release wrote it.

    Who acts on the event must not skip it; who only looks may.
    """


class MalformedEvent(ValueError):
    """A record that is not an event at all, or whose payload does not fit its type."""


_PAYLOADS: Final[dict[tuple[str, int], type[Payload]]] = {}


_P = TypeVar("_P", bound=Payload)


def says(name: str, service: str, version: int = 1) -> Callable[[type[_P]], type[_P]]:
    """Register a payload class under its event name, its saying service and its version."""

    def register(cls: type[_P]) -> type[_P]:
        if (name, version) in _PAYLOADS:
            raise ValueError(f"{name} version {version} is registered twice")
        cls.name, cls.service, cls.version = name, service, version
        _PAYLOADS[(name, version)] = cls
        return cls

    return register


def payloads() -> dict[tuple[str, int], type[Payload]]:
    """All registered payload classes by name and version."""
    return dict(_PAYLOADS)


def event_id(service: str, subject: str, sequence: int) -> str:
    """The deterministic id of a file's n-th event."""
    return f"{service}/{subject}/{sequence}"


def to_cloudevent(event: Event) -> dict[str, Any]:
    """The structured-mode CloudEvents JSON object of an event."""
    raw: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.id,
        "source": SOURCE_PREFIX + event.source,
        "type": event.type,
        "subject": event.subject,
        "time": event.time.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "sequence": str(event.sequence),
        "correlationid": event.correlation_id,
        "causationid": event.causation_id,
    }
    others = {
        "shopid": event.shop_id,
        "rule": event.rule,
        "profile": event.profile,
        "overrides": event.overrides,
        "traceparent": event.traceparent,
    }
    raw |= {name: value for name, value in others.items() if value is not None}
    raw["data"] = event.data.model_dump(mode="json")
    return raw


def from_cloudevent(raw: dict[str, Any]) -> Event:
    """Read a structured-mode CloudEvents object.

    Raises `UnknownEventType` for a type of a later version of Orderlink, `LaterVersion` for a later
    version of a type that is known, and `MalformedEvent` (with the field in its text) for anything
    that is not an event of ours.
    """
    try:
        type_text = raw["type"]
        bare, _, version_text = type_text.removeprefix(TYPE_PREFIX).rpartition(".v")
        version = int(version_text)
        cls = _PAYLOADS.get((bare, version))
        if not type_text.startswith(TYPE_PREFIX):
            raise MalformedEvent(f"type: expected one that starts with {TYPE_PREFIX!r}, got {type_text!r}")
        if cls is None:
            known = [each for name, each in _PAYLOADS if name == bare]
            if known:
                raise LaterVersion(f"{bare} version {version}: this release reads up to {max(known)}")
            raise UnknownEventType(type_text)
        return Event(
            id=raw["id"],
            source=raw["source"].removeprefix(SOURCE_PREFIX),
            name=bare,
            version=version,
            subject=raw["subject"],
            time=raw["time"],
            sequence=int(raw["sequence"]),
            correlation_id=raw["correlationid"],
            causation_id=raw["causationid"],
            shop_id=raw.get("shopid"),
            rule=raw.get("rule"),
            profile=raw.get("profile"),
            overrides=raw.get("overrides"),
            traceparent=raw.get("traceparent"),
            # A later version may have added fields, inside lines and receivers too.
            data=cls.model_validate(raw["data"], extra="ignore"),
        )
    except (UnknownEventType, MalformedEvent):
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise MalformedEvent(f"{type(problem).__name__}: {problem}") from problem
