"""Special requests and changes in their strict order: made → flagged → confirmed → instructed → acknowledged.

Each step asks for the one before it; its refusal names the step that is missing. The warehouse is told in
the same decision in which the buyer's yes is taken, or, where the order is not paid yet, the payment:
`decide/release.py` does that. Rule `special_requests` for what a buyer wants beside his lines, rule
`order_changes` for what is changed. Source: customer-service practice, duties O7 to O10 and O18.
"""

from datetime import datetime
from decimal import Decimal
from typing import Final

from services.orders.commands import ConfirmWish, DropWish, FlagWish, MakeRequest, TellWarehouse, WriteRemark
from services.orders.decide.asking import RULE, SERVICE, detail_of, look_into, tell_buyer, want, withdraw
from services.orders.state import (
    Completed,
    Kept,
    Order,
    Paid,
    Refunded,
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
from shared.contracts.facts import InstructionAcknowledged, Line
from shared.contracts.wishes import (
    CardRequest,
    CourierRequest,
    FlagColour,
    InvoiceRequest,
    SlotRequest,
    SpecialRequest,
    WishKind,
)
from shared.kernel import money
from shared.kernel.calendar import local_date
from shared.kernel.capabilities import forbids
from shared.kernel.decision import NOTHING, Decision, Note, Outcome, Refused, task_id
from shared.kernel.profiles import Profile

REQUESTS: Final = "special_requests"
CHANGES: Final = "order_changes"
NOT_KNOWN: Final = Refused(slug="order-unknown", detail="No order of this id was placed.", missing=True)
_NO_WISH: Final = Refused(slug="wish-unknown", detail="The order has no wish of this id.", missing=True)
_OVER: Final = Refused(slug="wish-dropped", detail="The wish was dropped before.")
TOO_MANY: Final = Refused(slug="too-many-wishes", detail=f"An order takes at most {WISHES_MAX} wishes.")
_NOT_FLAGGED: Final = Refused(slug="not-flagged", detail="Flag the wish first; then confirm it.")
_NOT_CONFIRMED: Final = Refused(slug="not-confirmed", detail="Confirm the wish with the buyer first.")
_NOT_INSTRUCTED: Final = Refused(slug="not-instructed", detail="The warehouse has not been told of it yet.")
_NOT_PAID: Final = Refused(slug="not-paid", detail="The warehouse is told when the order is paid.")


def rule_of(kind: WishKind) -> str:
    """The rule by which a wish of this kind goes its way."""
    return REQUESTS if kind in {"courier", "invoice", "card", "slot"} else CHANGES


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
    """Step 1 of a request. An invoice is never refused where the platform does not let a shop refuse one."""
    request = command.request
    invoice = isinstance(request, InvoiceRequest) and forbids(profile, "refuse_invoice") is not None
    order = still_here(state)
    if isinstance(order, Refused) and invoice and not isinstance(state, Unknown):
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
        events=(said, *_give_back(order, wish)),
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


def drop(
    order: Order, wish: Wish, reason: str, by: str, *, paid: Decimal | None = None, left: bool = False
) -> Decision:
    """End an open wish and put back what it changed, as far as money does not speak against it.

    A wish that gave money back stays. So does a price that the buyer has paid since: where it was a lower
    one, or the goods have `left`. A dearer one that he takes back before that is put back and given back.
    """
    said = says.WishDropped(wish_id=wish.wish_id, kind=wish.kind, reason=reason, by=by)
    paid_as_changed = paid is not None and not wish.paid and wish.cheaper_by != 0
    gave_back = wish.stands and bool(_give_back(order, wish))
    stays = gave_back or (paid_as_changed and (left or wish.cheaper_by > 0))
    undone = () if stays else _undone(order, wish)
    too_much: tuple[says.GiveBackWanted, ...] = ()
    if undone and paid_as_changed and paid is not None:
        too_much = _too_much(order, wish, min(-wish.cheaper_by, paid - undone[0].total))
    ended = Decision(
        rule=rule_of(wish.kind),
        events=(said, *undone, *too_much),
        tasks=withdraw(order, order.handling.tasks_about(wish.wish_id), reason),
    )
    return ended + _paid_less(order, wish) if stays and paid_as_changed and not left else ended


def _paid_less(order: Order, wish: Wish) -> Decision:
    task = look_into(
        order,
        "paid_as_changed",
        wish.wish_id,
        summary=f"{wish.wish_id} was dropped after its lower price was paid: that price stays.",
        details={**detail_of(wish), "wish_id": wish.wish_id},
    )
    return Decision(tasks=(task,))


def replacing(order: Order, kind: WishKind, by: str) -> Decision:
    """A newer wish of the same kind takes the place of one that is still open."""
    decision = NOTHING
    for wish in order.handling.open_wishes():
        if wish.kind == kind:
            decision += drop(order, wish, "replaced", by)
    return decision


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


def paid_for(state: State) -> Decimal | None:
    """What was paid for the order; None while its payment is awaited, and where it ended without one."""
    return state.payment.amount if isinstance(state, Served | Refunded | Completed) else None


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


def _give_back(order: Order, wish: Wish) -> tuple[says.GiveBackWanted, ...]:
    """What the buyer paid too much: of a line that became cheaper, or of the freight."""
    return _too_much(order, wish, wish.cheaper_by) if wish.paid else ()


def _too_much(order: Order, wish: Wish, amount: Decimal) -> tuple[says.GiveBackWanted, ...]:
    if amount <= 0:
        return ()
    lines = () if wish.line is None else (wish.line.line_id,)
    amount = money.writable(amount)
    said = says.GiveBackWanted(wish_id=wish.wish_id, amount=amount, currency=order.currency, lines=lines)
    return (said,)


def _undone(order: Order, wish: Wish) -> tuple[says.OrderChanged, ...]:
    """The line or the freight as it was, unless it has been changed again since."""
    if wish.was is not None and wish.line is not None and order.line(wish.line.line_id) == wish.line:
        return changed(order, wish.wish_id, line=wish.was)
    if wish.was_freight is not None and wish.freight is not None and order.freight == wish.freight:
        return changed(order, wish.wish_id, freight=wish.was_freight)
    return ()


def changed(
    order: Order, wish_id: str, *, line: Line | None = None, freight: Decimal | None = None
) -> tuple[says.OrderChanged, ...]:
    """The order with another line or another freight, and the total that follows.

    Nothing if it stays, or if the total has more digits than can be written.
    """
    lines, total, now_freight = order.lines, order.total, order.freight
    if line is not None:
        was = order.line(line.line_id)
        total += line.amount - (line.amount if was is None else was.amount)
        lines = tuple(line if one.line_id == line.line_id else one for one in lines)
    if freight is not None and order.freight is not None:
        total += freight - order.freight
        now_freight = freight
    total = max(total, money.ZERO)
    if not money.fits(total) or (lines, now_freight) == (order.lines, order.freight):
        return ()
    said = says.OrderChanged(
        lines=lines,
        total=total,
        freight=now_freight,
        was_total=order.total,
        currency=order.currency,
        wish_id=wish_id,
    )
    return (said,)
