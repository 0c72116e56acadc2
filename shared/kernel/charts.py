"""State charts as data: what a stage means, who acts in it and what happens at its deadline."""

from typing import Literal

from shared.contracts.base import Frozen, Id

Actor = Literal["buyer", "shop", "carrier", "platform", "orderlink", "nobody"]


class Stage(Frozen):
    """One stage of a document."""

    stage: Id
    meaning: str
    acts: Actor
    """Who is expected to act next."""
    final: bool = False
    money_moved: bool = False
    """Whether the buyer has his money back, or it was taken, by then."""
    deadline: str | None = None
    """The profile value that limits the stage."""
    at_deadline: str | None = None
    """The event that is said when the deadline comes."""
    leads_to: tuple[Id, ...] = ()


class Chart(Frozen):
    """All stages of one kind of document."""

    document: Id
    stages: tuple[Stage, ...]
