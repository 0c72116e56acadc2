"""The rules of aftersales: `decide(command, state, now, profile)`, one module for each subject."""

from datetime import datetime
from typing import assert_never

from services.aftersales.commands import (
    AftersalesCommand,
    BuyerAnswersOffer,
    BuyerChooses,
    CancelPaidOrder,
    Knowledge,
    LearnChange,
    LearnDelivery,
    LearnDispatch,
    LearnOrder,
    LearnPaidBack,
    LearnPayment,
    LearnPickupCancelled,
    LearnReturned,
    LearnTakenOff,
    LearnWeights,
    Negotiate,
    OnRequest,
    OpenDispute,
    OpenForLostParcel,
    PayBackDifference,
    PayBackLatePayment,
    PayBackReturnedParcel,
    RetryRefund,
    SettleDispute,
    SubmitEvidence,
    TakeOutcome,
)
from services.aftersales.decide import (
    answers,
    disputes,
    elsewhere,
    knowledge,
    refunds,
    replacing,
    requests,
    returns,
    reviews,
    tasks,
)
from services.aftersales.decide.clocks import with_clocks
from services.aftersales.decide.messages import with_messages
from services.aftersales.decide.terms import SHIP_WITHIN
from services.aftersales.state import (
    AwaitingReturn,
    Choosing,
    Closed,
    Deciding,
    Disputed,
    File,
    Inspecting,
    Offered,
    Paid,
    Returning,
    Weighing,
    evolved,
)
from shared.contracts.facts import RefundPaid, RefundRequested, ReturnReceived, ReturnShipped, ReviewPosted
from shared.kernel.decision import (
    NOTHING,
    Decision,
    EffectDone,
    EffectFailed,
    EffectRecalled,
    Outcome,
    Refused,
    TimerDue,
)
from shared.kernel.erasure import RULE, EraseBuyer
from shared.kernel.profiles import Profile


def decide(command: AftersalesCommand, state: File, now: datetime, profile: Profile) -> Outcome:  # noqa: ARG001
    """What follows from a fact, a command or a timer. No rule here looks at the clock."""
    outcome = _decide(command, state, profile)
    if isinstance(outcome, Refused):
        return outcome
    after = evolved(state, outcome.notes)
    decision = with_clocks(command, state, after, outcome)
    return with_messages(after, decision) if profile.values.case_messages else decision


def _decide(command: AftersalesCommand, state: File, profile: Profile) -> Outcome:
    match command:
        case RefundRequested() | ReturnShipped() | ReturnReceived() | RefundPaid() | ReviewPosted():
            return _told(command, state, profile)
        case (
            LearnOrder()
            | LearnPayment()
            | LearnPaidBack()
            | LearnTakenOff()
            | LearnDispatch()
            | LearnWeights()
        ):
            return _learnt(command, state, profile)
        case (
            LearnPickupCancelled()
            | LearnDelivery()
            | LearnReturned()
            | OpenForLostParcel()
            | PayBackReturnedParcel()
            | EraseBuyer()
        ):
            return _learnt(command, state, profile)
        case CancelPaidOrder():
            return requests.cancellation(command, state, profile)
        case PayBackLatePayment():
            return requests.late_payment(command, state)
        case PayBackDifference():
            return requests.difference(command, state)
        case LearnChange():
            return knowledge.order_changed(command, state)
        case TakeOutcome():
            return tasks.outcome_taken(command, state, profile)
        case BuyerAnswersOffer() | BuyerChooses() | RetryRefund():
            return _asked(command, state, profile)
        case Negotiate() | OpenDispute() | SubmitEvidence() | SettleDispute():
            return _asked(command, state, profile)
        case TimerDue():
            return _due(command, state, profile)
        case EffectDone() | EffectFailed() | EffectRecalled():
            return refunds.answered(command, state)
        case _:
            assert_never(command)


def _told(
    fact: RefundRequested | ReturnShipped | ReturnReceived | RefundPaid | ReviewPosted,
    state: File,
    profile: Profile,
) -> Outcome:
    match fact:
        case RefundRequested():
            return requests.refund_requested(fact, state, profile)
        case ReturnShipped():
            return returns.return_shipped(fact, state, profile)
        case ReturnReceived():
            return returns.return_received(fact, state, profile)
        case RefundPaid():
            return elsewhere.refund_paid(fact, state)
        case ReviewPosted():
            return reviews.review_posted(fact, state, profile)
        case _:
            assert_never(fact)


def _learnt(command: Knowledge, state: File, profile: Profile) -> Outcome:
    match command:
        case LearnOrder():
            return knowledge.order_placed(command, state)
        case LearnPayment():
            return knowledge.order_paid(command, state, profile)
        case LearnPaidBack():
            return knowledge.paid_back_elsewhere(state)
        case LearnTakenOff():
            return elsewhere.taken_off(command, state)
        case LearnDispatch():
            return knowledge.parcel_dispatched(command, state)
        case LearnWeights():
            return knowledge.weights_compared(command, state)
        case LearnPickupCancelled():
            return knowledge.pickup_cancelled(command, state, profile)
        case LearnDelivery():
            return knowledge.parcel_delivered(command, state)
        case LearnReturned():
            return knowledge.parcel_returned(command, state)
        case OpenForLostParcel():
            return knowledge.parcel_lost(command, state, profile)
        case PayBackReturnedParcel():
            return knowledge.parcel_to_pay_back(command, state, profile)
        case EraseBuyer():
            # Rule `erasure`: the texts go. Cases and money stay, and what is open goes on without them.
            return Decision(rule=RULE, erases=True)
        case _:
            assert_never(command)


def _asked(command: OnRequest, state: File, profile: Profile) -> Outcome:
    match command:
        case BuyerAnswersOffer():
            return answers.answer_offer(command, state, profile)
        case BuyerChooses():
            return answers.buyer_chooses(command, state, profile)
        case RetryRefund():
            return refunds.retry(command, state)
        case Negotiate():
            return disputes.negotiated(command, state)
        case OpenDispute():
            return disputes.opened(command, state, profile)
        case SubmitEvidence():
            return disputes.evidence_submitted(command, state)
        case SettleDispute():
            return disputes.settled(command, state, profile)
        case _:
            assert_never(command)


def _due(timer: TimerDue, state: File, profile: Profile) -> Decision:
    """A case's clock has come. One that ran in an earlier stage says nothing any more."""
    case = state.case_of(timer.key)
    order = state.order
    if case is None or not isinstance(order, Paid):
        return NOTHING
    if isinstance(case, Closed) and timer.name == SHIP_WITHIN:
        return replacing.due(timer, case, order)
    if case.timer != timer.name:
        return NOTHING
    match case:
        case Weighing() | Deciding() | Choosing():
            return answers.answer_due(timer, case, state, order, profile)
        case Offered():
            return answers.offer_due(timer, case, state, order, profile)
        case AwaitingReturn():
            return returns.ship_back_due(case)
        case Returning() | Inspecting():
            return returns.inspection_due(timer, case, state, order, profile)
        case Disputed():
            return disputes.evidence_due(case)
        case _:
            return NOTHING
