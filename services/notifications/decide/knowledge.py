"""What other services said, remembered; and what follows from it for messages and invitations."""

from typing import Final

from services.notifications.commands import ContactKnown, Learn, OrderArrived, OrderEnded, OrderPaid
from services.notifications.decide import erasing, messages, reports, sweeping
from services.notifications.decide.conditions import nothing_open
from services.notifications.decide.occasion import SERVICE, Occasion
from services.notifications.state import OrderFile, evolve
from services.notifications.state.knowledge import ContactErased
from services.notifications.state.notes import Heard
from shared.contracts.events.common import MessageWanted
from shared.kernel.decision import NOTHING, Decision, SetTimer, task_id

REVIEW_INVITATION: Final = "review_invitation"


def learn(command: Learn, file: OrderFile, occasion: Occasion) -> Decision:
    """Remember it; a contact releases what waited for it, an arrival starts the invitation's clock."""
    if isinstance(command.what, ContactKnown) and isinstance(file.contact, ContactErased):
        return erasing.contact_came()
    note = Heard(order_id=command.order_id, what=command.what)
    after = evolve(file, note)
    if not isinstance(after, OrderFile) or (after.knows, after.contact) == (file.knows, file.contact):
        return NOTHING
    remembered = Decision(notes=(note,)) + sweeping.moved(after, occasion)
    match command.what:
        case ContactKnown():
            return remembered + messages.contact_came(after, occasion)
        case OrderPaid():
            gathered = messages.no_longer_gathered(after, occasion)
            if file.knows.paid:
                return remembered + gathered
            return remembered + gathered + reports.paid(after, command.what, occasion)
        case OrderEnded():
            return remembered + messages.no_longer_gathered(after, occasion)
        case OrderArrived(delivered_at=delivered_at):
            due_at = delivered_at + occasion.values.review_invitation_after
            return remembered + Decision(
                rule="review_invitation_after",
                timers=(SetTimer(name=REVIEW_INVITATION, due_at=due_at),),
            )
        case _:
            return remembered


def invite(file: OrderFile) -> Decision:
    """Rule `review_invitation_after`: only where nothing is open and nothing was said, and for nothing."""
    if not nothing_open(file):
        return NOTHING
    wanted = MessageWanted(
        message_id=task_id(SERVICE, file.order_id, REVIEW_INVITATION),
        template=REVIEW_INVITATION,
        order_id=file.order_id,
    )
    return Decision(rule="review_invitation_after", messages=(wanted,))
