"""Rule `carrier_claim`: the loss, then the buyer, then the carrier, and the money on both sides.

The order is strict: confirm the loss, serve the buyer by a new parcel or his money, open the claim,
gather what the carrier wants to see, hand it in, have it decided, appeal once, be paid, reconcile. A
step out of order is refused and the refusal names the step that is missing. Each step has a deadline where
the profile has the carrier's terms; where it has none, somebody has a task for it, so that no claim is
forgotten. What the buyer got was paid by `aftersales`, whose own guard sees to it that nothing is paid
twice; nothing here pays anybody.
"""

from datetime import datetime
from typing import assert_never

from pydantic import JsonValue

from services.logistics import commands as ask
from services.logistics.decide.tasks import named, want, withdraw
from services.logistics.state import Lost, Parcel, Placed
from services.logistics.state.claims import (
    MAX_EVIDENCE,
    Approved,
    Gathering,
    OpenClaim,
    Reconciled,
    RefusedByCarrier,
    Submitted,
)
from shared.contracts.events import logistics as said
from shared.kernel.calendar import later
from shared.kernel.carriage import ClaimTerms, claim_terms
from shared.kernel.decision import (
    NOTHING,
    CancelTimer,
    Decision,
    Outcome,
    Refused,
    SetTimer,
    TaskChange,
    TimerChange,
    TimerDue,
)
from shared.kernel.money import ZERO, writable
from shared.kernel.profiles import Profile

_Step = (
    said.CarrierClaimSubmitted
    | said.CarrierClaimApproved
    | said.CarrierClaimRefused
    | said.CarrierClaimAppealed
)
TIMER = "claim"
_RULE = "carrier_claim"
_AWAITED = {
    "gathering": "submission",
    "submitted": "decision",
    "appealed": "decision",
    "refused": "appeal",
    "approved": "payment",
}


def claimed(command: ask.OpenCarrierClaim, state: Placed, profile: Profile) -> Outcome:
    """Once for each lost parcel, after its buyer was served."""
    lost = [parcel for parcel in state.parcels if isinstance(parcel, Lost)]
    if any(parcel.claimed_for == command.case_id for parcel in lost):
        return NOTHING
    waiting = [parcel for parcel in lost if parcel.claimed_for is None and _served(command, parcel)]
    if not waiting:
        return Refused(slug="no-lost-parcel", detail="No lost parcel with these lines awaits a claim.")
    about = set(command.lines)
    parcel = next((one for one in waiting if set(one.lines) == about), waiting[0])
    terms = claim_terms(profile.values.claims, parcel.carrier)
    until = None if terms is None else later(command.at, terms.submit_within)
    event = said.CarrierClaimOpened(
        **named(parcel),
        case_id=command.case_id,
        remedy=command.remedy,
        served_with=command.served_with,
        currency=command.currency,
        evidence=() if terms is None else terms.evidence,
        deadline_at=until,
    )
    timers, tasks = _awaited(state, parcel, event.case_id, "gathering", until)
    return Decision(rule=_RULE, events=(event,), timers=timers, tasks=tasks)


def _served(command: ask.OpenCarrierClaim, parcel: Lost) -> bool:
    """Whether the case is about the parcel: it names it, or some of its lines."""
    if command.parcel_id is not None:
        return command.parcel_id == parcel.parcel_id
    return not set(command.lines).isdisjoint(parcel.lines)


def stepped(command: ask.ClaimStep, state: Placed, profile: Profile) -> Outcome:
    """The next step of a claim, if it is the next one."""
    parcel = state.parcel(command.parcel_id)
    if parcel is None:
        return Refused(
            slug="parcel-unknown", detail=f"The order has no parcel {command.parcel_id}.", missing=True
        )
    if not isinstance(parcel, Lost):
        return Refused(
            slug="loss-not-confirmed",
            detail=f"The parcel is {parcel.stage}; first its loss is confirmed (task confirm_loss).",
        )
    claim = parcel.open_claim
    if claim is None:
        return Refused(
            slug="buyer-not-served",
            detail="First the buyer gets a new parcel or his money; that opens the claim.",
        )
    if isinstance(claim, Reconciled):
        return Refused(slug="claim-ended", detail=f"The claim is over: {claim.because}.")
    terms = claim_terms(profile.values.claims, parcel.carrier)
    match command:
        case ask.AddClaimEvidence():
            return _evidence(command, parcel, claim)
        case ask.SubmitClaim():
            return _submit(command, state, parcel, claim, terms)
        case ask.ApproveClaim() | ask.RefuseClaim():
            return _decided(command, state, parcel, claim, terms)
        case ask.AppealClaim():
            return _appeal(command, state, parcel, claim, terms)
        case ask.SettleClaim():
            return _paid(command, state, parcel, claim)
        case ask.GiveUpClaim():
            return _ended(state, parcel, claim, "given_up")
        case _:
            assert_never(command)


