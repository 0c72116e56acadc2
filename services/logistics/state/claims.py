"""A claim against the carrier of a lost parcel, step by step, with the money on both sides."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from shared.contracts.base import Amount, Currency, Frozen, Id, Name, Utc
from shared.contracts.event import Payload
from shared.contracts.events import logistics as said

MAX_EVIDENCE: Final = 20
"""Documents of one claim."""
Remedy = Literal["refund", "reship"]


class Evidence(Frozen):
    """A document that shows what was lost or what it was worth."""

    kind: Name
    ref: Id


class _Claim(Frozen):
    case_id: Id
    """The case by which the buyer was served."""
    remedy: Remedy | None = None
    served_with: Amount | None = None
    """What the buyer got, as money or as goods; None where that was not told."""
    currency: Currency | None = None
    required: tuple[Name, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    appealed: bool = False
    deadline_at: Utc | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """The documents that the carrier wants to see and that are not there."""
        there = {one.kind for one in self.evidence}
        return tuple(kind for kind in self.required if kind not in there)


class Gathering(_Claim):
    """The buyer was served; what the carrier wants to see is being gathered."""

    stage: Literal["gathering"] = "gathering"


class Submitted(_Claim):
    """The carrier has the claim and is to decide."""

    stage: Literal["submitted"] = "submitted"
    amount: Amount


class RefusedByCarrier(_Claim):
    """The carrier refused; the shop may appeal once."""

    stage: Literal["refused"] = "refused"
    amount: Amount
    reason: Name


class Approved(_Claim):
    """The carrier will pay."""

    stage: Literal["approved"] = "approved"
    approved: Amount


class Reconciled(_Claim):
    """Over: both sides of the money are known."""

    stage: Literal["reconciled"] = "reconciled"
    paid_by_carrier: Amount
    because: Name


OpenClaim = Gathering | Submitted | RefusedByCarrier | Approved
AnyClaim = OpenClaim | Reconciled
Claim = Annotated[AnyClaim, Field(discriminator="stage")]


def opened(event: said.CarrierClaimOpened) -> Gathering:
    """The claim as it begins."""
    return Gathering(
        case_id=event.case_id,
        remedy=event.remedy,
        served_with=event.served_with,
        currency=event.currency,
        required=event.evidence,
        deadline_at=event.deadline_at,
    )


def _base(claim: AnyClaim, deadline_at: datetime | None, **changes: Any) -> dict[str, Any]:
    kept = {name: getattr(claim, name) for name in _Claim.model_fields}
    return {**kept, "deadline_at": deadline_at, **changes}


def after(claim: AnyClaim, event: Payload) -> AnyClaim:
    """The claim after an event about it; what it does not know changes nothing."""
    match event:
        case said.CarrierClaimEvidenceAdded():
            evidence = (*claim.evidence, Evidence(kind=event.evidence, ref=event.ref))
            return claim.model_copy(update={"evidence": evidence, "deadline_at": event.deadline_at})
        case said.CarrierClaimSubmitted():
            return Submitted(**_base(claim, event.deadline_at), amount=event.amount)
        case said.CarrierClaimRefused() if isinstance(claim, Submitted):
            return RefusedByCarrier(
                **_base(claim, event.deadline_at), amount=claim.amount, reason=event.reason
            )
        case said.CarrierClaimAppealed() if isinstance(claim, RefusedByCarrier):
            return Submitted(**_base(claim, event.deadline_at, appealed=True), amount=claim.amount)
        case said.CarrierClaimApproved():
            return Approved(**_base(claim, event.deadline_at), approved=event.amount)
        case said.CarrierClaimOverdue():
            return claim.model_copy(update={"deadline_at": None})
        case said.CarrierClaimDeadlineChanged():
            return claim.model_copy(update={"deadline_at": event.deadline_at})
        case said.CarrierClaimReconciled():
            because = "paid" if event.paid_by_carrier > 0 else "not_paid"
            return Reconciled(**_base(claim, None), paid_by_carrier=event.paid_by_carrier, because=because)
        case _:
            return claim
