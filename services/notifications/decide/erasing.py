"""Rule `erasure`: notifications forgets who receives an order, what he wrote and what was to be told him."""

from services.notifications.decide import conversation, messages
from services.notifications.state import OrderFile
from services.notifications.state.knowledge import ContactErased
from services.notifications.state.notes import BuyerErased
from shared.kernel.decision import NOTHING, Contact, Decision
from shared.kernel.erasure import RULE


def erased(file: OrderFile) -> Decision:
    """What was on its way to him is dropped, what he waits for is over, and his contact gets a tombstone.

    The tombstone is written here too, since contacts that agents confirmed were written here: it comes
    after all of them, as that of `orders` comes after its own.
    """
    if isinstance(file.contact, ContactErased):
        return NOTHING
    gone = Decision(
        rule=RULE, notes=(BuyerErased(order_id=file.order_id),), contacts=(Contact(payload=None),)
    )
    return gone + messages.all_dropped(file) + conversation.over(file) + Decision(erases=True)


def contact_came() -> Decision:
    """A contact that is heard after the erasure, whoever wrote it: the topic must not keep it."""
    return Decision(rule=RULE, contacts=(Contact(payload=None),))
