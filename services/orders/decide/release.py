"""The release: what keeps an order from leaving, and what follows when that changes.

Rule `release`: an order leaves when its items, address and contact are verified, where the profile asks for
that (`verification`), every wish is done and every shortage has its answer. Source: customer-service
practice, duties O5b, O5c and O6. `follow` is asked after every other rule: it looks at the file as that
rule's decision leaves it. Under `verification: none` nothing is said of an order for which nobody ever
wished, told or checked anything.
"""

from datetime import datetime
from typing import Final

from services.orders.commands import (
    HearParcelLeft,
    HearParcelRebooked,
    OrdersCommand,
    VerifyOrder,
)
from services.orders.decide.asking import RULE, detail_of, look_into, want, withdraw
from services.orders.decide.undoing import drop, paid_for, rule_of
from services.orders.decide.wishes import NOT_KNOWN, asked
from services.orders.state import (
    Cancelled,
    Closed,
    Completed,
    Delivered,
    Dispatched,
    Handling,
    Known,
    Order,
    Paid,
    Refunded,
    Served,
    State,
    Unknown,
    Unpaid,
    Wish,
    of_order,
)
from services.orders.templates import WishRules
from shared.contracts.event import Event
from shared.contracts.events import handling as says
from shared.contracts.events.common import TaskWanted
from shared.contracts.facts import OrderPlaced
from shared.contracts.wishes import FIELDS, VerifiedField
from shared.kernel.decision import NOTHING, Decision, Outcome, Refused
from shared.kernel.profiles import Profile

_RULE: Final = "release"
_NOTHING_LEFT: Final = Refused(slug="nothing-to-ship", detail="Nothing of the order has still to leave.")


def verified(command: VerifyOrder, state: State, profile: Profile) -> Outcome:
    """Rule `verification`: what was found good and what not; what is wrong is looked at again."""
    if isinstance(state, Unknown):
        return NOT_KNOWN
    order = state.order
    if not isinstance(state, Paid) or not order.goods.owed():
        return _NOTHING_LEFT
    found: dict[VerifiedField, bool] = {
        "items": command.items,
        "address": command.address,
        "contact": command.contact,
    }
    wrong: tuple[VerifiedField, ...] = tuple(field for field in FIELDS if not found[field])
    said = says.OrderVerified(
        good=tuple(field for field in FIELDS if found[field]), wrong=wrong, by=command.by
    )
    answered = withdraw(order, order.handling.tasks_about(order.order_id, "verify_order"), "verified")
    again = (_to_verify(order, wrong, command.at, profile),) if wrong else ()
    return Decision(rule="verification", events=(said,), tasks=(*answered, *again))


def follow(
    command: OrdersCommand, state: State, decision: Decision, profile: Profile, wishes: WishRules
) -> Decision:
    """The decision, and what it means for the order's wishes, checks and release."""
    if decision is NOTHING or _untouched(state, decision, profile):
        return decision
    at, placed = command.at, command.order_id if isinstance(command, OrderPlaced) else "-"
    for step in (_asks, _ends, _verifies, _instructs, _gates):
        after = folded(state, decision, at, placed)
        if isinstance(after, Unknown):
            return decision
        decision += step(after, at, profile, wishes)
    if isinstance(command, HearParcelLeft | HearParcelRebooked) and not isinstance(state, Unknown):
        decision += _left_otherwise(command, state)
    return decision


def folded(state: State, decision: Decision, at: datetime, placed: str = "-") -> State:
    """The file as a decision leaves it; `placed` is the order that the decision places, if it does."""
    for note in decision.notes:
        state = of_order(state, note)
    for payload in (*decision.events, *decision.tasks):
        order_id = placed if isinstance(state, Unknown) else state.order.order_id
        event = Event.model_construct(
            source="orders", name=payload.name, subject=order_id, time=at, data=payload
        )
        state = of_order(state, event)
    return state


def _untouched(state: State, decision: Decision, profile: Profile) -> bool:
    if profile.values.verification != "none":
        return False
    spoken = any(type(payload).__module__ == says.__name__ for payload in decision.events)
    return not spoken and (isinstance(state, Unknown) or state.order.handling.quiet)


