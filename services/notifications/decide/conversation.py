"""The conversation with the buyer: the first-response clock, the task it ends in, and answers."""

from typing import Final

from services.notifications.commands import CompleteTask, ReplyToBuyer
from services.notifications.decide import messages
from services.notifications.decide.occasion import SERVICE, Occasion
from services.notifications.decide.tasks import close
from services.notifications.state import OrderFile
from services.notifications.state.conversation import FromAgent, Waiting
from services.notifications.state.files import OPEN_LINES_MAX
from services.notifications.state.knowledge import ContactErased
from services.notifications.state.messages import Due
from services.notifications.state.notes import AgentWrote, BuyerWrote
from services.notifications.state.tasks import ClaimedTask, LiveTask, lines_of
from shared.contracts.base import Strict
from shared.contracts.event import Payload
from shared.contracts.events.notifications import (
    MessageAnswered,
    MessageReceived,
    MessageUnanswered,
    TaskCreated,
)
from shared.contracts.facts import BuyerMessage
from shared.contracts.tasks import WithText
from shared.kernel.decision import (
    NOTHING,
    CancelTimer,
    Decision,
    Outcome,
    Refused,
    SetTimer,
    TimerDue,
    task_id,
)
from shared.kernel.erasure import ORDER_ERASED
from shared.kernel.erasure import RULE as ERASURE

FIRST_RESPONSE: Final = "first_response"
RULE: Final = "first_response_within"


def received(fact: BuyerMessage, file: OrderFile, occasion: Occasion) -> Outcome:
    """Rule `first_response_within`: the buyer wrote and the clock runs, whoever the order belongs to."""
    if any(line.message_id == fact.id for line in file.conversation):
        return NOTHING
    if isinstance(file.contact, ContactErased):
        return ORDER_ERASED
    if len(file.open_lines) >= OPEN_LINES_MAX:
        return Refused(
            slug="too-many-waiting",
            detail=f"{OPEN_LINES_MAX} messages of this buyer wait for an answer already.",
        )
    line = Waiting(message_id=fact.id, at=fact.at, channel=fact.data.channel, text=fact.data.text)
    due_at = fact.at + occasion.values.first_response_within
    return Decision(
        rule=RULE,
        notes=(BuyerWrote(order_id=file.order_id, line=line),),
        events=(MessageReceived(message_id=fact.id, channel=fact.data.channel),),
        timers=(SetTimer(name=FIRST_RESPONSE, key=fact.id, due_at=due_at),),
    )


def nobody_answered(command: TimerDue, file: OrderFile) -> Decision:
    """Rule `first_response_within`: one task at a time takes all that waits for an answer."""
    waiting = {line.message_id: line for line in file.open_lines if isinstance(line, Waiting)}
    line = waiting.get(command.key)
    if line is None:
        return NOTHING
    open_task = answering(file)
    chosen = open_task.task_id if open_task else task_id(SERVICE, file.order_id, "answer_buyer", command.key)
    unanswered = MessageUnanswered(message_id=command.key, waiting_since=line.at, task_id=chosen)
    if open_task is not None:
        return Decision(rule=RULE, events=(unanswered,))
    created = TaskCreated(
        task_id=chosen,
        kind="answer_buyer",
        wanted_by=SERVICE,
        due_at=None,
        priority="high",
        summary=f"The buyer wrote by {line.channel} and waits for an answer.",
        details={"message_ids": [command.key], "channel": line.channel},
    )
    return Decision(rule=RULE, events=(unanswered, created))


def answering(file: OrderFile) -> LiveTask | None:
    """The open `answer_buyer` task, if there is one."""
    return next((task for task in file.live_tasks if task.kind == "answer_buyer"), None)


def over(file: OrderFile) -> Decision:
    """Rule `erasure`: what the buyer wrote is gone, so nobody can answer it any more."""
    waiting = tuple(line.message_id for line in file.open_lines)
    if not waiting:
        return NOTHING
    task = answering(file)
    return Decision(
        events=(MessageAnswered(message_ids=waiting, by=ERASURE),),
        timers=tuple(CancelTimer(name=FIRST_RESPONSE, key=each) for each in waiting),
    ) + (NOTHING if task is None else close(task, "erased"))


def reply(command: ReplyToBuyer, file: OrderFile, occasion: Occasion) -> Outcome:
    """An agent answers everything that waits, before or beside the task, which then closes itself."""
    waiting = tuple(line.message_id for line in file.open_lines)
    if not waiting:
        return Refused(slug="nothing-to-answer", detail="No message of this buyer waits for an answer.")
    reply_id = task_id(SERVICE, file.order_id, "reply", *waiting)
    task = answering(file)
    closed = NOTHING if task is None else close(task, "answered")
    return _answer(file, waiting, reply_id, command.agent_id, command.text, occasion) + closed


def complete_answer(
    task: ClaimedTask, command: CompleteTask, details: Strict, file: OrderFile, occasion: Occasion
) -> Decision:
    """What completing an `answer_buyer` task brings: the answer, or that none is needed."""
    if isinstance(details, WithText) and task.kind != "answer_buyer":
        return _told(task, command, details.text, file, occasion)
    if task.kind != "answer_buyer":
        return NOTHING
    message_ids = lines_of(task)
    if isinstance(details, WithText):
        reply_id = task_id(SERVICE, file.order_id, "reply", task.task_id)
        return _answer(file, message_ids, reply_id, command.agent_id, details.text, occasion)
    return Decision(events=(MessageAnswered(message_ids=message_ids, by=command.agent_id),))


def _told(
    task: ClaimedTask, command: CompleteTask, text: str, file: OrderFile, occasion: Occasion
) -> Decision:
    """An answer to what the buyer asked elsewhere: by an enquiry, or by the platform's ticket."""
    reply_id = task_id(SERVICE, file.order_id, "reply", task.task_id)
    line = FromAgent(message_id=reply_id, at=occasion.at, agent_id=command.agent_id, text=text)
    letter = Due(message_id=reply_id, template="reply", params={"text": text}, rule=task.rule)
    kept = Decision(
        rule=task.rule,
        notes=(AgentWrote(order_id=file.order_id, line=line),),
        result={"reply_id": reply_id},
    )
    return kept + messages.keep(file, letter) + messages.attempt(file, letter, occasion)


def _answer(
    file: OrderFile,
    message_ids: tuple[str, ...],
    reply_id: str,
    agent_id: str,
    text: str,
    occasion: Occasion,
) -> Decision:
    """Say that it is answered, and send the answer. It is not counted and knows no quiet hours."""
    line = FromAgent(message_id=reply_id, at=occasion.at, agent_id=agent_id, text=text)
    answered: Payload = MessageAnswered(message_ids=message_ids, by=agent_id, reply_id=reply_id)
    letter = Due(message_id=reply_id, template="reply", params={"text": text}, rule=RULE)
    return (
        Decision(
            rule=RULE,
            notes=(AgentWrote(order_id=file.order_id, line=line),),
            events=(answered,),
            timers=tuple(CancelTimer(name=FIRST_RESPONSE, key=each) for each in message_ids),
            result={"reply_id": reply_id},
        )
        + messages.keep(file, letter)
        + messages.attempt(file, letter, occasion)
    )
