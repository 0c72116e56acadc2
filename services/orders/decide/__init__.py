"""The rules of orders: what follows from a fact, a command, a timer or what others said."""

from datetime import datetime
from typing import assert_never

from services.orders.commands import (
    AcknowledgeWish,
    AnswerTask,
    AnswerUrge,
    CallOffRest,
    CancelAfterCall,
    CancelOrder,
    ChooseForShortage,
    ConfirmWish,
    DropWish,
    ExtendReceipt,
    FlagWish,
    HandlingCommand,
    HearCaseEnded,
    HearCaseOpened,
    HearParcelArrived,
    HearParcelFound,
    HearParcelLeft,
    HearParcelRebooked,
    HearParcelStrayed,
    HearRefund,
    HearShipmentStopped,
    KnowOrder,
    LearnSupplement,
    MakeChange,
    MakeRequest,
    MergeFreight,
    OrderCommand,
    OrdersCommand,
    PromiseShipment,
    RefundLatePayment,
    ReopenOrder,
    RequestUrge,
    TellWarehouse,
    VerifyOrder,
    WriteRemark,
)
from services.orders.decide import (
    answers,
    cancelling,
    changes,
    erasing,
    freight,
    late_payment,
    links,
    passing_on,
    paying,
    payment_help,
    receipt,
    release,
    reminding,
    serving,
    shipping,
    stock,
    timers,
    urging,
    wishes,
)
from services.orders.state import AnyFile, Buyer, State, Unknown
from services.orders.templates import WishRules
from shared.contracts.facts import (
    InstructionAcknowledged,
    OrderCancelled,
    OrderPaid,
    OrderPlaced,
    PaymentFailed,
    RefundPaid,
    RefundRequested,
    ReturnReceived,
    ReturnShipped,
    ShipmentDispatched,
    ShipmentScanned,
    StockShort,
)
from shared.kernel.decision import NOTHING, EffectDone, EffectFailed, Outcome, Refused, TimerDue
from shared.kernel.erasure import EraseBuyer
from shared.kernel.profiles import Profile


def decide(
    command: OrdersCommand, state: AnyFile, now: datetime, profile: Profile, rules: WishRules
) -> Outcome:
    """The rules' answer. Nothing here depends on `now`: what is late is only stale for the reader."""
    del now
    if isinstance(command, KnowOrder):
        if not isinstance(state, Unknown | Buyer):
            return Refused(slug="not-a-buyer", detail="This file is an order's, not a buyer's.")
        return freight.known(command, state, profile)
    if isinstance(state, Buyer):
        return Refused(slug="not-an-order", detail="This file is a buyer's, not an order's.", missing=True)
    outcome = _ruled(command, state, profile, rules)
    return (
        outcome if isinstance(outcome, Refused) else release.follow(command, state, outcome, profile, rules)
    )


def _ruled(command: OrderCommand, state: State, profile: Profile, rules: WishRules) -> Outcome:
    match command:
        case OrderPlaced():
            return paying.placed(command, state, profile, rules)
        case OrderPaid():
            return paying.paid(command, state, profile)
        case OrderCancelled():
            return cancelling.cancelled(command, state, profile)
        case (
            ShipmentDispatched()
            | ShipmentScanned()
            | RefundRequested()
            | ReturnShipped()
            | ReturnReceived()
            | RefundPaid()
        ):
            return passing_on.passed_on(command, state)
        case TimerDue():
            return _timer_due(command, state, profile)
        case PromiseShipment():
            return shipping.promised(command, state, profile)
        case CallOffRest():
            return cancelling.called_off(command, state, profile)
        case CancelAfterCall():
            return reminding.cancelled_on_the_phone(command, state, profile)
        case RefundLatePayment() | ReopenOrder() | ExtendReceipt() | RequestUrge() | AnswerUrge():
            return _asked(command, state, profile)
        case (
            HearParcelLeft()
            | HearParcelArrived()
            | HearParcelStrayed()
            | HearParcelFound()
            | HearParcelRebooked()
            | HearCaseOpened()
            | HearShipmentStopped()
            | HearRefund()
            | HearCaseEnded()
        ):
            return serving.heard(command, state, profile)
        case EffectDone() | EffectFailed():
            return NOTHING
        case CancelOrder():
            return cancelling.asked_for(command, state, profile)
        case EraseBuyer():
            return erasing.erased(command, state)
        case _:
            return _handled(command, state, profile, rules)


def _handled(command: HandlingCommand, state: State, profile: Profile, rules: WishRules) -> Outcome:
    """What the service team, the warehouse and the payment provider ask and tell."""
    match command:
        case MakeRequest():
            return wishes.requested(command, state, profile)
        case MakeChange():
            return changes.made(command, state, profile, rules)
        case FlagWish():
            return wishes.flagged(command, state, profile, rules)
        case ConfirmWish():
            return wishes.confirmed(command, state)
        case TellWarehouse():
            return wishes.told_again(command, state)
        case AcknowledgeWish():
            return wishes.acknowledged(command.wish_id, command.by, state)
        case DropWish():
            return wishes.dropped(command, state, profile)
        case WriteRemark():
            return wishes.remarked(command, state)
        case VerifyOrder():
            return release.verified(command, state, profile)
        case ChooseForShortage():
            return stock.chosen(command, state, profile, rules)
        case AnswerTask():
            return answers.answered(command, state, profile, rules)
        case MergeFreight() | LearnSupplement():
            return _of_other_orders(command, state, profile)
        case PaymentFailed() | StockShort() | InstructionAcknowledged():
            return _told(command, state, profile)
        case _:
            assert_never(command)


def _asked(
    command: RefundLatePayment | ReopenOrder | ExtendReceipt | RequestUrge | AnswerUrge,
    state: State,
    profile: Profile,
) -> Outcome:
    match command:
        case RefundLatePayment():
            return late_payment.refund(command, state)
        case ReopenOrder():
            return late_payment.reopen(command, state, profile)
        case ExtendReceipt():
            return receipt.extended(command, state, profile)
        case RequestUrge():
            return urging.requested(command, state, profile)
        case AnswerUrge():
            return urging.answered(command, state)
        case _:
            assert_never(command)


def _of_other_orders(command: MergeFreight | LearnSupplement, state: State, profile: Profile) -> Outcome:
    match command:
        case MergeFreight():
            return freight.asked(command, state, profile)
        case LearnSupplement():
            return links.supplemented(command, state)
        case _:
            assert_never(command)


def _told(
    fact: PaymentFailed | StockShort | InstructionAcknowledged, state: State, profile: Profile
) -> Outcome:
    match fact:
        case PaymentFailed():
            return payment_help.failed(fact, state, profile)
        case StockShort():
            return stock.short(fact, state, profile)
        case InstructionAcknowledged():
            return wishes.acknowledged_by_fact(fact, state)
        case _:
            assert_never(fact)


def _timer_due(due: TimerDue, state: State, profile: Profile) -> Outcome:
    """A timer whose moment means nothing in this stage is spent without a word."""
    match due.name:
        case timers.REMINDER_FIRST | timers.REMINDER_LAST_CALL | timers.REMINDER:
            return reminding.remind(due, state, profile)
        case timers.PAYMENT_CALL:
            return reminding.call(state, profile)
        case timers.CLOSE_UNPAID:
            return paying.close(state, profile)
        case timers.SHIP:
            return shipping.overdue(due, state, profile)
        case timers.COMPLETE:
            return serving.complete(state, due.due_at, profile)
        case timers.CATCH_UP:
            return serving.catch_up(due, state, profile)
        case _:
            return NOTHING
