"""The rules of orders: what follows from a fact, a command, a timer or what others said."""

from datetime import datetime
from typing import assert_never

from services.orders.commands import (
    AnswerUrge,
    CallOffRest,
    ExtendReceipt,
    HearCaseEnded,
    HearCaseOpened,
    HearParcelArrived,
    HearParcelFound,
    HearParcelLeft,
    HearParcelRebooked,
    HearParcelStrayed,
    HearRefund,
    HearShipmentStopped,
    OrdersCommand,
    PromiseShipment,
    RefundLatePayment,
    ReopenOrder,
    RequestUrge,
)
from services.orders.decide import (
    cancelling,
    late_payment,
    passing_on,
    paying,
    receipt,
    serving,
    shipping,
    timers,
    urging,
)
from services.orders.state import State
from shared.contracts.facts import (
    OrderCancelled,
    OrderPaid,
    OrderPlaced,
    RefundRequested,
    ReturnReceived,
    ReturnShipped,
    ShipmentDispatched,
    ShipmentScanned,
)
from shared.kernel.decision import NOTHING, EffectDone, EffectFailed, Outcome, TimerDue
from shared.kernel.profiles import Profile


def decide(command: OrdersCommand, state: State, now: datetime, profile: Profile) -> Outcome:
    """The rules' answer. Nothing here depends on `now`: what is late is only stale for the reader."""
    del now
    match command:
        case OrderPlaced():
            return paying.placed(command, state, profile)
        case OrderPaid():
            return paying.paid(command, state, profile)
        case OrderCancelled():
            return cancelling.cancelled(command, state, profile)
        case (
            ShipmentDispatched() | ShipmentScanned() | RefundRequested() | ReturnShipped() | ReturnReceived()
        ):
            return passing_on.passed_on(command, state)
        case TimerDue():
            return _timer_due(command, state, profile)
        case PromiseShipment():
            return shipping.promised(command, state, profile)
        case CallOffRest():
            return cancelling.called_off(command, state, profile)
        case RefundLatePayment():
            return late_payment.refund(command, state)
        case ReopenOrder():
            return late_payment.reopen(command, state, profile)
        case ExtendReceipt() | RequestUrge() | AnswerUrge():
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
        case _:
            assert_never(command)


def _asked(command: ExtendReceipt | RequestUrge | AnswerUrge, state: State, profile: Profile) -> Outcome:
    match command:
        case ExtendReceipt():
            return receipt.extended(command, state, profile)
        case RequestUrge():
            return urging.requested(command, state, profile)
        case AnswerUrge():
            return urging.answered(command, state)
        case _:
            assert_never(command)


def _timer_due(due: TimerDue, state: State, profile: Profile) -> Outcome:
    """A timer whose moment means nothing in this stage is spent without a word."""
    match due.name:
        case timers.REMINDER_FIRST:
            return paying.remind(state, "first")
        case timers.REMINDER_LAST_CALL:
            return paying.remind(state, "last_call")
        case timers.CLOSE_UNPAID:
            return paying.close(state)
        case timers.SHIP:
            return shipping.overdue(due, state, profile)
        case timers.COMPLETE:
            return serving.complete(state)
        case timers.CATCH_UP:
            return serving.catch_up(due, state, profile)
        case _:
            return NOTHING
