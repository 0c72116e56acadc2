"""What became of an order's lines: which parcels took them, what was called off and what paid back.

The same arithmetic serves the rules and the view: both fold what was heard with `after`.
"""

from decimal import Decimal
from typing import Final, Literal, assert_never

from services.orders.commands import (
    HearCaseEnded,
    HearCaseOpened,
    HeardOfGoods,
    HearParcelArrived,
    HearParcelFound,
    HearParcelLeft,
    HearParcelRebooked,
    HearParcelStrayed,
    HearRefund,
    HearShipmentStopped,
)
from shared.contracts.base import Amount, Frozen, Id, Name, Utc
from shared.kernel import money

CANCELLATION: Final = "cancellation"
"""The kind of case by which what was called off is paid back."""
LATE_PAYMENT: Final = "late_payment"
"""The kind of case by which money that came too late goes back: it concerns no line."""

ParcelStage = Literal["under_way", "arrived", "lost", "returned", "pickup_cancelled"]
LineStage = Literal["waiting", "stopped", "left", "missing", "arrived"]
Reach = Literal["paid", "cancelling", "dispatched", "delivered"]


class Parcel(Frozen):
    """A parcel with lines of the order."""

    parcel_id: Id
    carrier: Id
    tracking_no: Id
    lines: tuple[Id, ...]
    stage: ParcelStage = "under_way"
    left_at: Utc | None = None
    """When it was dispatched; None where that was not heard before something else of it."""
    arrived_at: Utc | None = None


class Case(Frozen):
    """An after-sales case of the order."""

    case_id: Id
    kind: Name
    lines: tuple[Id, ...]
    holds: bool
    """Whether completion stands still while it is open."""
    open: bool = True
    stops: tuple[Id, ...] = ()
    """Lines that shall not leave because of it."""


class Refund(Frozen):
    """Money that went back to the buyer."""

    refund_id: Id
    case_id: Id
    kind: Name
    """The case's kind."""
    lines: tuple[Id, ...]
    """The lines that it paid back; none where it was only a goodwill."""
    amount: Amount


