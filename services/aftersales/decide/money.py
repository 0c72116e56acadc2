"""Money once: what of an order may still be given back, and the giving of it.

Rule `money`: whatever mix of refund, new goods and gift an order's cases use, no line is paid for
twice. Money on its way counts as paid, and so does money that the provider refused until an agent
gave it up.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

from services.aftersales.decide.ends import closing, refusal
from services.aftersales.decide.replacing import resend
from services.aftersales.decide.terms import ALREADY_COMPENSATED, SERVICE, Why
from services.aftersales.state import (
    About,
    CaseIs,
    Closed,
    File,
    Paid,
    Placed,
    Refund,
    Refunded,
    RefundFailed,
    Refunding,
    Share,
)
from shared.contracts.base import AMOUNT_MAX_PLACES
from shared.contracts.events import aftersales as says
from shared.kernel.decision import Decision, Effect, task_id
from shared.kernel.money import ZERO, plain, total, writable
from shared.kernel.profiles import Profile

FINEST = Decimal(1).scaleb(-AMOUNT_MAX_PLACES)


@dataclass(frozen=True, slots=True)
class Account:
    """What is left of an order to be given back."""

    left: dict[str, Decimal]
    """For each line, in the order's order."""
    touched: frozenset[str]
    """Lines for which something was given."""
    renewed: frozenset[str]
    """Lines of which the goods were sent again."""
    rest: Decimal
    """What the order cost beside its lines, such as freight."""
    payment: Decimal
    """What is left of the payment."""
    unit: Decimal
    """The smallest part of an amount in which the order is written: a cent, or a whole yen."""

    def compensated(self, line_id: str) -> bool:
        """Whether nothing more may be given for this line."""
        return line_id in self.renewed or (line_id in self.touched and self.left.get(line_id, ZERO) <= 0)

    def any_touched(self, lines: Iterable[str]) -> bool:
        """Whether something was given for one of these lines."""
        return any(line in self.touched for line in lines)

    def exhausted(self, lines: tuple[str, ...]) -> bool:
        """Whether these lines were paid for, so that nothing is left to pay."""
        return self.any_touched(lines) and self.worth(lines) <= 0

    def uncompensated(self, lines: Iterable[str]) -> tuple[str, ...]:
        """Those of the lines for which money may be given still."""
        return tuple(line for line in lines if line in self.left and not self.compensated(line))

    def untouched(self, lines: Iterable[str]) -> tuple[str, ...]:
        """Those of the lines for which nothing was given, so that goods may be: they are worth all of it."""
        return tuple(line for line in lines if line in self.left and line not in self.touched)

    def partly(self, lines: Iterable[str]) -> tuple[str, ...]:
        """Those of the lines of which a part was given: the rest is owed in money, since goods are whole."""
        return tuple(line for line in self.uncompensated(lines) if line in self.touched)

    def covered(self, lines: tuple[str, ...], amount: Decimal) -> bool:
        """Whether an amount pays for all of these lines, so that their goods are not wanted any more.

        Where less was paid than the lines cost, each is worth its part of that, as whoever asks may round it.
        """
        open_lines = self.uncompensated(lines)
        cost = total(self.left[line] for line in open_lines)
        all_left = total(self.left.values())
        if self.payment < all_left:
            cost = cost * self.payment / all_left - self.unit * len(open_lines)
        return amount >= min(cost, self.worth(lines))

    def worth(self, lines: Iterable[str]) -> Decimal:
        """The most that may still be paid for these lines. The rest goes with the last of the lines."""
        open_lines = set(self.uncompensated(lines))
        most = total(self.left[line] for line in open_lines)
        others = any(left > 0 for line, left in self.left.items() if line not in open_lines)
        if open_lines and not others and not self.renewed:
            most += self.rest
        return writable(min(most, self.payment))


