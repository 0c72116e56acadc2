"""Facts that a shop platform tells orders and another service takes: orders says them again."""

from typing import Final

from services.orders.commands import ForOthers
from services.orders.decide.paying import UNKNOWN_ORDER
from services.orders.state import State, Unknown
from shared.contracts.events.orders import FactPassedOn
from shared.contracts.facts import ShipmentScanned
from shared.kernel.decision import Decision, Outcome

RULE: Final = "pass_on"


def passed_on(fact: ForOthers, state: State) -> Outcome:
    """`pass_on`: said as it was told, without free text; whether it fits is the other service's to say.

    It waits for the order: only then is known whose it is, and whether its teller may speak for it.
    """
    if isinstance(state, Unknown):
        return UNKNOWN_ORDER
    if isinstance(fact, ShipmentScanned):
        fact = fact.model_copy(update={"data": fact.data.model_copy(update={"text": ""})})
    return Decision(rule=RULE, events=(FactPassedOn(fact=fact),))
