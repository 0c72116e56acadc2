"""Special requests and changes in their strict order: made → flagged → confirmed → instructed → acknowledged.

Each step asks for the one before it; its refusal names the step that is missing. The warehouse is told in
the same decision in which the buyer's yes is taken, or, where the order is not paid yet, the payment:
`decide/release.py` does that. Rule `special_requests` for what a buyer wants beside his lines, rule
`order_changes` for what is changed. Source: customer-service practice, duties O7 to O10 and O18.
"""

from datetime import datetime
from typing import Final

from services.orders.commands import ConfirmWish, DropWish, FlagWish, MakeRequest, TellWarehouse, WriteRemark
from services.orders.decide.asking import RULE, SERVICE, detail_of, tell_buyer, want, withdraw
from services.orders.decide.undoing import REQUESTS, drop, give_back, paid_for, replacing, rule_of
from services.orders.state import (
    Cancelled,
    Closed,
    Kept,
    Order,
    Paid,
    Served,
    State,
    TextKept,
    Unknown,
    Unpaid,
    Wish,
)
from services.orders.state.handling import INVOICES_KEPT_FREE, REMARKS_MAX, WISHES_MAX
from services.orders.templates import WishRules, written
from shared.contracts.event import Payload
from shared.contracts.events import handling as says
from shared.contracts.facts import InstructionAcknowledged
from shared.contracts.wishes import (
    CardRequest,
    CourierRequest,
    FlagColour,
    InvoiceRequest,
    SlotRequest,
    SpecialRequest,
    WishKind,
)
from shared.kernel.calendar import local_date
from shared.kernel.capabilities import forbids
from shared.kernel.decision import NOTHING, Decision, Note, Outcome, Refused, task_id
from shared.kernel.profiles import Profile

NOT_KNOWN: Final = Refused(slug="order-unknown", detail="No order of this id was placed.", missing=True)
_NO_WISH: Final = Refused(slug="wish-unknown", detail="The order has no wish of this id.", missing=True)
_OVER: Final = Refused(slug="wish-dropped", detail="The wish was dropped before.")
TOO_MANY: Final = Refused(slug="too-many-wishes", detail=f"An order takes at most {WISHES_MAX} wishes.")
_NOT_FLAGGED: Final = Refused(slug="not-flagged", detail="Flag the wish first; then confirm it.")
_NOT_CONFIRMED: Final = Refused(slug="not-confirmed", detail="Confirm the wish with the buyer first.")
_NOT_INSTRUCTED: Final = Refused(slug="not-instructed", detail="The warehouse has not been told of it yet.")
_NOT_PAID: Final = Refused(slug="not-paid", detail="The warehouse is told when the order is paid.")


def still_here(state: State) -> Order | Refused:
    """The order, if something of it can still be changed before it leaves."""
    if isinstance(state, Unknown):
        return NOT_KNOWN
    if isinstance(state, Unpaid):
        return state.order
    if isinstance(state, Paid) and state.order.goods.owed():
        return state.order
    if isinstance(state, Served) and state.order.goods.gone():
        return Refused(slug="left-already", detail="Everything that is wanted of the order has left.")
    return Refused(slug=f"order-{state.stage}", detail=f"The order is {state.stage}.")


def requested(command: MakeRequest, state: State, profile: Profile) -> Outcome:
    """Step 1 of a request. An invoice is never refused where the platform does not let a shop refuse one,
    unless the order ended unpaid: nothing was sold.
    """
    request = command.request
    invoice = isinstance(request, InvoiceRequest) and forbids(profile, "refuse_invoice") is not None
    order = still_here(state)
    if isinstance(order, Refused) and invoice and not isinstance(state, Unknown | Closed | Cancelled):
        order = state.order
    if isinstance(order, Refused):
        return order
    if len(order.handling.wishes) >= WISHES_MAX + (INVOICES_KEPT_FREE if invoice else 0):
        return TOO_MANY
    return replacing(order, request.kind, command.by) + Decision(
        rule=REQUESTS,
        notes=_kept(new_id(order, request.kind), request),
        events=(_request_made(new_id(order, request.kind), request, command.by, _is_paid(state)),),
        result={"wish_id": new_id(order, request.kind)},
    )


