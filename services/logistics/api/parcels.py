"""HTTP of what is done with one parcel: its claim, enquiry, refusal, complaint and weights."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query, Response

from services.logistics import commands
from services.logistics.decide.surcharges import Quote, quoted
from services.logistics.state import Placed
from services.logistics.views import LogisticsView, ParcelView
from services.logistics.views.care import WeightsView
from shared.adapters.http.auth import Reader
from shared.adapters.http.commands import OnOrder, look, tagged
from shared.adapters.http.paths import PathId
from shared.adapters.http.problems import ASKS, LOOKS, not_found
from shared.contracts.base import Amount, Frozen, Id, Name, Strict, Text
from shared.kernel.decision import Command
from shared.runtime.desk import Desk


class EvidenceBody(Strict):
    """A document, by its kind and a reference."""

    kind: Name
    ref: Id


class SubmissionBody(Strict):
    """What the carrier is asked for."""

    amount: Amount
    reference: Id | None = None


class AmountBody(Strict):
    """What the carrier approved, or paid."""

    amount: Amount


class ReasonBody(Strict):
    """Why."""

    reason: Name


class EnquiryBody(Strict):
    """What the buyer asks."""

    about: Literal["lookup", "urge"] = "lookup"
    channel: Name
    text: Text = ""


class ComplaintBody(Strict):
    """The case that is about how the parcel was carried."""

    case_id: Id
    reason: Name


class WeightsOfParcel(Frozen):
    """A parcel's weights side by side."""

    parcel_id: Id
    carrier: Id
    tracking_no: Id
    weights: WeightsView


class _OnParcel:
    """What every command on a parcel comes with."""

    def __init__(self, order: OnOrder, parcel_id: PathId) -> None:
        self.order = order
        self.parcel_id = parcel_id


OnParcel = Annotated[_OnParcel, Depends()]
_PARCEL: Final = "/orders/{order_id}/parcels/{parcel_id}"


