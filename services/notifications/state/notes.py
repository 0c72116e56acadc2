"""What a file learns and says to nobody: others' events, contacts, and the texts of letters."""

from services.notifications.commands import Learned
from services.notifications.state.conversation import FromAgent, Waiting
from services.notifications.state.messages import Due
from shared.contracts.base import Id, Text, Utc
from shared.kernel.decision import Note


class _OfOrder(Note):
    order_id: Id


class Heard(_OfOrder):
    """What another service said about the order."""

    what: Learned


class MessageKept(_OfOrder):
    """A message was wanted; its values stay here until it has ended."""

    message: Due


class ContactAwaited(_OfOrder):
    """A message waits for the contact."""

    message_id: Id
    until: Utc


class SendingBegun(_OfOrder):
    """A message was given to the channel."""

    message_id: Id
    effect_id: Id


class BuyerWrote(_OfOrder):
    """What the buyer wrote."""

    line: Waiting


class AgentWrote(_OfOrder):
    """What an agent answered."""

    line: FromAgent


class ReturnExplained(_OfOrder):
    """What an agent wrote when he gave a task back."""

    at: Utc
    task_id: Id
    agent_id: Id
    reason: Text


OwnNote = Heard | MessageKept | ContactAwaited | SendingBegun | BuyerWrote | AgentWrote | ReturnExplained