def told_with_order(
    requests: tuple[SpecialRequest, ...], at: datetime, profile: Profile, wishes: WishRules
) -> Decision:
    """Requests that come with the order are taken and flagged at once; the buyer is asked after that."""
    notes: tuple[Note, ...] = ()
    events: tuple[Payload, ...] = ()
    for kind in dict.fromkeys(request.kind for request in requests):
        request = next(one for one in reversed(requests) if one.kind == kind)
        wish_id = f"{kind}-1"
        made = _request_made(wish_id, request, RULE, paid=False)
        wish = Wish.model_validate({**made.model_dump(), "made_at": at})
        notes += _kept(wish_id, request)
        events += (made, _flag(wish, None, RULE, at, profile, wishes))
    return Decision(notes=notes, events=events)


def flagged(command: FlagWish, state: State, profile: Profile, wishes: WishRules) -> Outcome:
    """Step 2. The buyer is asked then: by a message, and by an agent."""
    found = _wish(state, command.wish_id)
    if isinstance(found, Refused):
        return found
    order, wish = found
    flag = _flag(wish, command.colour, command.by, command.at, profile, wishes)
    if wish.stage != "made":
        return Decision(rule=rule_of(wish.kind), events=(flag.model_copy(update={"remark": None}),))
    return Decision(rule=rule_of(wish.kind), events=(flag,)) + asked(order, wish, command.at, profile)


def asked(order: Order, wish: Wish, at: datetime, profile: Profile) -> Decision:
    """The buyer is asked whether he stands by a wish."""
    detail = {**detail_of(wish), "wish_id": wish.wish_id}
    task = want(
        order,
        "confirm_wish",
        wish.wish_id,
        at,
        profile.values.confirm_wish_within,
        f"Confirm with the buyer: {wish.kind} ({wish.wish_id}).",
        more={**detail},
    )
    message = tell_buyer(order, "confirm_wish", wish.wish_id, {**detail})
    return Decision(tasks=(task,), messages=(message,))


def confirmed(command: ConfirmWish, state: State) -> Outcome:
    """Step 3. Money that the buyer paid too much by then goes back."""
    found = _wish(state, command.wish_id)
    if isinstance(found, Refused):
        return found
    order, wish = found
    if wish.stage == "made":
        return _NOT_FLAGGED
    if wish.stage != "flagged":
        return NOTHING
    said = says.WishConfirmed(wish_id=wish.wish_id, kind=wish.kind, by=command.by)
    return Decision(
        rule=rule_of(wish.kind),
        events=(said, *give_back(order, wish)),
        tasks=withdraw(order, order.handling.tasks_about(wish.wish_id), "confirmed"),
    )


def told_again(command: TellWarehouse, state: State) -> Outcome:
    """Step 4, asked for by hand: it has been done, or it names what is missing."""
    found = _wish(state, command.wish_id)
    if isinstance(found, Refused):
        return found
    return _missing(found[1]) or (_NOT_PAID if found[1].stage == "confirmed" else NOTHING)


def acknowledged(wish_id: str, by: str, state: State) -> Outcome:
    """The last step: the warehouse goes by it."""
    found = _wish(state, wish_id)
    if isinstance(found, Refused):
        return found
    order, wish = found
    missing = _missing(wish) or (_NOT_INSTRUCTED if wish.stage == "confirmed" else None)
    if missing is not None:
        return missing
    if wish.stage == "done":
        return NOTHING
    said = says.InstructionAcknowledged(wish_id=wish.wish_id, kind=wish.kind, by=by)
    return Decision(
        rule=rule_of(wish.kind),
        events=(said,),
        tasks=withdraw(order, order.handling.tasks_about(wish.wish_id), "acknowledged"),
    )


def acknowledged_by_fact(fact: InstructionAcknowledged, state: State) -> Outcome:
    """The warehouse's own word."""
    if isinstance(state, Unknown):
        return NOT_KNOWN.model_copy(update={"early": True})
    return acknowledged(fact.data.wish_id, fact.data.by, state)


