"""What agents found out: the outcomes of the tasks that logistics wanted."""

from typing import assert_never

from services.logistics import commands as ask
from services.logistics.decide import enquiries
from services.logistics.decide.claims import chased
from services.logistics.decide.clocks import (
    deadline,
    loss_suspected,
    no_timers,
    restarted,
    timers,
    values_for,
)
from services.logistics.decide.dispatch import going_again, never_left, sent_again_by
from services.logistics.decide.tasks import named, withdraw
from services.logistics.state import (
    AnswerTaken,
    Clock,
    Moving,
    OpenParcel,
    Placed,
    Returned,
    Returning,
    Troubled,
)
from shared.contracts.event import Payload
from shared.contracts.events import logistics as said
from shared.kernel.decision import Decision, Outcome, Refused
from shared.kernel.profiles import Profile, Values


def answered(answer: ask.AnyAnswer, state: Placed, profile: Profile) -> Outcome:
    """An agent's outcome, if the task is still open: a scan may have closed it meanwhile."""
    found = state.asked(answer.task_id)
    if found is None or found[1].kind != answer.KIND:
        return Refused(slug="task-not-open", detail="The task is not open any more.", missing=True)
    parcel, _ = found
    taken = Decision(notes=(AnswerTaken(parcel_id=parcel.parcel_id, task_id=answer.task_id),))
    if isinstance(answer, ask.AwaitCarrier | ask.WriteClaimOff):
        return _or_ended(chased(answer, parcel, state), taken)
    if isinstance(answer, ask.GiveFeedback | ask.SettleEnquiry | ask.AskAgain):
        return _or_ended(enquiries.answered(answer, parcel, state, profile), taken)
    match parcel:
        case Moving() | Troubled() | Returning():
            carrier = answer.carrier if isinstance(answer, ask.RebookPickup) else parcel.carrier
            outcome = _on_the_way(answer, parcel, state, values_for(state, carrier, profile))
        case Returned():
            outcome = _back(answer, parcel, state, values_for(state, parcel.carrier, profile))
        case _:
            outcome = None
    return _or_ended(outcome, taken)


def _or_ended(outcome: Decision | None, taken: Decision) -> Outcome:
    if outcome is None:
        return Refused(slug="parcel-ended", detail="The parcel's stage leaves nothing to decide here.")
    return outcome + taken


def _on_the_way(
    answer: ask.ParcelAnswer, parcel: OpenParcel, state: Placed, values: Values
) -> Decision | None:
    match answer:
        case ask.ConfirmPickup() | ask.RebookPickup() | ask.CancelPickup():
            return _pickup(answer, parcel, state, values)
        case ask.ReportMoving() | ask.AnnounceDelay() | ask.SuspectLoss() | ask.ReportReturning():
            return _carrier(answer, parcel, state, values)
        case ask.ConfirmLoss() | ask.ReportFound():
            return _loss(answer, parcel, state, values)
        case ask.ResolveException() | ask.CorrectAddress() | ask.OrderReturn():
            return _exception(answer, parcel, state, values)
        case ask.Resend() | ask.PayBack():
            return None
        case _:
            assert_never(answer)


def _pickup(answer: ask.PickupAnswer, parcel: OpenParcel, state: Placed, values: Values) -> Decision:
    """Task `check_pickup`."""
    match answer:
        case ask.ConfirmPickup():
            return _confirmed(answer, "picked_up", parcel, state, values)
        case ask.RebookPickup():
            clock = Clock.handed_over(answer.at)
            event = said.ParcelRebooked(
                parcel_id=parcel.parcel_id,
                carrier=answer.carrier,
                tracking_no=parcel.tracking_no,
                was_carrier=parcel.carrier,
                **deadline(clock, values),
            )
            return _again(answer, event, clock, "rebooked", parcel, state, values)
        case ask.CancelPickup():
            cancelled = said.ParcelPickupCancelled(**named(parcel), lines=parcel.lines)
            ended = _ended(answer, cancelled, "pickup_cancelled", parcel, state)
            waited_for = [
                sent_again_by(answer.at, one, state, values) for one in going_again(state, parcel.lines)
            ]
            return ended + Decision(events=never_left(state, parcel), timers=tuple(waited_for))


