"""The rules of logistics: one answer to every command, for an order that is known or not yet."""

from datetime import datetime
from typing import Final

from services.logistics import commands as ask
from services.logistics.decide import care, enquiries, erasing, incidents
from services.logistics.decide.answers import answered
from services.logistics.decide.beside import accompanied
from services.logistics.decide.claims import claim_due, claimed, stepped
from services.logistics.decide.clocks import timer_due
from services.logistics.decide.dispatch import dispatched, not_sent_again, resumed, stopped
from services.logistics.decide.receiver import kept
from services.logistics.decide.scans import scan_taken, scanned
from services.logistics.decide.scorecards import measured
from services.logistics.decide.sightings import number_learnt, sighted, waited
from services.logistics.state import INITIAL, NotPlaced, OrderLearnt, Placed, State, Tracked
from services.logistics.state.carriers import NO_CARRIERS, Carriers
from services.logistics.state.incidents import Watching
from services.logistics.state.scorecards import Scorecard
from shared.contracts.facts import ShipmentDispatched, ShipmentScanned, Sighting
from shared.kernel.decision import NOTHING, Decision, EffectDone, EffectFailed, Outcome, Refused, TimerDue
from shared.kernel.erasure import EraseBuyer
from shared.kernel.profiles import Profile

NOT_AN_INCIDENT: Final = Refused(
    slug="incident-unknown", detail="This names an order, not an incident.", missing=True
)
NOT_AN_ORDER: Final = Refused(
    slug="not-an-order", detail="This names a file that is no order's.", missing=True
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
            outcome = _of_order(command, state, profile, carriers)
            return _beside(command, state, outcome, profile)
        case Tracked():
            return _of_number(command, state, profile, carriers)
        case Watching():
            return _of_region(command, state, profile)
        case Scorecard():
            return measured(command, state) if isinstance(command, ask.MeasureParcel) else NOT_AN_ORDER


def _beside(command: ask.LogisticsCommand, state: Placed, outcome: Outcome, profile: Profile) -> Outcome:
    """What goes beside a decision, where it decided anything, or a carrier weighed something."""
    if isinstance(outcome, Refused):
        return outcome
    weighed = _weighed(command, state)
    if weighed is None and not (outcome.notes or outcome.events or outcome.tasks):
        return outcome
    return accompanied(outcome, state, command.at, profile, weighed)


def _weighed(command: ask.LogisticsCommand, state: Placed) -> tuple[str, int] | None:
    """The parcel that a carrier weighed, and its grams, whoever told it."""
    match command:
        case ShipmentScanned(data=scan):
            parcel = state.tracked(scan.carrier, scan.tracking_no)
        case ask.TakeScan(scan=scan, parcel_id=named):
            parcel = state.tracked(scan.carrier, scan.tracking_no, named)
        case _:
            return None
    return (parcel.parcel_id, scan.weight_grams) if parcel and scan.weight_grams else None


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
        case ask.CountParcel() | ask.OpenIncident() if state == INITIAL:
            watching = Watching(shop_id=command.shop_id, carrier=command.carrier, region=command.region)
            return _of_region(command, watching, profile)
        case ask.MeasureParcel(measured=told) if state == INITIAL:
            card = Scorecard(shop_id=command.shop_id, carrier=told.carrier, route=told.route, week=told.week)
            return measured(command, card)
        case ShipmentDispatched() | ShipmentScanned():
            return Refused(slug="order-unknown", detail="The order is not known yet.", early=True)
        case ask.LearnOrder():
            return _learnt(command)
        case ask.KeepReceiver():
            return kept(command, state, profile)
        case EraseBuyer():
            return erasing.erased(state)
        case ask.StopLines():
            return stopped(command, state)
        case ask.ResumeLines():
            return resumed(command, state)
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
        case ask.ResumeLines():
            return resumed(command, state)
        case ask.OpenCarrierClaim():
            return claimed(command, state, profile)
        case TimerDue():
            return _timer_due(command, state, profile)
        case ask.CountParcel() | ask.OpenIncident() | ask.CloseIncident() | ask.WorkedIncident():
            return NOT_AN_INCIDENT
        case EffectDone() | EffectFailed() | ask.MeasureParcel():
            return NOTHING
        case _:
            return _asked(command, state, profile)


def _timer_due(due: TimerDue, state: Placed, profile: Profile) -> Outcome:
    match due.name:
        case "claim":
            return claim_due(due, state)
        case "resend":
            return not_sent_again(due, state)
        case _:
            return timer_due(due, state, profile)


def _asked(command: ask.ClaimStep | ask.Care | ask.AnyAnswer, state: Placed, profile: Profile) -> Outcome:
    match command:
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
        case ask.RegisterEnquiry():
            return enquiries.registered(command, state, profile)
        case ask.RefuseParcel():
            return care.refused(command, state)
        case ask.LinkComplaint():
            return care.complained(command, state)
        case ask.JoinIncident():
            return care.joined(command, state)
        case ask.LeaveIncident():
            return care.released(command, state)
        case ask.TellAlone():
            return care.told_alone(command, state)
        case EraseBuyer():
            return erasing.erased(state)
        case _:
            return answered(command, state, profile)


def _of_region(command: ask.LogisticsCommand, state: Watching, profile: Profile) -> Outcome:
    match command:
        case ask.CountParcel():
            return incidents.counted(command, state, profile)
        case ask.OpenIncident():
            return incidents.opened_by_hand(command, state, profile)
        case ask.CloseIncident():
            return incidents.closed_by_hand(command, state)
        case ask.WorkedIncident():
            return incidents.worked(command, state)
        case TimerDue():
            return incidents.looked_again(command, state, profile)
        case _:
            return NOT_AN_ORDER


def _learnt(command: ask.LearnOrder) -> Decision:
    note = OrderLearnt(
        order_id=command.order_id,
        lines=command.lines,
        ship_service=command.ship_service,
        buyer_id=command.buyer_id,
        line_grams=command.line_grams,
    )
    return Decision(notes=(note,))