class Goods(Frozen):
    """The order's lines and what is known of them."""

    lines: tuple[Id, ...]
    parcels: tuple[Parcel, ...] = ()
    missing: tuple[Id, ...] = ()
    """Lines that strayed with a parcel and have not left again since."""
    called_off: tuple[Id, ...] = ()
    """Lines of which the order asked that they do not leave and are paid back."""
    cases: tuple[Case, ...] = ()
    refunds: tuple[Refund, ...] = ()

    def refunded(self) -> frozenset[str]:
        """The lines that were paid back."""
        return frozenset(line for refund in self.refunds for line in refund.lines)

    def paid_back(self) -> Decimal:
        """How much of the order's own money went back."""
        return money.total(refund.amount for refund in self.refunds if refund.kind != LATE_PAYMENT)

    def stopped(self) -> frozenset[str]:
        """The lines that shall not leave any more."""
        return frozenset(self.called_off).union(*(case.stops for case in self.cases))

    def gone(self) -> tuple[Parcel, ...]:
        """The parcels in which lines of the order left, whatever became of them."""
        return tuple(parcel for parcel in self.parcels if parcel.lines and parcel.stage != "pickup_cancelled")

    def owed(self) -> tuple[str, ...]:
        """The lines that still have to leave: not gone, not stopped, not paid back."""
        kept = self.settled() | self.stopped()
        return tuple(line for line in self.lines if line not in kept)

    def settled(self) -> frozenset[str]:
        """The lines that left or were paid back: nothing of them can be changed any more."""
        return self.refunded().union(*(parcel.lines for parcel in self.gone()))

    def arrived(self, line: str) -> bool:
        """Whether all of a line is with the buyer, as far as its parcels tell."""
        stages = {parcel.stage for parcel in self.parcels if line in parcel.lines}
        return "arrived" in stages and "under_way" not in stages and line not in self.missing

    def line_stage(self, line: str) -> LineStage:
        """Where a line is."""
        if self.arrived(line):
            return "arrived"
        if line in self.missing:
            return "missing"
        if any(line in parcel.lines for parcel in self.gone()):
            return "left"
        return "stopped" if line in self.stopped() else "waiting"

    def last_arrival(self) -> Utc | None:
        """When the last parcel arrived, once every line has arrived or was paid back; else None."""
        refunded = self.refunded()
        if not all(line in refunded or self.arrived(line) for line in self.lines):
            return None
        arrivals = (parcel.arrived_at for parcel in self.gone() if parcel.stage == "arrived")
        return max((moment for moment in arrivals if moment is not None), default=None)

    def last_dispatch(self) -> Utc | None:
        """When the last parcel with lines of the order left, as far as that was heard."""
        return max((parcel.left_at for parcel in self.gone() if parcel.left_at is not None), default=None)

    def wholly_refunded(self) -> bool:
        """Whether every line was paid back and none is with the buyer or on its way to him."""
        live = any(parcel.stage in {"under_way", "arrived"} for parcel in self.gone())
        return self.refunded().issuperset(self.lines) and not live

    def held(self) -> bool:
        """Whether a case is open that holds the order's completion."""
        return any(case.open and case.holds for case in self.cases)

    def reach(self) -> Reach:
        """How far a paid order has come."""
        if self.last_arrival() is not None:
            return "delivered"
        if self.owed():
            return "paid"
        if self.gone():
            return "dispatched"
        to_pay_back = set(self.lines) - self.refunded()
        return "cancelling" if to_pay_back and to_pay_back <= set(self.called_off) else "paid"

    def call_off(self, lines: tuple[str, ...]) -> "Goods":
        """Lines shall not leave any more; none named means all that have not."""
        wanted = self._own(lines) or self.owed()
        return self.model_copy(update={"called_off": _union(self.called_off, wanted)})

    def after(self, heard: HeardOfGoods) -> "Goods":
        """The goods after something was heard of them; the same object if nothing changed."""
        match heard:
            case HearParcelLeft():
                return self._left(heard)
            case HearParcelArrived():
                return self._arrived(heard)
            case HearParcelStrayed():
                return self._strayed(heard)
            case HearParcelFound():
                known = self._parcel(heard.parcel_id)
                if known is None or known.stage != "lost":
                    return self
                return self._put(known.model_copy(update={"stage": "under_way"}), missing=False)
            case HearParcelRebooked():
                return self._renumbered(heard)
            case HearCaseOpened() | HearShipmentStopped() | HearRefund() | HearCaseEnded():
                return self._case_told(heard)
            case _:
                assert_never(heard)

    def _left(self, heard: HearParcelLeft) -> "Goods":
        known = self._parcel(heard.parcel_id)
        if known is not None and known.stage != "pickup_cancelled":
            return self._renumbered(heard)
        return self._put(self._new(heard), missing=False)

    def _arrived(self, heard: HearParcelArrived) -> "Goods":
        known = self._parcel(heard.parcel_id) or self._new(heard)
        if known.stage in {"arrived", "returned"}:
            return self
        arrived = {"stage": "arrived", "arrived_at": heard.arrived_at}
        return self._put(known.model_copy(update=arrived), missing=False)

    def _strayed(self, heard: HearParcelStrayed) -> "Goods":
        known = self._parcel(heard.parcel_id) or self._new(heard)
        came_back = known.stage == "lost" and heard.how == "returned"
        if known.stage != "under_way" and not came_back:
            return self
        return self._put(known.model_copy(update={"stage": heard.how}), missing=True)

    def _renumbered(self, heard: HearParcelLeft | HearParcelRebooked) -> "Goods":
        known = self._parcel(heard.parcel_id)
        number = {"carrier": heard.carrier, "tracking_no": heard.tracking_no}
        if known is None or (known.carrier, known.tracking_no) == (heard.carrier, heard.tracking_no):
            return self
        return self.model_copy(update={"parcels": self._parcels_with(known.model_copy(update=number))})

    def _case_told(self, heard: HearCaseOpened | HearShipmentStopped | HearRefund | HearCaseEnded) -> "Goods":
        known = next((case for case in self.cases if case.case_id == heard.case_id), None)
        match heard:
            case HearCaseOpened():
                if known is None:
                    return self._put_case(self._case(heard, heard.lines, holds=heard.holds))
                # The buyer brought the platform into one that was refused.
                return self if known.open else self._put_case(known.model_copy(update={"open": True}))
            case HearShipmentStopped():
                case = known or self._case(heard, heard.lines, holds=False)
                if not case.open:
                    return self
                return self._put_case(case.model_copy(update={"stops": self._own(heard.lines)}))
            case HearRefund():
                return self._paid_back(heard, known)
            case HearCaseEnded():
                if known is None or not known.open:
                    return self
                return self._end_case(known, self.refunds)
            case _:
                assert_never(heard)

    def _paid_back(self, heard: HearRefund, known: Case | None) -> "Goods":
        if any(refund.refund_id == heard.refund_id for refund in self.refunds):
            return self
        case = known or self._case(heard, heard.lines, holds=False)
        lines = self._own(heard.lines) if heard.settles and heard.kind != LATE_PAYMENT else ()
        if heard.kind == CANCELLATION and not lines:
            lines = case.lines or self.called_off
        refund = Refund(
            refund_id=heard.refund_id,
            case_id=heard.case_id,
            kind=heard.kind,
            lines=lines,
            amount=heard.amount,
        )
        return self._end_case(case, (*self.refunds, refund))

    def _end_case(self, case: Case, refunds: tuple[Refund, ...]) -> "Goods":
        """The case is over: what it stopped may leave again unless it was paid back."""
        called_off = self.called_off
        if case.kind == CANCELLATION:
            over = set(case.lines or self.called_off)
            called_off = tuple(line for line in called_off if line not in over)
        cases = self._cases_with(case.model_copy(update={"open": False, "stops": ()}))
        return self.model_copy(update={"refunds": refunds, "called_off": called_off, "cases": cases})

    def _case(
        self, heard: HearCaseOpened | HearShipmentStopped | HearRefund, lines: tuple[str, ...], *, holds: bool
    ) -> Case:
        return Case(case_id=heard.case_id, kind=heard.kind, lines=self._own(lines), holds=holds)

    def _put_case(self, case: Case) -> "Goods":
        return self.model_copy(update={"cases": self._cases_with(case)})

    def _cases_with(self, case: Case) -> tuple[Case, ...]:
        known = any(other.case_id == case.case_id for other in self.cases)
        replaced = tuple(case if other.case_id == case.case_id else other for other in self.cases)
        return replaced if known else (*self.cases, case)

    def _parcel(self, parcel_id: str) -> Parcel | None:
        return next((parcel for parcel in self.parcels if parcel.parcel_id == parcel_id), None)

    def _new(self, heard: HearParcelLeft | HearParcelArrived | HearParcelStrayed) -> Parcel:
        return Parcel(
            parcel_id=heard.parcel_id,
            carrier=heard.carrier,
            tracking_no=heard.tracking_no,
            lines=self._own(heard.lines),
            left_at=heard.at if isinstance(heard, HearParcelLeft) else None,
        )

    def _put(self, parcel: Parcel, *, missing: bool) -> "Goods":
        """Keep a parcel; its lines are missing now, or no longer."""
        others = tuple(line for line in self.missing if line not in parcel.lines)
        now_missing = _union(self.missing, parcel.lines) if missing else others
        return self.model_copy(update={"missing": now_missing, "parcels": self._parcels_with(parcel)})

    def _parcels_with(self, parcel: Parcel) -> tuple[Parcel, ...]:
        known = self._parcel(parcel.parcel_id) is not None
        replaced = tuple(parcel if other.parcel_id == parcel.parcel_id else other for other in self.parcels)
        return replaced if known else (*self.parcels, parcel)

    def _own(self, lines: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the lines that the order has, each once."""
        return tuple(line for line in self.lines if line in lines)


def _union(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return (*one, *(line for line in other if line not in one))