def _carrier(answer: ask.CarrierAnswer, parcel: OpenParcel, state: Placed, values: Values) -> Decision:
    """Task `check_with_carrier`."""
    match answer:
        case ask.ReportMoving():
            return _confirmed(answer, "moving", parcel, state, values)
        case ask.AnnounceDelay():
            clock = parcel.clock.delayed(answer.until, answer.at)
            event = said.ParcelDelayAnnounced(**named(parcel), until=answer.until, **deadline(clock, values))
            return _again(answer, event, clock, "delay_announced", parcel, state, values)
        case ask.SuspectLoss() if parcel.clock.lost_suspected:
            return Decision(rule="confirm_loss_first")
        case ask.SuspectLoss():
            suspected = loss_suspected(state, parcel, values)
            return suspected + Decision(timers=timers(parcel.parcel_id, parcel.clock.suspected(), values))
        case ask.ReportReturning():
            return _returning(answer, parcel, state, values)


def _loss(answer: ask.LossAnswer, parcel: OpenParcel, state: Placed, values: Values) -> Decision:
    """Task `confirm_loss`: only now the buyer is served, and only after that the carrier pays."""
    match answer:
        case ask.ConfirmLoss():
            lost = said.ParcelLost(**named(parcel), lines=parcel.lines)
            return _ended(answer, lost, "lost", parcel, state)
        case ask.ReportFound():
            clock = parcel.clock.confirmed(answer.at)
            found = said.ParcelFound(**named(parcel), **deadline(clock, values))
            return _again(answer, found, clock, "found", parcel, state, values)


def _exception(answer: ask.ExceptionAnswer, parcel: OpenParcel, state: Placed, values: Values) -> Decision:
    """Task `resolve_exception`; it is also about a parcel on its way that the buyer refuses."""
    resolved: tuple[Payload, ...] = ()
    if isinstance(parcel, Troubled):
        resolved = (said.ParcelExceptionResolved(**named(parcel), by="agent"),)
    match answer:
        case ask.ResolveException():
            return Decision(rule="exception_scan", events=resolved)
        case ask.CorrectAddress():
            corrected = said.ParcelAddressCorrected(**named(parcel))
            return Decision(rule="exception_scan", events=(corrected, *resolved))
        case ask.OrderReturn():
            return _returning(answer, parcel, state, values)


def _back(answer: ask.AnyAnswer, parcel: Returned, state: Placed, values: Values) -> Decision | None:
    """Task `confirm_address_and_resend`. The address itself comes on the contacts topic."""
    match answer:
        case ask.Resend():
            lines = state.wanted(parcel.lines)
            if parcel.lines and not lines:
                return None
            event: Payload = said.ParcelResendWanted(**named(parcel), lines=lines)
            timer = sent_again_by(answer.at, parcel, state, values)
            return Decision(rule="returned_to_sender", events=(event,), timers=(timer,))
        case ask.PayBack():
            event = said.ParcelRefundWanted(**named(parcel), lines=parcel.lines)
        case _:
            return None
    return Decision(rule="returned_to_sender", events=(event,))


def _confirmed(
    answer: ask.ConfirmPickup | ask.ReportMoving,
    word: str,
    parcel: OpenParcel,
    state: Placed,
    values: Values,
) -> Decision:
    clock = parcel.clock.confirmed(answer.at)
    event = said.ParcelMovementConfirmed.model_validate(
        {**named(parcel), "answer": word, "confirmed_at": answer.at, **deadline(clock, values)}
    )
    return _again(answer, event, clock, f"confirmed_{word}", parcel, state, values)


def _returning(
    answer: ask.ReportReturning | ask.OrderReturn, parcel: OpenParcel, state: Placed, values: Values
) -> Decision:
    clock = parcel.clock.confirmed(answer.at)
    event = said.ParcelReturnOrdered(**named(parcel), **deadline(clock, values))
    over = [
        task
        for task in parcel.tasks
        if task.kind == "resolve_exception" and task.task_id != answer.task_id and not parcel.refused_because
    ]
    again = _again(answer, event, clock, "returning", parcel, state, values)
    return again + Decision(tasks=withdraw(state, over, "returning"))


def _again(
    answer: ask.Answer,
    event: Payload,
    clock: Clock,
    reason: str,
    parcel: OpenParcel,
    state: Placed,
    values: Values,
) -> Decision:
    """The clocks start again; what was asked because of the silence closes itself."""
    return Decision(
        rule="carrier_answered",
        events=(event,),
        timers=timers(parcel.parcel_id, clock, values),
    ) + restarted(state, parcel, clock, reason, except_for=answer.task_id)


def _ended(answer: ask.Answer, event: Payload, reason: str, parcel: OpenParcel, state: Placed) -> Decision:
    others = [task for task in parcel.tasks if task.task_id != answer.task_id]
    return Decision(
        rule="carrier_answered",
        events=(event,),
        timers=no_timers(parcel.parcel_id),
        tasks=withdraw(state, others, reason),
    )