def account(state: File, order: Paid) -> Account:
    """Draw up what is left, from the order's lines and everything its cases gave."""
    left: dict[str, Decimal] = {}
    for line in order.lines:
        left[line.line_id] = left.get(line.line_id, ZERO) + line.amount
    if order.paid_back_elsewhere:
        nothing = dict.fromkeys(left, ZERO)
        lines = frozenset(left)
        return Account(nothing, touched=lines, renewed=frozenset(), rest=ZERO, payment=ZERO, unit=FINEST)
    rest = max(order.total - total(left.values()), ZERO)
    payment = min(order.total, order.paid)
    touched: set[str] = set()
    renewed: set[str] = set()
    for shares, paid, settles in _given(state):
        in_money = total(share.amount for share in shares if not share.whole)
        rest -= max(paid - in_money, ZERO)
        payment -= paid
        for share in shares:
            if settles:
                touched.add(share.line_id)
            left[share.line_id] = max(left.get(share.line_id, ZERO) - share.amount, ZERO)
            if share.whole:
                renewed.add(share.line_id)
                left[share.line_id] = ZERO
    return Account(
        left=left,
        touched=frozenset(touched),
        renewed=frozenset(renewed),
        rest=max(rest, ZERO),
        payment=max(payment, ZERO),
        unit=_unit_of(order.total, *(line.amount for line in order.lines)),
    )


def _given(state: File) -> Iterable[tuple[tuple[Share, ...], Decimal, bool]]:
    """For each case, and each refund of the platform, what it gave for lines, how much of it was the
    order's payment, and whether the lines count as compensated: what a line became cheaper by does not.
    """
    for case in state.cases:
        match case:
            case Refunding(refund=refund) | RefundFailed(refund=refund) | Refunded(refund=refund):
                if case.about.kind != "late_payment":
                    yield refund.shares, refund.amount, case.about.kind != "difference"
            case Closed(gave=gave, paid=paid) if case.about.kind != "late_payment":
                yield gave, paid, case.about.kind != "difference"
            case _:
                pass
    for elsewhere in state.paid_elsewhere:
        yield elsewhere.shares, elsewhere.amount, True


def divided(amount: Decimal, among: dict[str, Decimal], smallest: Decimal = FINEST) -> dict[str, Decimal]:
    """Divide an amount in proportion, none getting more than his number; what nobody can take is left."""
    whole = total(among.values())
    if whole <= 0:
        return dict.fromkeys(among, ZERO)
    amount = min(amount, whole)
    parts = {
        name: min((amount * most / whole).quantize(smallest, ROUND_DOWN), most)
        for name, most in among.items()
    }
    over = amount - total(parts.values())
    for name, most in among.items():
        more = max(min(over, most - parts[name]), -parts[name])
        parts[name] += more
        over -= more
    return parts


def shares_of(amount: Decimal, lines: Iterable[str], book: Account) -> tuple[Share, ...]:
    """Which part of an amount each line takes, as far as something is left of it."""
    left = {line: book.left[line] for line in book.uncompensated(lines)}
    parts = divided(amount, left, min(book.unit, _unit_of(amount)))
    return tuple(
        Share(line_id=line, amount=writable(part))
        for line, part in parts.items()
        if part > 0 or left[line] <= 0
    )


def _unit_of(*amounts: Decimal) -> Decimal:
    """The smallest unit that these amounts are written in, such as 0.01."""
    return Decimal(1).scaleb(min(0, *(int(amount.as_tuple().exponent) for amount in amounts)))


def part_of(about: About, order: Paid, some: tuple[str, ...]) -> Decimal:
    """How much of a case's amount falls to some of its lines, in the order's smallest unit."""
    amounts = dict.fromkeys(about.lines, ZERO)
    for line in order.lines:
        if line.line_id in amounts:
            amounts[line.line_id] += line.amount
    unit = _unit_of(about.amount, order.total, *(line.amount for line in order.lines))
    within = divided(about.amount, amounts, unit)
    if set(some) >= set(about.lines):
        return about.amount
    return writable(total(part for line, part in within.items() if line in some))


def pay(
    state: File,
    order: Paid,
    about: About,
    lines: tuple[str, ...],
    amount: Decimal,
    why: Why,
    at: datetime,
    profile: Profile,
    before_dispatch: bool = False,
    goods_wanted: bool = False,
) -> Decision:
    """Rule `money`: pay what was decided, and never more than is left of these lines."""
    book = account(state, order)
    if book.exhausted(lines):
        return refusal(about, "automatic", ALREADY_COMPENSATED, at, profile)
    payable = writable(min(amount, book.worth(lines)))
    if payable <= 0:
        # What cost nothing is called off all the same.
        return closing(about, "nothing_to_pay", settled=lines if about.kind == "cancellation" else ())
    refund = Refund(
        refund_id=_refund_id(order.order_id, about, 1),
        attempt=1,
        payment_id=order.payment_id,
        lines=book.uncompensated(lines),
        amount=payable,
        shares=shares_of(payable, lines, book),
        decided_by=why.decided_by,
        by_rule=why.by_rule,
        before_dispatch=before_dispatch,
        goods_wanted=goods_wanted,
    )
    return start(order.order_id, about, refund)