def _asks(state: Known, at: datetime, profile: Profile, wishes: WishRules) -> Decision:
    """The buyer is asked about wishes that were flagged by the rule itself."""
    del wishes
    decision = NOTHING
    for wish in state.order.handling.open_wishes():
        goes_on = isinstance(state, Unpaid | Paid | Dispatched | Delivered) or _invoiced(wish, state)
        if goes_on and wish.stage == "flagged" and not state.order.handling.tasks_about(wish.wish_id):
            decision += asked(state.order, wish, at, profile)
    return decision


def _ends(state: Known, at: datetime, profile: Profile, wishes: WishRules) -> Decision:
    """What the end of the order, or the leaving of it or of some lines, makes of what is still open."""
    del profile, wishes
    order, handling = state.order, state.order.handling
    over = isinstance(state, Closed | Cancelled | Refunded | Completed)
    left = isinstance(state, Served) and not order.goods.owed() and bool(order.goods.gone())
    settled = order.goods.settled() if isinstance(state, Served) else frozenset[str]()
    decision = NOTHING
    if not isinstance(state, Unpaid):
        helping = order.handling.tasks_about(order.order_id, "help_with_payment")
        decision += Decision(tasks=withdraw(order, helping, state.stage))
    why = f"order_{state.stage}" if over else "left"
    missed = tuple(
        wish
        for wish in handling.open_wishes()
        if ((over or left) and wish.kind != "invoice") or (wish.line and wish.line.line_id in settled)
    )
    for wish in missed:
        now = folded(state, decision, at)
        put_back = order if isinstance(now, Unknown) else now.order
        reason = "refunded" if _paid_back(wish, order) else why
        decision += drop(put_back, wish, reason, RULE, paid=paid_for(state), left=True)
    for short in handling.shortages:
        if short.choice is None and (over or left or settled.issuperset(short.lines)):
            decision += Decision(events=(_not_needed(short.shortage_id, short.lines),))
            decision += Decision(tasks=withdraw(order, handling.tasks_about(short.shortage_id), why))
    if isinstance(state, Closed | Cancelled):
        # An invoice rests with an order that ended unpaid, and is wanted again should that be reopened.
        for wish in handling.open_wishes():
            if wish.kind == "invoice":
                decision += Decision(tasks=withdraw(order, handling.tasks_about(wish.wish_id), why))
    if over or left:
        checks = handling.tasks_about(order.order_id, "verify_order", "merge_freight")
        decision += Decision(tasks=withdraw(order, checks, why))
    missed = tuple(wish for wish in missed if not (over or _paid_back(wish, order)))
    if any(wish.paid or wish.stands or wish.cheaper_by for wish in missed):
        decision += Decision(tasks=(_missed(order, missed),))
    return decision


def _invoiced(wish: Wish, state: Known) -> bool:
    """Whether it is an invoice of something that was paid; it is made whatever becomes of the order."""
    return wish.kind == "invoice" and not isinstance(state, Unpaid | Closed | Cancelled)


def _paid_back(wish: Wish, order: Order) -> bool:
    return wish.line is not None and wish.line.line_id in order.goods.refunded()


def _verifies(state: Known, at: datetime, profile: Profile, wishes: WishRules) -> Decision:
    """Rule `verification`: what looked complete is good; the rest, or all of it, is a task."""
    del wishes
    order, mode = state.order, profile.values.verification
    if mode == "none" or not isinstance(state, Paid) or not order.goods.owed():
        return NOTHING
    decision = NOTHING
    if order.handling.verified_by is None and mode == "automatic":
        wrong: tuple[VerifiedField, ...] = tuple(field for field in FIELDS if field not in order.checks)
        said = says.OrderVerified(good=order.checks, wrong=wrong, by=RULE)
        decision = Decision(rule="verification", events=(said,))
        order = order.model_copy(update={"handling": order.handling.after(said, at)})
    missing = order.handling.unverified()
    if missing and not order.handling.tasks_about(order.order_id, "verify_order"):
        decision += Decision(rule="verification", tasks=(_to_verify(order, missing, at, profile),))
    return decision


def _instructs(state: Known, at: datetime, profile: Profile, wishes: WishRules) -> Decision:
    """The warehouse and the label printer are told at once of what was confirmed.

    Not of an order that is being taken off: it does not leave, unless its cancellation comes to nothing.
    """
    order, decision = state.order, NOTHING
    for wish in order.handling.open_wishes():
        goes_on = isinstance(state, Paid | Dispatched | Delivered) or _invoiced(wish, state)
        if goes_on and wish.stage == "confirmed":
            decision += _instruction(order, wish, at, profile, wishes)
    return decision


