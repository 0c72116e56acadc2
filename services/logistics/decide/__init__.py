"""The rules of logistics: one answer to every command, for an order that is known or not yet."""

from datetime import datetime
from typing import Final, assert_never

from services.logistics import commands as ask
from services.logistics.decide.answers import answered
from services.logistics.decide.claims import claim_due, claimed, stepped
from services.logistics.decide.clocks import timer_due
from services.logistics.decide.dispatch import dispatched, stopped
from services.logistics.decide.receiver import kept
from services.logistics.decide.scans import scan_taken, scanned
from services.logistics.decide.sightings import number_learnt, sighted, waited
from services.logistics.state import INITIAL, NotPlaced, OrderLearnt, Placed, State, Tracked
from services.logistics.state.carriers import NO_CARRIERS, Carriers
from shared.contracts.facts import ShipmentDispatched, ShipmentScanned, Sighting
from shared.kernel.decision import NOTHING, Decision, EffectDone, EffectFailed, Outcome, Refused, TimerDue
from shared.kernel.profiles import Profile

NOT_AN_ORDER: Final = Refused(
    slug="not-an-order", detail="This names the file of a tracking number, not an order.", missing=True
)


def decide(
    command: ask.LogisticsCommand,
    state: State,
    now: datetime,  # noqa: ARG001  # clocks go by the carrier's time; staleness is judged when a message goes
    profile: Profile,
    *,
    carriers: Carriers = NO_CARRIERS,
) -> Outcome:
    """What follows from a command. `carriers` are the names by which carriers go, from their table."""
    match state:
        case NotPlaced():
            return _before_order(command, state, profile, carriers)
        case Placed():
            return _of_order(command, state, profile, carriers)
        case Tracked():
            return _of_number(command, state, profile, carriers)


def _of_number(
    command: ask.LogisticsCommand, state: Tracked, profile: Profile, carriers: Carriers
) -> Outcome:
    match command:
        case Sighting():
            return sighted(command, state, profile, carriers)
        case ask.AwaitNumber():
            return number_learnt(command, state, profile, carriers)
        case TimerDue():
            return waited(command, state, profile)
        case _:
            return NOT_AN_ORDER


def _before_order(
    command: ask.LogisticsCommand, state: NotPlaced, profile: Profile, carriers: Carriers
) -> Outcome:
    match command:
        case Sighting() | ask.AwaitNumber() if state == INITIAL:
            return _of_number(command, Tracked(), profile, carriers)
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


def _of_order(command: ask.LogisticsCommand, state: Placed, profile: Profile, carriers: Carriers) -> Outcome:
    match command:
        case ShipmentDispatched():
            return dispatched(command, state, profile, carriers)
        case ask.TakeScan():
            return scan_taken(command, state, profile)
        case Sighting() | ask.AwaitNumber():
            return Refused(slug="not-a-tracking-number", detail="An order goes by the name of this number.")
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
            return claimed(command, state, profile)
        case (
            ask.AddClaimEvidence()
            | ask.SubmitClaim()
            | ask.ApproveClaim()
            | ask.RefuseClaim()
            | ask.AppealClaim()
            | ask.SettleClaim()
            | ask.GiveUpClaim()
        ):
            return stepped(command, state, profile)
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
            | ask.AwaitCarrier()
            | ask.WriteClaimOff()
        ):
            return answered(command, state, profile)
        case TimerDue(name="claim"):
            return claim_due(command, state)
        case TimerDue():
            return timer_due(command, state, profile)
        case EffectDone() | EffectFailed():
            return NOTHING
        case _:
            assert_never(command)


def _learnt(command: ask.LearnOrder) -> Decision:
    note = OrderLearnt(order_id=command.order_id, lines=command.lines, ship_service=command.ship_service)
    return Decision(notes=(note,))
