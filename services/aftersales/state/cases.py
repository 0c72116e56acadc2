"""The stages of a case, each with what is known in it and nothing that may be absent.

What a case is about never changes and is the same in all stages. A stage with a clock has its own
name for the timer, so that one that ran in an earlier stage says nothing any more.
"""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.contracts.base import Amount, Currency, Frozen, Id, Name, Text, Utc
from shared.contracts.events.aftersales import CaseKind, DecidedBy
from shared.contracts.tasks import TaskKind

Remedy = Literal["refund", "reship"]
OfferKind = Literal["partial_refund", "reship", "exchange", "gift"]
WITHOUT_HOLD = frozenset({"late_payment", "difference", "review"})
"""Kinds of case during which the order's completion goes on."""


class About(Frozen):
    """What a case is about."""

    case_id: Id
    kind: CaseKind
    reason: Name
    lines: tuple[Id, ...]
    amount: Amount
    currency: Currency
    opened_at: Utc
    parcel_id: Id | None = None
    """The parcel, for a case that a lost or returned one opened."""

    @property
    def holds_order(self) -> bool:
        """Whether the order's completion stands still meanwhile."""
        return self.kind not in WITHOUT_HOLD


class Share(Frozen):
    """What the buyer got for one line."""

    line_id: Id
    amount: Amount
    whole: bool = False
    """Whether he got the goods again, so that nothing is left of the line."""


class Refund(Frozen):
    """Money on its way back, or back."""

    refund_id: Id
    attempt: int
    payment_id: Id
    lines: tuple[Id, ...]
    amount: Amount
    shares: tuple[Share, ...]
    decided_by: DecidedBy
    by_rule: Name
    before_dispatch: bool = False
    goods_wanted: bool = False
    """Whether the goods stay wanted all the same."""


class Resend(Frozen):
    """Goods that are to be sent again, until they have left."""

    lines: tuple[Id, ...]
    leaves_by: Utc | None
    """By when they have to leave; None once somebody was asked to look into it."""
    task_id: Id | None = None
    """The task of whoever was asked."""


class _Stage(Frozen):
    """What every stage has."""

    timer: ClassVar[str] = ""
    ended: ClassVar[bool] = False

    about: About

    @property
    def case_id(self) -> str:
        """The case's id."""
        return self.about.case_id

    @property
    def deadline(self) -> datetime | None:
        """When the case goes on by itself."""
        return None


class _Clocked(_Stage):
    """A stage that does not last."""

    deadline_at: Utc

    @property
    def deadline(self) -> datetime | None:
        """When the case goes on by itself."""
        return self.deadline_at


class _Answerable(_Clocked):
    """The shop is to answer; the task is open. The round grows with each declined offer."""

    timer: ClassVar[str] = "answer_within"

    task_id: Id
    round: int = 1


class Weighing(_Answerable):
    """Something is missing: weights are compared before the shop may answer."""

    stage: Literal["weighing"] = "weighing"
    verify_task_id: Id


class Deciding(_Answerable):
    """The request waits for the shop's answer."""

    stage: Literal["deciding"] = "deciding"


class Choosing(_Answerable):
    """The parcel is lost: the buyer, or the shop for him, chooses a new one or the money."""

    stage: Literal["choosing"] = "choosing"


class Offered(_Clocked):
    """The shop offered something else; the buyer is to answer."""

    timer: ClassVar[str] = "offer_answer_within"

    stage: Literal["offered"] = "offered"
    offer: OfferKind
    amount: Amount
    round: int


class AwaitingReturn(_Clocked):
    """Approved, and the goods are to be sent back first."""

    timer: ClassVar[str] = "ship_back_within"

    stage: Literal["awaiting_return"] = "awaiting_return"
    remedy: Remedy


class Returning(_Clocked):
    """The goods are on their way back."""

    timer: ClassVar[str] = "inspect_within"

    stage: Literal["returning"] = "returning"
    remedy: Remedy
    carrier: Id
    tracking_no: Id


class Inspecting(_Clocked):
    """The goods came back and are not intact: an agent judges them."""

    timer: ClassVar[str] = "decide_inspection_within"

    stage: Literal["inspecting"] = "inspecting"
    remedy: Remedy
    condition: Name
    task_id: Id


class Refunding(_Stage):
    """The payment provider is asked to pay."""

    stage: Literal["refunding"] = "refunding"
    refund: Refund


class RefundFailed(_Stage):
    """The payment provider refused for good; an agent looks into it."""

    stage: Literal["refund_failed"] = "refund_failed"
    refund: Refund
    task_id: Id


class Refunded(_Stage):
    """The money is back."""

    ended: ClassVar[bool] = True

    stage: Literal["refunded"] = "refunded"
    refund: Refund


class RefusedCase(_Stage):
    """The buyer does not get it. He may bring in the platform until `dispute_until`."""

    ended: ClassVar[bool] = True

    stage: Literal["refused"] = "refused"
    slug: Name
    decided_by: DecidedBy
    dispute_until: Utc
    photos: tuple[Id, ...] = ()
    negotiations: tuple[Text, ...] = ()


class Disputed(_Clocked):
    """The platform is in; the shop's evidence is awaited."""

    timer: ClassVar[str] = "evidence_within"

    stage: Literal["disputed"] = "disputed"
    task_id: Id


class Judging(_Stage):
    """The platform decides, with the shop's evidence or without."""

    stage: Literal["judging"] = "judging"
    evidence: tuple[Id, ...]


class Reviewing(_Stage):
    """A bad review: an agent is to call the buyer."""

    stage: Literal["reviewing"] = "reviewing"
    review_id: Id
    task_id: Id


class Closed(_Stage):
    """Over without money of ours, or after something else was given."""

    ended: ClassVar[bool] = True

    stage: Literal["closed"] = "closed"
    reason: Name
    gave: tuple[Share, ...] = ()
    """What the buyer got for the lines."""
    paid: Amount
    """What he got of his payment, by other ways than a refund of ours."""
    stopped: tuple[Id, ...] = ()
    """Lines that were stopped for it and that the buyer has the money for."""
    resend: Resend | None = None
    """What of it has still to leave."""

    @property
    def leaves_by(self) -> datetime | None:
        """By when what is sent again has to leave, if it has not and nobody was asked about it."""
        return None if self.resend is None else self.resend.leaves_by


Answerable = Weighing | Deciding | Choosing
AnyCase = (
    Weighing
    | Deciding
    | Choosing
    | Offered
    | AwaitingReturn
    | Returning
    | Inspecting
    | Refunding
    | RefundFailed
    | Refunded
    | RefusedCase
    | Disputed
    | Judging
    | Reviewing
    | Closed
)
Case = Annotated[AnyCase, Field(discriminator="stage")]
"""One case, in the stage it is in."""


def open_tasks(case: AnyCase) -> tuple[tuple[str, TaskKind], ...]:
    """The tasks that an agent may still complete for this case."""
    match case:
        case Weighing():
            return ((case.verify_task_id, "verify_weight"), (case.task_id, "decide_case"))
        case Deciding() | Choosing():
            return ((case.task_id, "decide_case"),)
        case Inspecting():
            return ((case.task_id, "decide_inspection"),)
        case Reviewing():
            return ((case.task_id, "call_about_review"),)
        case RefundFailed() | Disputed():
            return ((case.task_id, "look_into"),)
        case Closed(resend=Resend(task_id=str() as task)):
            return ((task, "look_into"),)
        case _:
            return ()
