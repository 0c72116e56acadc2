"""The after-sales file of one order: what is known of the order, its parcels, cases and reviews.

The file changes by notes alone: a note says what a case, a parcel or the order is from now on. The
events that are said beside it are for others and for the view.
"""

from collections.abc import Iterable
from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from services.aftersales.commands import Weights
from services.aftersales.state.cases import AnyCase, Case, Share
from shared.contracts.base import Amount, Currency, Frozen, Id, Text, Utc
from shared.contracts.facts import Grams, Stars
from shared.kernel.decision import Note


class OrderLine(Frozen):
    """One line of the order."""

    line_id: Id
    sku: Id
    quantity: int
    amount: Amount


class Unknown(Frozen):
    """The order has not been heard of."""

    stage: Literal["unknown"] = "unknown"


class _Known(Frozen):
    order_id: Id
    currency: Currency
    total: Amount
    lines: tuple[OrderLine, ...]
    ship_service: str = ""


class Placed(_Known):
    """The order is known and not paid."""

    stage: Literal["placed"] = "placed"


class Paid(_Known):
    """The order is paid: cases may be opened."""

    stage: Literal["paid"] = "paid"
    payment_id: Id
    paid: Amount
    paid_back_elsewhere: bool = False
    """Whether the platform paid all of it back itself: nothing of it may be given again."""


AnyOrder = Unknown | Placed | Paid


class _Parcel(Frozen):
    parcel_id: Id
    carrier: Id
    tracking_no: Id
    lines: tuple[Id, ...]
    weight_grams: Grams | None = None
    carries: tuple[Id, ...] = ()
    """The cases whose goods are in it, sent again."""


class OnTheWay(_Parcel):
    """It left."""

    stage: Literal["on_the_way"] = "on_the_way"


class Delivered(_Parcel):
    """It arrived."""

    stage: Literal["delivered"] = "delivered"
    delivered_at: Utc


class CameBack(_Parcel):
    """It is back at the warehouse and will not arrive."""

    stage: Literal["came_back"] = "came_back"


class Lost(_Parcel):
    """It will not arrive. A case is owed from then on."""

    stage: Literal["lost"] = "lost"
    since: Utc


class ToPayBack(_Parcel):
    """It came back and shall be paid back. A case is owed from then on."""

    stage: Literal["to_pay_back"] = "to_pay_back"
    since: Utc


AnyParcel = OnTheWay | Delivered | CameBack | Lost | ToPayBack
Parcel = Annotated[AnyParcel, Field(discriminator="stage")]


class Review(Frozen):
    """What the buyer thought of it. The text is in this file and nowhere else."""

    review_id: Id
    stars: Stars
    text: Text
    posted_at: Utc


class PaidElsewhere(Frozen):
    """Money that the platform gave back itself."""

    refund_id: Id
    amount: Amount
    shares: tuple[Share, ...] = ()
    """What of it is for which lines."""
    stopped: tuple[Id, ...] = ()
    """Lines that had not left, and shall not since."""


class File(Frozen):
    """Everything that aftersales knows of one order."""

    order: Annotated[AnyOrder, Field(discriminator="stage")] = Unknown()
    parcels: tuple[Parcel, ...] = ()
    """Those that left, whatever became of them."""
    cases: tuple[Case, ...] = ()
    """In the order in which they were opened."""
    reviews: tuple[Review, ...] = ()
    left_anyway: tuple[Id, ...] = ()
    """By what money was given back of goods that left anyway: a case, a refund of the platform, or the whole
    order. Each is looked into once.
    """

    weights: tuple[tuple[Id, Weights], ...] = ()
    """What logistics compared, by parcel."""
    paid_elsewhere: tuple[PaidElsewhere, ...] = ()
    """What the platform gave back, each once."""

    def weights_of(self, parcel_id: str) -> Weights:
        """What is known of a parcel's weights."""
        return next((told for about, told in self.weights if about == parcel_id), Weights())

    def case_of(self, case_id: str) -> AnyCase | None:
        """The case of that id, if there is one."""
        return next((case for case in self.cases if case.case_id == case_id), None)

    @property
    def sent(self) -> frozenset[str]:
        """The lines that left, whatever became of them."""
        return frozenset(line for parcel in self.parcels for line in parcel.lines)

    def parcel_of(self, parcel_id: str) -> AnyParcel | None:
        """The parcel of that id, if it left."""
        return next((parcel for parcel in self.parcels if parcel.parcel_id == parcel_id), None)


