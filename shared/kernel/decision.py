"""What a rule answers: a decision made of values, or a refusal. Nothing here acts.

A rule is `decide(command, state, now, profile) -> Decision | Refused`. A decision lists what is
said (`events`), what the file learned and says to nobody (`notes`), which timers are set or
cancelled, which tasks and messages are wanted and which effects outside are due. The engine
applies the notes and events to the state with `evolve`, in that order: notes first.
"""

from hashlib import sha256
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field, JsonValue

from shared.contracts.base import Frozen, Id, Utc
from shared.contracts.event import Payload
from shared.contracts.events.common import MessageWanted, TaskRaised, TaskWanted, TaskWithdrawn


class Command(Frozen):
    """Something asked of a file. `at` is the moment that durations run from."""

    OUTSIDE: ClassVar[bool] = False
    """Whether it is a fact from outside, which is accepted even where it does not fit."""
    AT_ONCE: ClassVar[bool] = False
    """Whether it is taken in even while what asks it is parked behind something."""

    at: Utc


class TimerDue(Command):
    """A timer of the file has come. `at` equals `due_at`."""

    name: str
    """The timer's name, such as `stalled`."""
    key: str = ""
    """What it is about inside the file, such as a parcel id; empty for the file itself."""
    due_at: Utc


class EffectDue(Command):
    """An effect is about to be tried, perhaps long after it was wanted: a decision that recalls it ends it.

    Asked before each try of the kinds that `Service.rechecked` names. What is recalled here may have been
    tried before, and is forgotten: it can be wanted again under its id.
    """

    effect_id: Id
    kind: str


class EffectDone(Command):
    """An effect outside happened."""

    effect_id: Id
    kind: str
    result: dict[str, JsonValue] = Field(default_factory=dict)


class EffectFailed(Command):
    """An effect outside was refused for good, or failed as often as is allowed."""

    effect_id: Id
    kind: str
    reason: str


class EffectRecalled(Command):
    """The answer to a recall: whether the effect had not been begun, and so never will be."""

    effect_id: Id
    in_time: bool


class Note(Frozen):
    """Base of what a file learns without saying it. Each service's `state.py` has its own.

    Notes change state through `evolve`; they are not stored or published, so a view can't see them.
    """


class SetTimer(Frozen):
    """Set the timer, or move it if it is set."""

    name: str
    due_at: Utc
    key: str = ""


class CancelTimer(Frozen):
    """Cancel the timer if it is set."""

    name: str
    key: str = ""


TimerChange = SetTimer | CancelTimer


class Effect(Frozen):
    """Something to be done outside, once per id."""

    effect_id: Id
    """Deterministic; sent along as Idempotency-Key or Message-ID."""
    kind: Literal["mail", "refund"]
    request: dict[str, JsonValue]


class Contact(Frozen):
    """A record for the contacts topic."""

    payload: Payload | None
    """None erases what the topic has under the file's key: a tombstone."""


TaskChange = TaskWanted | TaskRaised | TaskWithdrawn


class Decision(Frozen):
    """A rule's yes. An empty one means: heard, nothing follows."""

    rule: str = ""
    """The id of the rule that spoke, for example `stall_levels`."""
    notes: tuple[Note, ...] = ()
    events: tuple[Payload, ...] = ()
    timers: tuple[TimerChange, ...] = ()
    tasks: tuple[TaskChange, ...] = ()
    messages: tuple[MessageWanted, ...] = ()
    effects: tuple[Effect, ...] = ()
    recalls: tuple[Id, ...] = ()
    """Effects that are not wanted any more; `EffectRecalled` says of each whether that was in time."""
    contacts: tuple[Contact, ...] = ()
    erases: bool = False
    """Whether the file forgets the buyer, from now on and for good: see `shared/kernel/erasure.py`."""
    result: dict[str, JsonValue] = Field(default_factory=dict)
    """What the asker over HTTP is told beside the new state."""

    def __add__(self, other: "Decision") -> "Decision":
        """Both, in order. The first rule that has a name keeps it."""
        return Decision(
            rule=self.rule or other.rule,
            notes=self.notes + other.notes,
            events=self.events + other.events,
            timers=self.timers + other.timers,
            tasks=self.tasks + other.tasks,
            messages=self.messages + other.messages,
            effects=self.effects + other.effects,
            recalls=self.recalls + other.recalls,
            contacts=self.contacts + other.contacts,
            erases=self.erases or other.erases,
            result={**self.result, **other.result},
        )


NOTHING: Final = Decision()
"""Heard; nothing follows."""

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]


class Refused(Frozen):
    """A rule's no. The slug is the problem type, the metric's label and the text's key.

    `early` is said of a fact that may fit later (paid before placed): the engine keeps it for
    `fact_wait` and tries it again whenever the file moves. `task` replaces the `look_into` task
    that a fact which does not fit opens otherwise.
    """

    slug: Slug
    detail: str
    early: bool = False
    missing: bool = False
    """Whether the thing asked about is not known (404 rather than 409)."""
    task: TaskWanted | None = None
    notes: tuple[Note, ...] = ()
    """What the file learns from a fact that did not fit."""


Outcome = Decision | Refused


def task_id(service: str, subject: str, kind: str, *parts: Any) -> str:
    """A deterministic, URL-safe task id: the kind and a digest of what the task is about."""
    about = "\x1f".join((service, subject, kind, *(str(part) for part in parts)))
    return f"{kind}-{sha256(about.encode()).hexdigest()[:16]}"