class _Parcels:
    """The parcels of a desk, as commands move them."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.now = desk.clock.now

    async def ask(self, on: _OnParcel, command: Command) -> ParcelView:
        """Ask, and show the parcel as it is then."""
        answer = await on.order.ask(self.desk, command)
        view: LogisticsView = answer.file.view if answer.file else LogisticsView()
        for parcel in view.parcels:
            if parcel.parcel_id == on.parcel_id:
                return parcel
        raise not_found("parcel")


def parcel_routes(router: APIRouter, desk: Desk) -> None:
    """The routes about one parcel."""
    parcels = _Parcels(desk)
    _claiming(router, parcels)
    _deciding(router, parcels)
    _caring(router, parcels)
    _weighing(router, desk)


def _claiming(router: APIRouter, parcels: _Parcels) -> None:
    @router.post(
        _PARCEL + "/claim/evidence", tags=["parcels"], summary="Add a document to a claim", responses=ASKS
    )
    async def evidence(on: OnParcel, body: EvidenceBody) -> ParcelView:
        command = commands.AddClaimEvidence(
            at=parcels.now(), parcel_id=on.parcel_id, kind=body.kind, ref=body.ref
        )
        return await parcels.ask(on, command)

    @router.post(
        _PARCEL + "/claim/submission",
        tags=["parcels"],
        summary="The claim goes to the carrier",
        responses=ASKS,
    )
    async def submit(on: OnParcel, body: SubmissionBody) -> ParcelView:
        command = commands.SubmitClaim(
            at=parcels.now(), parcel_id=on.parcel_id, amount=body.amount, reference=body.reference
        )
        return await parcels.ask(on, command)

    @router.post(
        _PARCEL + "/claim/payment", tags=["parcels"], summary="The carrier paid a claim", responses=ASKS
    )
    async def paid(on: OnParcel, body: AmountBody) -> ParcelView:
        command = commands.SettleClaim(at=parcels.now(), parcel_id=on.parcel_id, amount=body.amount)
        return await parcels.ask(on, command)

    @router.post(_PARCEL + "/claim/write-off", tags=["parcels"], summary="Give a claim up", responses=ASKS)
    async def give_up(on: OnParcel) -> ParcelView:
        return await parcels.ask(on, commands.GiveUpClaim(at=parcels.now(), parcel_id=on.parcel_id))


def _deciding(router: APIRouter, parcels: _Parcels) -> None:
    @router.post(
        _PARCEL + "/claim/approval", tags=["parcels"], summary="The carrier approved a claim", responses=ASKS
    )
    async def approve(on: OnParcel, body: AmountBody) -> ParcelView:
        command = commands.ApproveClaim(at=parcels.now(), parcel_id=on.parcel_id, amount=body.amount)
        return await parcels.ask(on, command)

    @router.post(
        _PARCEL + "/claim/refusal", tags=["parcels"], summary="The carrier refused a claim", responses=ASKS
    )
    async def refuse(on: OnParcel, body: ReasonBody) -> ParcelView:
        command = commands.RefuseClaim(at=parcels.now(), parcel_id=on.parcel_id, reason=body.reason)
        return await parcels.ask(on, command)

    @router.post(
        _PARCEL + "/claim/appeal", tags=["parcels"], summary="Appeal the carrier's refusal", responses=ASKS
    )
    async def appeal(on: OnParcel) -> ParcelView:
        return await parcels.ask(on, commands.AppealClaim(at=parcels.now(), parcel_id=on.parcel_id))


def _caring(router: APIRouter, parcels: _Parcels) -> None:
    @router.post(
        _PARCEL + "/enquiries", tags=["parcels"], summary="The buyer asks where his parcel is", responses=ASKS
    )
    async def enquire(on: OnParcel, body: EnquiryBody) -> ParcelView:
        command = commands.RegisterEnquiry.model_validate(
            {"at": parcels.now(), "parcel_id": on.parcel_id, **body.model_dump()}
        )
        return await parcels.ask(on, command)

    @router.post(
        _PARCEL + "/refusal", tags=["parcels"], summary="The buyer does not take a parcel", responses=ASKS
    )
    async def refuse_parcel(on: OnParcel, body: ReasonBody) -> ParcelView:
        command = commands.RefuseParcel(at=parcels.now(), parcel_id=on.parcel_id, reason=body.reason)
        return await parcels.ask(on, command)

    @router.post(
        _PARCEL + "/complaints",
        tags=["parcels"],
        summary="Link a case with the parcel that it is about",
        responses=ASKS,
    )
    async def complain(on: OnParcel, body: ComplaintBody) -> ParcelView:
        command = commands.LinkComplaint(
            at=parcels.now(), case_id=body.case_id, reason=body.reason, parcel_id=on.parcel_id
        )
        return await parcels.ask(on, command)


def _weighing(router: APIRouter, desk: Desk) -> None:
    @router.get(
        "/orders/{order_id}/weights",
        tags=["parcels"],
        summary="Compare the weights of order, warehouse and carrier",
        responses=LOOKS,
    )
    async def weights(order_id: PathId, actor: Reader, response: Response) -> list[WeightsOfParcel]:
        view: LogisticsView = tagged(response, await look(desk, actor, order_id, "order")).view
        return [WeightsOfParcel.model_validate(parcel.model_dump()) for parcel in view.parcels]

    @router.get(
        "/orders/{order_id}/surcharge",
        tags=["parcels"],
        summary="What a buyer pays on top who insists on a carrier",
        responses=LOOKS,
    )
    async def surcharge(order_id: PathId, carrier: Annotated[Id, Query()], actor: Reader) -> Quote:
        file = await look(desk, actor, order_id, "order")
        if not isinstance(file.state, Placed):
            raise not_found("order")
        return quoted(file.state, carrier, desk.profile_of(file))
