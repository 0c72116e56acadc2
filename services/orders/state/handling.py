"""What the service team does with an order: wishes in their strict order, checks, stock, and the release.

The same folding serves the rules and the view: `after` takes one event that the order said. Texts that may
name the buyer are not here; `Order.texts` keeps them.
"""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from shared.contracts.base import Amount, Frozen, Id, Name, Utc
from shared.contracts.event import Payload
from shared.contracts.events import handling as said
from shared.contracts.events.common import TaskWanted, TaskWithdrawn
from shared.contracts.facts import Line
from shared.contracts.tasks import TaskKind
from shared.contracts.wishes import FIELDS, FlagColour, VerifiedField, WishKind

WishStage = Literal["made", "flagged", "confirmed", "instructed", "done", "dropped"]
Release = Literal["open", "blocked", "released"]
Choice = Literal["wait", "replace", "cancel_lines", "not_needed"]
TASKS: Final[frozenset[TaskKind]] = frozenset(
    {
        "confirm_wish",
        "call_warehouse",
        "verify_order",
        "offer_choice",
        "help_with_payment",
        "merge_freight",
    }
)
WISHES_MAX: Final = 100
"""How many wishes an order takes in its life."""
INVOICES_KEPT_FREE: Final = 20
"""How many more there may be of invoices, where a platform lets a shop refuse none."""
REMARKS_MAX: Final = 200


class OpenTask(Frozen):
    """A task about the order's handling that waits for an agent."""

    task_id: Id
    kind: TaskKind
    about: Id
    """The wish or shortage that it is about; the order's id where it is about the whole."""
    due_at: Utc | None


class Wish(Frozen):
    """A special request or a change, and how far it has come."""

    wish_id: Id
    kind: WishKind
    stage: WishStage = "made"
    by: Name
    """Who took it."""
    made_at: Utc
    carrier: Id | None = None
    slot: Name | None = None
    was: Line | None = None
    line: Line | None = None
    """The changed line as it was and as it is."""
    was_freight: Amount | None = None
    freight: Amount | None = None
    paid: bool = False
    """Whether it was made after the payment."""
    colour: FlagColour | None = None
    flagged_by: Name | None = None
    flagged_at: Utc | None = None
    confirmed_by: Name | None = None
    dropped_because: Name | None = None

    @property
    def open(self) -> bool:
        """Whether somebody has still to do something about it."""
        return self.stage not in {"done", "dropped"}

    @property
    def stands(self) -> bool:
        """Whether the buyer stands by it: it was confirmed and not dropped since."""
        return self.stage in {"confirmed", "instructed", "done"}

    @property
    def cheaper_by(self) -> Decimal:
        """By how much it made its line or the freight cheaper; below zero where it made it dearer."""
        if self.was is not None and self.line is not None:
            return self.was.amount - self.line.amount
        if self.was_freight is not None and self.freight is not None:
            return self.was_freight - self.freight
        return Decimal(0)


class Flag(Frozen):
    """The order's flag."""

    colour: FlagColour
    by: Name
    at: Utc


class Remark(Frozen):
    """A remark of the shop. One that somebody wrote has its text in the order's file."""

    remark_id: Id
    by: Name
    at: Utc
    text: str | None = None
    wish_id: Id | None = None


class Shortage(Frozen):
    """Lines that the warehouse does not have, and what the buyer chose."""

    shortage_id: Id
    lines: tuple[Id, ...]
    at: Utc
    back_at: Utc | None = None
    choice: Choice | None = None