def _evidence(command: ask.AddClaimEvidence, parcel: Lost, claim: OpenClaim) -> Outcome:
    if not isinstance(claim, Gathering | RefusedByCarrier):
        return Refused(slug="claim-submitted", detail=f"The claim is {claim.stage}; the carrier has it.")
    if any((one.kind, one.ref) == (command.kind, command.ref) for one in claim.evidence):
        return NOTHING
    if len(claim.evidence) >= MAX_EVIDENCE:
        return Refused(slug="too-much-evidence", detail=f"A claim has at most {MAX_EVIDENCE} documents.")
    added = said.CarrierClaimEvidenceAdded(
        **named(parcel),
        case_id=claim.case_id,
        evidence=command.kind,
        ref=command.ref,
        missing=tuple(kind for kind in claim.missing if kind != command.kind),
        deadline_at=claim.deadline_at,
    )
    return Decision(rule=_RULE, events=(added,))


def _submit(
    command: ask.SubmitClaim, state: Placed, parcel: Lost, claim: OpenClaim, terms: ClaimTerms | None
) -> Outcome:
    if not isinstance(claim, Gathering):
        return Refused(slug="claim-submitted", detail=f"The claim is {claim.stage}; it was handed in before.")
    if claim.missing:
        return Refused(
            slug="evidence-missing",
            detail=f"The carrier wants to see {', '.join(claim.missing)} first; add it as evidence.",
        )
    until = None if terms is None else later(command.at, terms.answer_within)
    event = said.CarrierClaimSubmitted(
        **named(parcel),
        case_id=claim.case_id,
        amount=command.amount,
        reference=command.reference,
        deadline_at=until,
    )
    return _step(state, parcel, event, until, "submitted")


def _decided(
    command: ask.ApproveClaim | ask.RefuseClaim,
    state: Placed,
    parcel: Lost,
    claim: OpenClaim,
    terms: ClaimTerms | None,
) -> Outcome:
    match claim:
        case Gathering():
            return Refused(slug="claim-not-submitted", detail="The claim was not handed in; submit it first.")
        case RefusedByCarrier():
            return Refused(slug="appeal-first", detail="The carrier refused before; the shop appeals first.")
        case Approved():
            return Refused(slug="claim-decided", detail="The carrier approved the claim before.")
        case Submitted():
            pass
    if isinstance(command, ask.ApproveClaim):
        until = None if terms is None else later(command.at, terms.pay_within)
        approved = said.CarrierClaimApproved(
            **named(parcel), case_id=claim.case_id, amount=command.amount, deadline_at=until
        )
        return _step(state, parcel, approved, until, "approved")
    until = None if terms is None or claim.appealed else later(command.at, terms.appeal_within)
    refused = said.CarrierClaimRefused(
        **named(parcel),
        case_id=claim.case_id,
        reason=command.reason,
        final=claim.appealed,
        deadline_at=until,
    )
    if not claim.appealed:
        return _step(state, parcel, refused, until, "refused")
    return Decision(rule=_RULE, events=(refused,)) + _ended(state, parcel, claim, "refused")


def _appeal(
    command: ask.AppealClaim, state: Placed, parcel: Lost, claim: OpenClaim, terms: ClaimTerms | None
) -> Outcome:
    if not isinstance(claim, RefusedByCarrier):
        return Refused(slug="claim-not-refused", detail=f"The claim is {claim.stage}; there is no refusal.")
    until = None if terms is None else later(command.at, terms.answer_within)
    event = said.CarrierClaimAppealed(**named(parcel), case_id=claim.case_id, deadline_at=until)
    return _step(state, parcel, event, until, "appealed")


def _paid(command: ask.SettleClaim, state: Placed, parcel: Lost, claim: OpenClaim) -> Outcome:
    if not isinstance(claim, Approved):
        return Refused(
            slug="claim-not-approved", detail=f"The claim is {claim.stage}; the carrier approves it first."
        )
    paid = said.CarrierClaimPaid(**named(parcel), case_id=claim.case_id, amount=command.amount)
    served = claim.served_with
    both = said.CarrierClaimReconciled(
        **named(parcel),
        case_id=claim.case_id,
        served_with=served,
        paid_by_carrier=command.amount,
        currency=claim.currency,
        shortfall=ZERO if served is None else writable(served - command.amount),
        surplus=ZERO if served is None else writable(command.amount - served),
    )
    return Decision(
        rule=_RULE, events=(paid, both), timers=_no_clock(parcel), tasks=_chased(state, parcel, "paid")
    )