def dropped(command: DropWish, state: State, profile: Profile) -> Outcome:
    """The buyer took it back, or the shop can't; what it changed of the lines is as it was."""
    found = _wish(state, command.wish_id)
    if isinstance(found, Refused):
        return NOTHING if found is _OVER else found
    order, wish = found
    if command.refused and wish.kind == "invoice":
        forbidden = forbids(profile, "refuse_invoice")
        if forbidden is not None:
            return forbidden
    if not wish.open:
        return Refused(slug="wish-done", detail="The wish is done; make another one instead.")
    over = drop(order, wish, command.reason, command.by, paid=paid_for(state))
    return over + _where_now(order, wish, state, command, profile)


def _where_now(order: Order, wish: Wish, state: State, command: DropWish, profile: Profile) -> Decision:
    """The contact can't be put back, since nobody here keeps it: an agent sees where the order goes now."""
    if wish.kind != "address" or not isinstance(state, Unpaid | Paid):
        return NOTHING
    not_good: tuple[says.OrderVerified, ...] = ()
    if profile.values.verification != "none":
        not_good = (says.OrderVerified(good=(), wrong=("address", "contact"), by=command.by),)
    before = withdraw(order, order.handling.tasks_about(order.order_id, "verify_order"), "address_dropped")
    task = want(
        order,
        "verify_order",
        order.order_id,
        command.at,
        profile.values.verify_within,
        f"The change of the address was dropped ({command.reason}): check where the order goes.",
        priority="high",
        more={"fields": ["address", "contact"]},
    )
    return Decision(events=not_good, tasks=(*before, task))


def remarked(command: WriteRemark, state: State) -> Outcome:
    """A remark, with a flag where one is wanted. Its text stays in the file."""
    if isinstance(state, Unknown):
        return NOT_KNOWN
    written_before = len(state.order.texts)
    if written_before >= REMARKS_MAX:
        return Refused(slug="too-many-remarks", detail=f"An order takes at most {REMARKS_MAX} texts.")
    remark_id = task_id(SERVICE, state.order.order_id, "remark", written_before + 1)
    events: tuple[Payload, ...] = (says.OrderRemarked(remark_id=remark_id, by=command.by),)
    if command.colour is not None:
        events += (says.OrderFlagged(colour=command.colour, by=command.by),)
    note = TextKept(kept=Kept(about=remark_id, text=command.text))
    return Decision(rule="remarks", notes=(note,), events=events, result={"remark_id": remark_id})


def new_id(order: Order, kind: WishKind) -> str:
    """The id of the order's next wish of a kind."""
    return f"{kind}-{1 + sum(wish.kind == kind for wish in order.handling.wishes)}"


def _wish(state: State, wish_id: str) -> tuple[Order, Wish] | Refused:
    if isinstance(state, Unknown):
        return NOT_KNOWN
    wish = state.order.handling.wish(wish_id)
    if wish is None:
        return _NO_WISH
    return _OVER if wish.stage == "dropped" else (state.order, wish)


def _missing(wish: Wish) -> Refused | None:
    if wish.stage == "made":
        return _NOT_FLAGGED
    return _NOT_CONFIRMED if wish.stage == "flagged" else None


def _is_paid(state: State) -> bool:
    return isinstance(state, Served)


def _request_made(wish_id: str, request: SpecialRequest, by: str, paid: bool) -> says.WishMade:
    return says.WishMade(
        wish_id=wish_id,
        kind=request.kind,
        by=by,
        paid=paid,
        carrier=request.carrier if isinstance(request, CourierRequest) else None,
        slot=request.slot if isinstance(request, SlotRequest) else None,
    )


def _kept(wish_id: str, request: SpecialRequest) -> tuple[TextKept, ...]:
    match request:
        case InvoiceRequest():
            return (TextKept(kept=Kept(about=wish_id, text=request.title)),)
        case CardRequest():
            return (TextKept(kept=Kept(about=wish_id, text=request.text)),)
        case CourierRequest() | SlotRequest():
            return ()


def _flag(
    wish: Wish, colour: FlagColour | None, by: str, at: datetime, profile: Profile, wishes: WishRules
) -> says.OrderFlagged:
    rule = wishes[wish.kind]
    values = {**detail_of(wish), "date": local_date(at, profile.zone).isoformat(), "author": by}
    return says.OrderFlagged(
        colour=colour or rule.colour,
        by=by,
        wish_id=wish.wish_id,
        remark=written(rule, profile.language, values),
    )