def pay_back_payment(order_id: str, about: About, payment_id: str, why: Why) -> Decision:
    """Give a whole payment back that was never the order's."""
    refund = Refund(
        refund_id=_refund_id(order_id, about, 1),
        attempt=1,
        payment_id=payment_id,
        lines=(),
        amount=about.amount,
        shares=(),
        decided_by=why.decided_by,
        by_rule=why.by_rule,
    )
    return start(order_id, about, refund)


def pay_difference(order: Paid, about: About, why: Why) -> Decision:
    """Give back what one line, or the freight, became cheaper by."""
    refund = Refund(
        refund_id=_refund_id(order.order_id, about, 1),
        attempt=1,
        payment_id=order.payment_id,
        lines=about.lines,
        amount=about.amount,
        shares=tuple(Share(line_id=line, amount=about.amount) for line in about.lines),
        decided_by=why.decided_by,
        by_rule=why.by_rule,
        goods_wanted=True,
    )
    return start(order.order_id, about, refund)


def still_owed(state: File, order: Placed | Paid, case: RefundFailed) -> bool:
    """Whether what a failed refund was for has not been given by somebody else meanwhile."""
    refund = case.refund
    if not isinstance(order, Paid) or case.about.kind == "late_payment":
        return True
    others = tuple(each for each in state.cases if each.case_id != case.case_id)
    book = account(state.model_copy(update={"cases": others}), order)
    return refund.amount <= book.payment and all(
        share.amount <= book.left.get(share.line_id, ZERO) for share in refund.shares
    )


def again(order_id: str, about: About, refund: Refund) -> Decision:
    """Try a failed refund again, under a new id."""
    attempt = refund.attempt + 1
    update = {"attempt": attempt, "refund_id": _refund_id(order_id, about, attempt)}
    return start(order_id, about, refund.model_copy(update=update))


def start(order_id: str, about: About, refund: Refund) -> Decision:
    """Ask the payment provider. `case.refunded` follows when the money moved."""
    said = says.CaseRefundStarted(
        case_id=about.case_id,
        kind=about.kind,
        refund_id=refund.refund_id,
        lines=refund.lines,
        amount=refund.amount,
        currency=about.currency,
        decided_by=refund.decided_by,
        by_rule=refund.by_rule,
    )
    effect = Effect(
        effect_id=refund.refund_id,
        kind="refund",
        request={
            "order_id": order_id,
            "amount": plain(refund.amount),
            "currency": about.currency,
            "payment_id": refund.payment_id,
            "reason": refund.by_rule,
        },
    )
    note = CaseIs(case=Refunding(about=about, refund=refund))
    return Decision(notes=(note,), events=(said,), effects=(effect,))


def send_again(
    state: File, order: Paid, about: About, lines: tuple[str, ...], at: datetime, profile: Profile
) -> Decision:
    """Give goods instead of money, once a line. Repaired goods are the buyer's own and count for nothing."""
    book = account(state, order)
    to_send = lines if about.kind == "repair" else book.untouched(lines)
    if not to_send:
        return refusal(about, "automatic", ALREADY_COMPENSATED, at, profile)
    gave = (
        ()
        if about.kind == "repair"
        else tuple(Share(line_id=line, amount=writable(book.left[line]), whole=True) for line in to_send)
    )
    said = says.CaseReshipWanted(
        case_id=about.case_id,
        kind=about.kind,
        lines=to_send,
        parcel_id=about.parcel_id,
        worth=writable(total(share.amount for share in gave)),
        currency=about.currency,
    )
    watched = resend(order, to_send, at, profile)
    return Decision(events=(said,)) + closing(about, "reship_wanted", gave, resend=watched)


def _refund_id(order_id: str, about: About, attempt: int) -> str:
    return task_id(SERVICE, order_id, "refund", about.case_id, attempt)
