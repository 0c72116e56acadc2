"""Out of stock: the warehouse says so, the buyer chooses, and what he chose is followed to its end.

Rule `out_of_stock`. Source: customer-service practice, duties O16 and O17. Waiting moves the ship deadline,
another article is a swap that the buyer has confirmed already, and lines that he gives up are paid back.
"""

from datetime import datetime
from typing import Final, assert_never

from services.orders.commands import (
    ChooseForShortage,
    ConfirmWish,
    FlagWish,
    LineSwap,
    MakeChange,
    PromiseShipment,
)
from services.orders.decide import cancelling, shipping
from services.orders.decide import wishes as steps
from services.orders.decide.asking import tell_buyer, want, withdraw
from services.orders.decide.changes import made
from services.orders.decide.release import folded
from services.orders.decide.wishes import NOT_KNOWN, flagged
from services.orders.state import Order, Paid, Served, Shortage, State, Unknown, Unpaid
from services.orders.templates import WishRules
from shared.contracts.events import handling as says
from shared.contracts.facts import StockShort
from shared.contracts.tasks import WithReplacement
from shared.kernel.calendar import utc_text
from shared.kernel.decision import NOTHING, Decision, Outcome, Refused
from shared.kernel.profiles import Profile

_RULE: Final = "out_of_stock"
SHORTAGES_MAX: Final = 50
_NOT_SHORT: Final = Refused(slug="shortage-unknown", detail="The order has no such shortage.", missing=True)
_CHOSEN: Final = Refused(slug="already-decided", detail="The buyer has chosen before.")
_NO_DETAIL: Final = Refused(
    slug="detail-missing", detail="`wait` needs `until`, `replace` needs `replacement` for one of the lines."
)


def short(fact: StockShort, state: State, profile: Profile) -> Outcome:
    """The release is blocked, others hear of it, and the buyer is asked for his choice."""
    if isinstance(state, Unknown | Unpaid):
        return Refused(slug="order-unpaid", detail="Nothing is picked for an unpaid order.", early=True)
    order = state.order
    lines = tuple(line for line in order.goods.owed() if line in fact.data.lines)
    if not isinstance(state, Paid) or not lines:
        return Refused(slug="left-already", detail="None of these lines has still to leave.")
    known = order.handling.shortages
    asked = {line for one in known if one.choice is None for line in one.lines}
    fresh = tuple(line for line in lines if line not in asked)
    if not fresh:
        return NOTHING
    if len(known) >= SHORTAGES_MAX:
        return Refused(slug="too-many-shortages", detail=f"An order has at most {SHORTAGES_MAX} shortages.")
    return _asks(order, fresh, fact.data.back_at, fact.at, profile)


def _asks(
    order: Order, fresh: tuple[str, ...], back: datetime | None, at: datetime, profile: Profile
) -> Decision:
    shortage_id = f"stock-{len(order.handling.shortages) + 1}"
    skus = tuple(dict.fromkeys(line.sku for line in order.lines if line.line_id in fresh))
    said = says.StockShort(shortage_id=shortage_id, lines=fresh, skus=skus, back_at=back)
    back_at = None if back is None else utc_text(back)
    names = [line.name for line in order.lines if line.line_id in fresh]
    task = want(
        order,
        "offer_choice",
        shortage_id,
        at,
        profile.values.choice_within,
        f"{len(fresh)} lines are out of stock: ask the buyer what shall become of them.",
        priority="high",
        more={"lines": [*fresh], "skus": [*skus], "back_at": back_at},
    )
    message = tell_buyer(order, "out_of_stock", shortage_id, {"goods": [*names], "back_at": back_at})
    return Decision(rule=_RULE, events=(said,), tasks=(task,), messages=(message,))


def chosen(command: ChooseForShortage, state: State, profile: Profile, wishes: WishRules) -> Outcome:
    """The buyer's choice, followed by the rule that it belongs to.

    Another article takes the place of one line; what else is short is asked about again.
    """
    if isinstance(state, Unknown):
        return NOT_KNOWN
    found = state.order.handling.shortage(command.shortage_id)
    if found is None:
        return _NOT_SHORT
    if found.choice is not None:
        return _CHOSEN
    lines = tuple(line for line in found.lines if line in state.order.goods.owed())
    if not isinstance(state, Served) or not lines:
        return shipping.NOTHING_TO_SHIP
    follows: Outcome
    match command.choice:
        case "wait":
            if command.until is None:
                return _NO_DETAIL
            follows = shipping.promised(
                PromiseShipment(
                    at=command.at,
                    task_id=command.shortage_id,
                    # That the goods come earlier takes no time away from the promise.
                    ships_on=max(command.until, state.promise.ship_by),
                ),
                state,
                profile,
            )
            if isinstance(follows, Decision):
                follows += Decision(tasks=shipping.withdrawn(state, "choice_made"))
        case "replace":
            if command.replacement is None or command.replacement.line_id not in lines:
                return _NO_DETAIL
            follows = _swapped(command, command.replacement, state, profile, wishes)
            others = tuple(line for line in lines if line != command.replacement.line_id)
            if others and isinstance(follows, Decision):
                follows += _asks(state.order, others, found.back_at, command.at, profile)
        case "cancel_lines":
            follows = cancelling.given_up(state, lines, command.at, profile)
        case _:
            assert_never(command.choice)
    if isinstance(follows, Refused):
        return follows
    return _answered(command, state, found) + follows


def _answered(command: ChooseForShortage, state: Served, found: Shortage) -> Decision:
    order = state.order
    said = says.ChoiceMade(
        shortage_id=found.shortage_id, choice=command.choice, lines=found.lines, by=command.by
    )
    tasks = order.handling.tasks_about(found.shortage_id)
    return Decision(rule=_RULE, events=(said,), tasks=withdraw(order, tasks, command.choice))


def _swapped(
    command: ChooseForShortage,
    replacement: WithReplacement,
    state: State,
    profile: Profile,
    wishes: WishRules,
) -> Outcome:
    """Another article: the change is made and flagged, and the buyer has confirmed it by choosing it."""
    swap = LineSwap.model_validate(replacement.model_dump())
    decision = made(MakeChange(at=command.at, change=swap, by=command.by), state, profile, wishes)
    if isinstance(decision, Refused):
        return decision
    wish_id = str(decision.result["wish_id"])
    flag = flagged(
        FlagWish(at=command.at, wish_id=wish_id, by=command.by),
        folded(state, decision, command.at),
        profile,
        wishes,
    )
    if isinstance(flag, Refused):
        return flag
    decision += Decision(events=flag.events)
    yes = steps.confirmed(
        ConfirmWish(at=command.at, wish_id=wish_id, by="buyer"), folded(state, decision, command.at)
    )
    return yes if isinstance(yes, Refused) else decision + yes
