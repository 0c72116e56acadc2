"""Rule `erasure`: logistics forgets who receives an order, and what was written about its parcels."""

from services.logistics.state import NotPlaced, Placed
from services.logistics.state.file import BuyerErased
from shared.kernel.decision import NOTHING, Decision
from shared.kernel.erasure import RULE


def erased(state: NotPlaced | Placed) -> Decision:
    """The contact goes and none is taken any more, with the words of carriers, enquiries and refusals."""
    return NOTHING if state.erased else Decision(rule=RULE, notes=(BuyerErased(),), erases=True)
