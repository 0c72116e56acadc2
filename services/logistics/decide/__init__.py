"""The rules of logistics: one answer to every command, for an order that is known or not yet."""

from datetime import datetime
from typing import assert_never

from services.logistics import commands as ask
from services.logistics.decide.answers import answered
from services.logistics.decide.clocks import timer_due
from services.logistics.decide.dispatch import claimed, dispatched, stopped
from services.logistics.decide.receiver import kept
from services.logistics.decide.scans import scanned
from services.logistics.state import NotPlaced, OrderLearnt, Placed, State
from shared.contracts.facts import ShipmentDispatched, ShipmentScanned
from shared.kernel.decision import NOTHING, Decision, EffectDone, EffectFailed, Outcome, Refused, TimerDue
from shared.kernel.profiles import Profile


def decide(
    command: ask.LogisticsCommand,
    state: State,
    now: datetime,  # noqa: ARG001  # clocks go by the carrier's time; staleness is judged when a message goes
    profile: Profile,
) -> Outcome:
    """What follows from a command."""
    match state:
        case NotPlaced():
            return _before_order(command, state, profile)
        case Placed():
            return _of_order(command, state, profile)


def _before_order(command: ask.LogisticsCommand, state: NotPlaced, profile: Profile) -> Outcome:
    match command:
        case ShipmentDispatched() | ShipmentScanned():
            return Refused(slug="order-unknown", detail="The order is not known yet.", early=True)
        case ask.LearnOrder():
            return _learnt(command)
        case ask.KeepReceiver():
            return kept(command, state, profile)
        case ask.StopLines():
            return stopped(command, state)
        case TimerDue() | EffectDone() | EffectFailed():
            return NOTHING
        case _:
            return Refused(slug="order-unknown", detail="The order is not known.", missing=True)


def _of_order(command: ask.LogisticsCommand, state: Placed, profile: Profile) -> Outcome:
    match command:
        case ShipmentDispatched():
            return dispatched(command, state, profile)
        case ShipmentScanned():
            return scanned(command, state, profile)
        case ask.LearnOrder():
            return NOTHING
        case ask.KeepReceiver():
            return kept(command, state, profile)
        case ask.StopLines():
            return stopped(command, state)
        case ask.StopOrder():
            whole = ask.StopLines(
                at=command.at, order_id=state.order_id, lines=state.lines, reason=command.reason
            )
            return stopped(whole, state)
        case ask.OpenCarrierClaim():
            return claimed(command, state)
        case (
            ask.ConfirmPickup()
            | ask.RebookPickup()
            | ask.CancelPickup()
            | ask.ReportMoving()
            | ask.AnnounceDelay()
            | ask.SuspectLoss()
            | ask.ReportReturning()
            | ask.ConfirmLoss()
            | ask.ReportFound()
            | ask.ResolveException()
            | ask.CorrectAddress()
            | ask.OrderReturn()
            | ask.Resend()
            | ask.PayBack()
        ):
            return answered(command, state, profile)
        case TimerDue():
            return timer_due(command, state, profile)
        case EffectDone() | EffectFailed():
            return NOTHING
        case _:
            assert_never(command)


def _learnt(command: ask.LearnOrder) -> Decision:
    note = OrderLearnt(order_id=command.order_id, lines=command.lines, ship_service=command.ship_service)
    return Decision(notes=(note,))
