"""What the buyer wrote and what he was answered. The texts are here and in no event."""

from collections.abc import Collection
from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import Frozen, Id, Name, Text, Utc


class _FromBuyer(Frozen):
    message_id: Id
    at: Utc
    channel: Name
    text: Text


class Waiting(_FromBuyer):
    """Nobody has answered yet; the first-response clock runs."""

    stage: Literal["waiting"] = "waiting"


class Unanswered(_FromBuyer):
    """Nobody answered in time; a task has it."""

    stage: Literal["unanswered"] = "unanswered"
    task_id: Id


class Answered(_FromBuyer):
    """Somebody answered it, or decided that no answer is needed."""

    stage: Literal["answered"] = "answered"
    by: Name


class FromAgent(Frozen):
    """What an agent answered. Its way to the buyer is the message of the same id."""

    stage: Literal["from_agent"] = "from_agent"
    message_id: Id
    at: Utc
    agent_id: Id
    text: Text


OpenLine = Waiting | Unanswered
Line = Annotated[Waiting | Unanswered | Answered | FromAgent, Field(discriminator="stage")]


def unanswered(line: Line, message_id: str, task_id: str) -> Line:
    """The line after nobody answered that message in time."""
    if not isinstance(line, Waiting) or line.message_id != message_id:
        return line
    return Unanswered(
        message_id=message_id, at=line.at, channel=line.channel, text=line.text, task_id=task_id
    )


def answered(line: Line, message_ids: Collection[str], by: str) -> Line:
    """The line after somebody answered these messages."""
    if not isinstance(line, Waiting | Unanswered) or line.message_id not in message_ids:
        return line
    return Answered(message_id=line.message_id, at=line.at, channel=line.channel, text=line.text, by=by)