class Handling(Frozen):
    """Everything about an order's handling."""

    flag: Flag | None = None
    wishes: tuple[Wish, ...] = ()
    remarks: tuple[Remark, ...] = ()
    verified: tuple[VerifiedField, ...] = ()
    """The fields that were found good."""
    verified_by: Name | None = None
    release: Release = "open"
    waits_for: tuple[Name, ...] = ()
    """What keeps the order from leaving."""
    shortages: tuple[Shortage, ...] = ()
    payment_failures: int = 0
    supplemented_by: tuple[Id, ...] = ()
    freight_too_much: Amount | None = None
    """What of the freight an agent was asked to give back, since orders leave as one."""
    tasks: tuple[OpenTask, ...] = ()
    asked: Annotated[int, Field(ge=0)] = 0
    """How many tasks were wanted."""

    def wish(self, wish_id: str) -> Wish | None:
        """The wish of that id."""
        return next((wish for wish in self.wishes if wish.wish_id == wish_id), None)

    def shortage(self, shortage_id: str) -> Shortage | None:
        """The shortage of that id."""
        return next((one for one in self.shortages if one.shortage_id == shortage_id), None)

    def open_wishes(self) -> tuple[Wish, ...]:
        """Those that somebody has still to do something about."""
        return tuple(wish for wish in self.wishes if wish.open)

    def in_effect(self, kind: WishKind) -> Wish | None:
        """The newest wish of a kind that the buyer stands by."""
        return next((wish for wish in reversed(self.wishes) if wish.kind == kind and wish.stands), None)

    def unverified(self) -> tuple[VerifiedField, ...]:
        """The fields that were not found good."""
        return tuple(field for field in FIELDS if field not in self.verified)

    def task(self, task_id: str) -> OpenTask | None:
        """The open task of that id."""
        return next((task for task in self.tasks if task.task_id == task_id), None)

    def tasks_about(self, about: str, *kinds: TaskKind) -> tuple[OpenTask, ...]:
        """The open tasks about a wish, a shortage or the order, of all kinds or some."""
        return tuple(one for one in self.tasks if one.about == about and (not kinds or one.kind in kinds))

    @property
    def quiet(self) -> bool:
        """Whether nothing was ever asked, told or checked beside the usual."""
        return not (self.wishes or self.shortages or self.tasks) and self.release == "open"

    @property
    def deadline_at(self) -> datetime | None:
        """The next moment at which somebody is late with it."""
        return min((task.due_at for task in self.tasks if task.due_at is not None), default=None)

    def after(self, payload: Payload, at: datetime) -> "Handling":
        """The handling after the order said something; the same object if it is about something else."""
        match payload:
            case TaskWanted(kind=kind) if kind in TASKS:
                about = str(payload.details.get("about", payload.order_id))
                task = OpenTask(task_id=payload.task_id, kind=kind, about=about, due_at=payload.due_at)
                too_much = _too_much(payload) or self.freight_too_much
                return _with(self, tasks=(*self.tasks, task), asked=self.asked + 1, freight_too_much=too_much)
            case TaskWithdrawn():
                return _without(self, payload.task_id)
            case (
                said.WishMade()
                | said.WishConfirmed()
                | said.WishDropped()
                | said.InstructionGiven()
                | said.InstructionAcknowledged()
            ):
                return self._of_wish(payload, at)
            case said.OrderFlagged():
                return self._flagged(payload, at)
            case said.OrderRemarked():
                remark = Remark(remark_id=payload.remark_id, by=payload.by, at=at)
                return _with(self, remarks=(*self.remarks, remark)[-REMARKS_MAX:])
            case said.OrderVerified():
                good = {*self.verified, *payload.good} - set(payload.wrong)
                verified = tuple(field for field in FIELDS if field in good)
                return _answered(_with(self, verified=verified, verified_by=payload.by), ("verify_order",))
            case said.ReleaseBlocked():
                return _with(self, release="blocked", waits_for=payload.waits_for)
            case said.OrderReleased():
                return _with(self, release="released", waits_for=())
            case said.PaymentFailed():
                return _with(self, payment_failures=payload.times)
            case said.StockShort():
                short = Shortage(
                    shortage_id=payload.shortage_id, lines=payload.lines, at=at, back_at=payload.back_at
                )
                return _with(self, shortages=(*self.shortages, short))
            case said.ChoiceMade():
                chosen = tuple(
                    one.model_copy(update={"choice": payload.choice})
                    if one.shortage_id == payload.shortage_id
                    else one
                    for one in self.shortages
                )
                return _answered(_with(self, shortages=chosen), ("offer_choice",), payload.shortage_id)
            case said.OrderSupplemented():
                return _with(self, supplemented_by=(*self.supplemented_by, payload.by_order))
            case _:
                return self

    def without_task(self, task_id: str) -> "Handling":
        """An agent answered the task."""
        return _without(self, task_id) if self.task(task_id) else self

    def _of_wish(
        self,
        payload: said.WishMade
        | said.WishConfirmed
        | said.WishDropped
        | said.InstructionGiven
        | said.InstructionAcknowledged,
        at: datetime,
    ) -> "Handling":
        match payload:
            case said.WishMade():
                wish = Wish.model_validate({**payload.model_dump(), "made_at": at})
                return _with(self, wishes=(*self.wishes, wish))
            case said.WishConfirmed():
                confirmed = _moved(self, payload.wish_id, stage="confirmed", confirmed_by=payload.by)
                return _answered(confirmed, ("confirm_wish",), payload.wish_id)
            case said.WishDropped():
                dropped = _moved(self, payload.wish_id, stage="dropped", dropped_because=payload.reason)
                return _answered(dropped, ("confirm_wish", "call_warehouse"), payload.wish_id)
            case said.InstructionGiven():
                return _moved(self, payload.wish_id, stage="done" if payload.acknowledged else "instructed")
            case said.InstructionAcknowledged():
                done = _moved(self, payload.wish_id, stage="done")
                return _answered(done, ("call_warehouse",), payload.wish_id)

    def _flagged(self, payload: said.OrderFlagged, at: datetime) -> "Handling":
        flag = Flag(colour=payload.colour, by=payload.by, at=at)
        flagged = _with(self, flag=flag)
        wish = None if payload.wish_id is None else self.wish(payload.wish_id)
        if wish is not None:
            stage = "flagged" if wish.stage == "made" else wish.stage
            flagged = _moved(
                flagged,
                wish.wish_id,
                stage=stage,
                colour=payload.colour,
                flagged_by=payload.by,
                flagged_at=at,
            )
        if payload.remark is None:
            return flagged
        remark = Remark(
            remark_id=f"remark-{payload.wish_id}",
            by=payload.by,
            at=at,
            text=payload.remark,
            wish_id=payload.wish_id,
        )
        return _with(flagged, remarks=(*self.remarks, remark)[-REMARKS_MAX:])


def _too_much(wanted: TaskWanted) -> Decimal | None:
    """What a `merge_freight` task is about."""
    told = wanted.details.get("give_back")
    try:
        return Decimal(str(told)) if wanted.kind == "merge_freight" else None
    except InvalidOperation:
        return None


def _answered(handling: Handling, kinds: tuple[TaskKind, ...], about: str | None = None) -> Handling:
    """Tasks whose question is answered are open no longer, whoever answered it."""
    left = tuple(
        task
        for task in handling.tasks
        if task.kind not in kinds or (about is not None and task.about != about)
    )
    return handling if len(left) == len(handling.tasks) else _with(handling, tasks=left)


def _without(handling: Handling, task_id: str) -> Handling:
    return _with(handling, tasks=tuple(task for task in handling.tasks if task.task_id != task_id))


def _moved(handling: Handling, wish_id: str, **changes: Any) -> Handling:
    wishes = tuple(
        wish.model_copy(update=changes) if wish.wish_id == wish_id else wish for wish in handling.wishes
    )
    return _with(handling, wishes=wishes)


def _with(handling: Handling, **changes: Any) -> Handling:
    return handling.model_copy(update=changes)


NO_HANDLING: Final = Handling()