class OrderIs(Note):
    """What is known of the order from now on."""

    order: Placed | Paid


class ParcelIs(Note):
    """Where a parcel is from now on."""

    parcel: Parcel


class ParcelNeverLeft(Note):
    """A parcel is not on its way after all."""

    parcel_id: Id


class CaseIs(Note):
    """The stage in which a case is from now on."""

    case: Case


class ReviewKept(Note):
    """A review was posted."""

    review: Review


class WeightsLearnt(Note):
    """What logistics compared of a parcel's weights."""

    parcel_id: Id
    weights: Weights


class PaidElsewhereKept(Note):
    """The platform gave money back."""

    paid: PaidElsewhere


class LeftAnyway(Note):
    """Goods left although their money was given back before."""

    paid_by: Id


INITIAL: Final = File()
STATE: Final[TypeAdapter[File]] = TypeAdapter(File)


def evolved(state: File, notes: Iterable[Note]) -> File:
    """The file after these notes."""
    for note in notes:
        state = evolve(state, note)
    return state


def evolve(state: File, what: object) -> File:
    """The file after a note. Everything else leaves it as it is."""
    match what:
        case OrderIs(order=order):
            return state.model_copy(update={"order": order})
        case ParcelIs(parcel=parcel):
            return state.model_copy(update={"parcels": _with_parcel(state.parcels, parcel)})
        case ParcelNeverLeft(parcel_id=parcel_id):
            left = tuple(parcel for parcel in state.parcels if parcel.parcel_id != parcel_id)
            return state.model_copy(update={"parcels": left})
        case CaseIs(case=case):
            return state.model_copy(update={"cases": _with_case(state.cases, case)})
        case ReviewKept(review=review):
            return state.model_copy(update={"reviews": (*state.reviews, review)})
        case WeightsLearnt(parcel_id=parcel_id, weights=weights):
            others = tuple(one for one in state.weights if one[0] != parcel_id)
            return state.model_copy(update={"weights": (*others, (parcel_id, weights))})
        case PaidElsewhereKept(paid=paid):
            return state.model_copy(update={"paid_elsewhere": (*state.paid_elsewhere, paid)})
        case LeftAnyway(paid_by=paid_by):
            return state.model_copy(update={"left_anyway": (*state.left_anyway, paid_by)})
        case _:
            return state


def _with_parcel(parcels: tuple[AnyParcel, ...], changed: AnyParcel) -> tuple[AnyParcel, ...]:
    if all(parcel.parcel_id != changed.parcel_id for parcel in parcels):
        return (*parcels, changed)
    return tuple(changed if parcel.parcel_id == changed.parcel_id else parcel for parcel in parcels)


def _with_case(cases: tuple[AnyCase, ...], changed: AnyCase) -> tuple[AnyCase, ...]:
    if all(case.case_id != changed.case_id for case in cases):
        return (*cases, changed)
    return tuple(changed if case.case_id == changed.case_id else case for case in cases)


def keys(state: File) -> tuple[str, ...]:
    """By what else the file is found: its cases, and the parcels that buyers send back."""
    found: list[str] = []
    for case in state.cases:
        found.append(case.case_id)
        if case.stage == "returning":
            found.append(f"{case.carrier}/{case.tracking_no}")
    return tuple(dict.fromkeys(found))
