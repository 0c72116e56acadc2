"""Traces: the port that takes spans, and what is going on in this task.

A trace travels as a W3C `traceparent`: with a request, in the event and beside it, with a timer and an
effect in their file. It is passed on also where nobody takes spans, so that a trace that began
elsewhere is whole. A span that is never ended is never told: what a lost commit began leaves none.
"""

import re
from contextvars import ContextVar
from typing import Final, Protocol

_TRACEPARENT: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
HERE: Final[ContextVar[str | None]] = ContextVar("traceparent", default=None)
"""The traceparent of what this task does: a request, an effect."""


def plain_traceparent(text: str | None) -> str | None:
    """The text if it is a traceparent as W3C's Trace Context has it, version 00; None otherwise."""
    return text if text is not None and _TRACEPARENT.fullmatch(text) else None


def trace_id() -> str | None:
    """The trace that this task belongs to."""
    here = HERE.get()
    return None if here is None else here[3:35]


class Span(Protocol):
    """One thing that is done, from its beginning to its end."""

    @property
    def traceparent(self) -> str | None:
        """What is to be given to whatever follows from it."""
        ...

    def link(self, traceparent: str | None) -> None:
        """It has to do with another trace: what set a timer off."""
        ...

    def rename(self, name: str) -> None:
        """What it is called, where that is known late."""
        ...

    def note(self, **told: str | int | bool) -> None:
        """What else is known of it. No personal data."""
        ...

    def end(self) -> None:
        """It is done, and may be told."""
        ...


class Traces(Protocol):
    """Where spans go."""

    @property
    def on(self) -> bool:
        """Whether anybody takes them. Who makes one for every event asks first."""
        ...

    def begin(self, name: str, parent: str | None, **told: str | int | bool) -> Span:
        """A span as part of the parent's trace, or the first of a new one."""
        ...


class PassingOn:
    """No span: what follows is given what came."""

    __slots__ = ("traceparent",)

    def __init__(self, traceparent: str | None) -> None:
        self.traceparent = traceparent

    def link(self, traceparent: str | None) -> None:
        """Nothing."""

    def rename(self, name: str) -> None:
        """Nothing."""

    def note(self, **told: str | int | bool) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


class NoTraces:
    """Takes no spans, and passes on what came."""

    on = False

    def begin(self, name: str, parent: str | None, **told: str | int | bool) -> Span:
        """Nothing begins."""
        return PassingOn(parent)


NO_TRACES: Final = NoTraces()