def _gates(state: Known, at: datetime, profile: Profile, wishes: WishRules) -> Decision:
    """Rule `release`: said when what the order waits for has changed."""
    del at, wishes
    order, handling = state.order, state.order.handling
    if not isinstance(state, Paid) or not order.goods.owed():
        return NOTHING
    waits_for = blockers(handling, profile)
    if waits_for:
        if handling.release == "blocked" and handling.waits_for == waits_for:
            return NOTHING
        return Decision(rule=_RULE, events=(says.ReleaseBlocked(waits_for=waits_for),))
    asked_for = profile.values.verification != "none" and handling.release == "open"
    if handling.release == "blocked" or asked_for:
        by = handling.verified_by or RULE
        return Decision(rule=_RULE, events=(says.OrderReleased(by=by),))
    return NOTHING


def blockers(handling: Handling, profile: Profile) -> tuple[str, ...]:
    """What keeps the order from leaving: unverified fields, open wishes, shortages without an answer.

    Where nothing is checked, a check that somebody asked for all the same is one of the address.
    """
    checked = profile.values.verification != "none"
    asked_for = any(task.kind == "verify_order" for task in handling.tasks)
    fields = handling.unverified() if checked else ("address",) if asked_for else ()
    open_wishes = (wish.wish_id for wish in handling.open_wishes())
    short = (one.shortage_id for one in handling.shortages if one.choice is None)
    return (*fields, *open_wishes, *short)


def _instruction(order: Order, wish: Wish, at: datetime, profile: Profile, wishes: WishRules) -> Decision:
    done = not wishes[wish.kind].acknowledged
    call = want(
        order,
        "call_warehouse",
        wish.wish_id,
        at,
        profile.values.acknowledge_within,
        f"The warehouse has not acknowledged: {wish.kind} ({wish.wish_id}).",
        priority="high",
        more={**detail_of(wish), "wish_id": wish.wish_id},
    )
    said = says.InstructionGiven(
        wish_id=wish.wish_id,
        kind=wish.kind,
        carrier=wish.carrier,
        slot=wish.slot,
        was=wish.was,
        line=wish.line,
        was_freight=wish.was_freight,
        freight=wish.freight,
        acknowledged=done,
        acknowledge_by=None if done else call.due_at,
    )
    return Decision(rule=rule_of(wish.kind), events=(said,), tasks=() if done else (call,))


def _to_verify(order: Order, fields: tuple[VerifiedField, ...], at: datetime, profile: Profile) -> TaskWanted:
    return want(
        order,
        "verify_order",
        order.order_id,
        at,
        profile.values.verify_within,
        f"Check before the order is released: {', '.join(fields)}.",
        more={"fields": list(fields)},
    )


def _missed(order: Order, missed: tuple[Wish, ...]) -> TaskWanted:
    ids = [wish.wish_id for wish in missed]
    return look_into(
        order,
        "left_with_wishes_open",
        *ids,
        summary=f"The order left although these were not done: {', '.join(ids)}.",
        details={"wishes": [*ids]},
    )


def _left_otherwise(command: HearParcelLeft | HearParcelRebooked, state: Known) -> Decision:
    """A parcel left with another carrier than the buyer chose, or before the order was released."""
    order = state.order
    chosen = order.handling.in_effect("courier")
    tasks: tuple[TaskWanted, ...] = ()
    carrier = None if chosen is None else chosen.carrier
    if carrier is not None and carrier.casefold() != command.carrier.casefold():
        other = look_into(
            order,
            "other_carrier",
            command.parcel_id,
            command.carrier,
            summary=f"Parcel {command.parcel_id} left with {command.carrier}; the buyer chose {carrier}.",
            details={"parcel_id": command.parcel_id, "carrier": command.carrier, "chosen": carrier},
        )
        tasks = (other,)
    if isinstance(command, HearParcelLeft) and order.handling.release == "blocked":
        early = look_into(
            order,
            "left_blocked",
            command.parcel_id,
            summary=f"Parcel {command.parcel_id} left before the order was released.",
            details={"parcel_id": command.parcel_id, "waits_for": [*order.handling.waits_for]},
        )
        tasks = (*tasks, early)
    return Decision(rule=_RULE if tasks else "", tasks=tasks)


def _not_needed(shortage_id: str, lines: tuple[str, ...]) -> says.ChoiceMade:
    return says.ChoiceMade(shortage_id=shortage_id, choice="not_needed", lines=lines, by=RULE)
