"""The kinds of file: an order's, a buyer's day, and a report of a shop's day; all begin blank."""

from collections.abc import Callable, Sequence
from typing import Annotated, Final, Literal, TypeVar

from pydantic import Field

from services.notifications.state.conversation import Line, OpenLine, Unanswered, Waiting
from services.notifications.state.knowledge import Contact, ContactUnknown, Knowledge, Parcel
from services.notifications.state.messages import Dropped, EndedMessage, Message, OpenMessage, Sent
from services.notifications.state.reports import ReportDay
from services.notifications.state.tasks import AnyTask, ClaimedTask, LiveTask, OpenTask, Task
from shared.contracts.base import Frozen, Id, Name, Utc
from shared.contracts.events.notifications import MergedReminder

ENDED_MESSAGES_KEPT: Final = 300
"""A message that ended longer ago than this many others could be told again."""
ENDED_TASKS_KEPT: Final = 200
ANSWERED_LINES_KEPT: Final = 100
CARRIERS_KEPT: Final = 20
OPEN_LINES_MAX: Final = 200
"""How many of a buyer's messages may wait for an answer at once."""
PARCELS_KEPT: Final = 200
CASES_KEPT: Final = 200

Item = TypeVar("Item")


def put(items: tuple[Item, ...], changed: Item, is_same: Callable[[Item], bool]) -> tuple[Item, ...]:
    """The items with `changed` in the place of its former self, or at the end."""
    if any(is_same(each) for each in items):
        return tuple(changed if is_same(each) else each for each in items)
    return (*items, changed)


def newest(items: Sequence[Item], is_limited: Callable[[Item], bool], most: int) -> tuple[Item, ...]:
    """The items without the oldest of the limited ones, where there are more than `most` of those."""
    excess = sum(1 for each in items if is_limited(each)) - most
    if excess <= 0:
        return tuple(items)
    kept: list[Item] = []
    for each in items:
        if excess > 0 and is_limited(each):
            excess -= 1
        else:
            kept.append(each)
    return tuple(kept)


class Blank(Frozen):
    """Nothing is known yet."""

    stage: Literal["blank"] = "blank"


class Reserved(Frozen):
    """Room for one message."""

    order_id: Id
    message_id: Id


class Gathered(Frozen):
    """A reminder that waits for others of the same buyer."""

    reminder: MergedReminder
    template: Name


class Carrier(Frozen):
    """A message and the reminders of other orders that it takes along."""

    message_id: Id
    others: tuple[Gathered, ...]


class Swept(Frozen):
    """When the daily sweep looks at the order next, and how often it did since the order moved."""

    at: Utc | None = None
    times: int = 0


class Reminded(Frozen):
    """The last reminder of the order's payment."""

    stage: Name
    at: Utc


class BuyerDay(Frozen):
    """One buyer of one shop on one local day."""

    stage: Literal["day"] = "day"
    allowed: tuple[Reserved, ...] = ()
    gathering: tuple[Gathered, ...] = ()
    """Reminders that wait for others of the same buyer, oldest first."""
    carriers: tuple[Carrier, ...] = ()
    """Messages that were let go with others' reminders on board, oldest first."""

    def carrier(self, message_id: str) -> Carrier | None:
        """The message that was let go with others on board, if it was."""
        return next((each for each in self.carriers if each.message_id == message_id), None)


class OrderFile(Frozen):
    """One order: what is known of it, messages, conversation and tasks."""

    stage: Literal["order"] = "order"
    order_id: Id
    knows: Knowledge = Knowledge()
    contact: Contact = ContactUnknown()
    messages: tuple[Message, ...] = ()
    conversation: tuple[Line, ...] = ()
    tasks: tuple[Task, ...] = ()
    reminded: Reminded | None = None
    swept: Swept = Swept()

    def message(self, message_id: str) -> OpenMessage | EndedMessage | None:
        """The message of that id, if it is known."""
        return next((each for each in self.messages if each.message_id == message_id), None)

    def open_message(self, message_id: str) -> OpenMessage | None:
        """The message of that id, if it is on its way."""
        found = self.message(message_id)
        return None if isinstance(found, (Sent, Dropped)) else found

    def task(self, task_id: str) -> AnyTask | None:
        """The task of that id, if it is known."""
        return next((each for each in self.tasks if each.task_id == task_id), None)

    def live_task(self, task_id: str) -> LiveTask | None:
        """The task of that id, if it has not ended."""
        found = self.task(task_id)
        return found if isinstance(found, (OpenTask, ClaimedTask)) else None

    @property
    def live_tasks(self) -> tuple[LiveTask, ...]:
        """The tasks that have not ended, oldest first."""
        return tuple(each for each in self.tasks if isinstance(each, (OpenTask, ClaimedTask)))

    @property
    def open_lines(self) -> tuple[OpenLine, ...]:
        """What the buyer wrote and nobody has answered, oldest first."""
        return tuple(each for each in self.conversation if isinstance(each, (Waiting, Unanswered)))

    def parcel(self, parcel_id: str) -> Parcel | None:
        """The parcel of that id, if it is known."""
        return next((each for each in self.knows.parcels if each.parcel_id == parcel_id), None)

    def with_message(self, changed: OpenMessage | EndedMessage) -> "OrderFile":
        """The file with that message in its present stage."""
        messages = put(self.messages, changed, lambda each: each.message_id == changed.message_id)
        kept = newest(messages, lambda each: isinstance(each, (Sent, Dropped)), ENDED_MESSAGES_KEPT)
        return self.model_copy(update={"messages": kept})

    def with_task(self, changed: AnyTask) -> "OrderFile":
        """The file with that task in its present stage."""
        tasks = put(self.tasks, changed, lambda each: each.task_id == changed.task_id)
        kept = newest(tasks, lambda each: not isinstance(each, (OpenTask, ClaimedTask)), ENDED_TASKS_KEPT)
        return self.model_copy(update={"tasks": kept})

    def with_lines(self, lines: Sequence[Line]) -> "OrderFile":
        """The file with this conversation."""
        kept = newest(lines, lambda each: not isinstance(each, (Waiting, Unanswered)), ANSWERED_LINES_KEPT)
        return self.model_copy(update={"conversation": kept})


State = Annotated[Blank | BuyerDay | ReportDay | OrderFile, Field(discriminator="stage")]
AnyFile = Blank | BuyerDay | ReportDay | OrderFile