def _ended(state: Placed, parcel: Lost, claim: OpenClaim, reason: str, task_id: str = "") -> Decision:
    """The claim brings nothing: the shop bears what the buyer got."""
    closed = said.CarrierClaimClosed.model_validate(
        {**named(parcel), "case_id": claim.case_id, "reason": reason}
    )
    both = said.CarrierClaimReconciled(
        **named(parcel),
        case_id=claim.case_id,
        served_with=claim.served_with,
        paid_by_carrier=ZERO,
        currency=claim.currency,
        shortfall=claim.served_with or ZERO,
        surplus=ZERO,
    )
    return Decision(
        rule=_RULE,
        events=(closed, both),
        timers=_no_clock(parcel),
        tasks=_chased(state, parcel, reason, except_for=task_id),
    )


def claim_due(timer: TimerDue, state: Placed) -> Outcome:
    """A step was not done in time: somebody chases it. A refusal that nobody appealed stands."""
    parcel = state.parcel(timer.key)
    claim = parcel.open_claim if isinstance(parcel, Lost) else None
    if not isinstance(parcel, Lost) or claim is None or claim.deadline_at != timer.due_at:
        return NOTHING
    if isinstance(claim, RefusedByCarrier):
        return _ended(state, parcel, claim, "not_appealed")
    if isinstance(claim, Reconciled):
        return NOTHING
    awaited = _AWAITED[claim.stage]
    overdue = said.CarrierClaimOverdue.model_validate(
        {**named(parcel), "case_id": claim.case_id, "awaited": awaited, "was": timer.due_at}
    )
    return Decision(
        rule=_RULE, events=(overdue,), tasks=_chase(state, parcel, claim.case_id, awaited, claim.missing)
    )


def _chase(
    state: Placed, parcel: Lost, case_id: str, awaited: str, missing: tuple[str, ...] = ()
) -> tuple[TaskChange, ...]:
    """Task `chase_claim`: somebody sees to the step that the claim waits for."""
    summary = f"The claim about the lost parcel waits for its {awaited}: ask {parcel.carrier}, or give it up."
    more: dict[str, JsonValue] = {"case_id": case_id, "awaited": awaited, "missing": list(missing)}
    return want(state, parcel, "chase_claim", summary, more=more)


def chased(answer: ask.ClaimAnswer, parcel: Parcel, state: Placed) -> Decision | None:
    """Task `chase_claim`: the carrier named another day, or the claim is given up."""
    claim = parcel.open_claim if isinstance(parcel, Lost) else None
    if not isinstance(parcel, Lost) or claim is None or isinstance(claim, Reconciled):
        return None
    match answer:
        case ask.AwaitCarrier():
            until = max(answer.until, answer.at)
            moved = said.CarrierClaimDeadlineChanged(
                **named(parcel),
                case_id=claim.case_id,
                was=claim.deadline_at,
                deadline_at=until,
                reason="promised",
            )
            return Decision(rule=_RULE, events=(moved,), timers=_clock(parcel, until))
        case ask.WriteClaimOff():
            return _ended(state, parcel, claim, "given_up", answer.task_id)
        case _:
            assert_never(answer)


def _step(state: Placed, parcel: Lost, event: _Step, until: datetime | None, step: str) -> Decision:
    timers, tasks = _awaited(state, _unchased(parcel), event.case_id, step, until)
    return Decision(rule=_RULE, events=(event,), timers=timers, tasks=(*_chased(state, parcel, step), *tasks))


def _awaited(
    state: Placed, parcel: Lost, case_id: str, step: str, until: datetime | None
) -> tuple[tuple[TimerChange, ...], tuple[TaskChange, ...]]:
    """The deadline of a claim's next step; where no terms name one, somebody's task takes its place."""
    if until is not None:
        return _clock(parcel, until), ()
    return _no_clock(parcel), _chase(state, parcel, case_id, _AWAITED[step])


def _unchased(parcel: Lost) -> Lost:
    """The parcel without its open task about the claim, which closes with the step."""
    return parcel.model_copy(update={"tasks": tuple(t for t in parcel.tasks if t.kind != "chase_claim")})


def _chased(state: Placed, parcel: Lost, reason: str, except_for: str = "") -> tuple[TaskChange, ...]:
    """What was chased has come: the task closes itself."""
    task = parcel.task("chase_claim")
    return () if task is None or task.task_id == except_for else withdraw(state, (task,), reason)


def _clock(parcel: Lost, until: datetime) -> tuple[TimerChange, ...]:
    return (SetTimer(name=TIMER, key=parcel.parcel_id, due_at=until),)


def _no_clock(parcel: Lost) -> tuple[TimerChange, ...]:
    return (CancelTimer(name=TIMER, key=parcel.parcel_id),)
