"""HTTP of logistics: dispatches and scans in, parcels to look at."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Final, Literal, get_args

from fastapi import APIRouter, Body, Query, Request, Response

from services.logistics.api.carriers import carrier_routes
from services.logistics.api.parcels import parcel_routes
from services.logistics.state import Sighted, Tracked
from services.logistics.views import LogisticsView, ParcelView, SightingOutcome, SightingView
from shared.adapters.http.auth import Reader, Teller
from shared.adapters.http.commands import look, look_up, tagged
from shared.adapters.http.examples import fact_examples
from shared.adapters.http.facts import FactTaken, take
from shared.adapters.http.pages import Page, PageQuery, page_of
from shared.adapters.http.paths import PathId
from shared.adapters.http.problems import LOOKS, TELLS
from shared.contracts.base import Frozen, Id
from shared.contracts.facts import LogisticsFact, Sighting
from shared.runtime.desk import Desk, FileView, Taken
from shared.runtime.fold import told_digest
from shared.runtime.work import KeyReused

EXAMPLES: Final = fact_examples("shipment.dispatched", "shipment.scanned")
ParcelStage = Literal[
    "dispatched",
    "picked_up",
    "in_transit",
    "out_for_delivery",
    "delivered",
    "exception",
    "returning",
    "returned",
    "lost",
    "pickup_cancelled",
]


class ParcelsQuery(PageQuery):
    """Which parcels to list."""

    stage: ParcelStage | None = None


class SightingsQuery(PageQuery):
    """Which sightings to list."""

    outcome: SightingOutcome | None = None


class SightingListed(Frozen):
    """What a carrier told by tracking number, with its words."""

    shop_id: Id | None
    sighting: SightingView
    text: str | None = None
    """The carrier's own words, shortened, while it waits for its parcel; null afterwards."""


class ParcelListed(Frozen):
    """A parcel with the order that it belongs to."""

    order_id: Id
    shop_id: Id | None
    parcel: ParcelView


def routes(desk: Desk) -> APIRouter:
    """The routes of logistics."""
    router = APIRouter()

    @router.post(
        "/facts", status_code=202, tags=["facts"], summary="Tell a dispatch or a scan", responses=TELLS
    )
    async def tell(
        fact: Annotated[LogisticsFact, Body(openapi_examples=EXAMPLES)], request: Request, actor: Teller
    ) -> FactTaken:
        return await take(desk, request, actor, fact)

    @router.get("/parcels", tags=["orders"], summary="List parcels", responses=LOOKS)
    async def parcels(
        query: Annotated[ParcelsQuery, Query()], request: Request, actor: Reader
    ) -> Page[ParcelListed]:
        def wanted(it: ParcelListed) -> bool:
            return query.stage in (None, it.parcel.stage)

        stages = list(get_args(ParcelStage)) if query.stage is None else query.stage
        return await page_of(desk, request, actor, query, {"view.stages": stages}, _parcels, wanted)

    @router.get(
        "/sightings",
        tags=["orders"],
        summary="List what carriers told by tracking number",
        responses=LOOKS,
    )
    async def sightings(
        query: Annotated[SightingsQuery, Query()], request: Request, actor: Reader
    ) -> Page[SightingListed]:
        def wanted(it: SightingListed) -> bool:
            return query.outcome in (None, it.sighting.outcome) and actor.serves(it.shop_id)

        outcomes = list(get_args(SightingOutcome)) if query.outcome is None else query.outcome
        where = {"view.outcomes": outcomes}
        return await page_of(desk, request, actor, query, where, _sightings, wanted)

    @router.get(
        "/parcels/{carrier}/{tracking_no}",
        tags=["orders"],
        summary="Find an order's parcels by a tracking number",
        responses=LOOKS,
    )
    async def tracked(
        carrier: PathId, tracking_no: PathId, actor: Reader, response: Response
    ) -> list[ParcelListed]:
        return _parcels(tagged(response, await look_up(desk, actor, f"{carrier}/{tracking_no}", "parcel")))

    @router.get(
        "/orders/{order_id}/parcels", tags=["orders"], summary="Look at an order's parcels", responses=LOOKS
    )
    async def of_order(order_id: PathId, actor: Reader, response: Response) -> LogisticsView:
        view: LogisticsView = tagged(response, await look(desk, actor, order_id, "order")).view
        return view

    parcel_routes(router, desk)
    carrier_routes(router, desk)
    return router


async def sight(desk: Desk, sightings: Sequence[Sighting], shops: tuple[str, ...] | None) -> Sequence[Taken]:
    """Take what carriers tell by tracking number. Each answer has the file of the order that it is about."""
    answers = await desk.take_all([(each, told_digest(each)) for each in sightings], shops)
    settled = [_settled(each, answer) for each, answer in zip(sightings, answers, strict=True)]
    orders: dict[str | None, FileView | None] = {
        one.order_id: await desk.look(one.order_id) for _, one in settled if one and one.order_id
    }
    return [_as_taken(taken, one, orders) for taken, one in settled]


def _settled(told: Sighting, answer: Taken | KeyReused) -> tuple[Taken, Sighted | None]:
    """The answer, and what the number's file has of the sighting."""
    if isinstance(answer, KeyReused):
        raise answer
    state = None if answer.file is None else answer.file.state
    kept = state.sightings if isinstance(state, Tracked) else ()
    return answer, next((one for one in kept if one.sighting_id == told.id), None)


def _as_taken(taken: Taken, one: Sighted | None, orders: Mapping[str | None, FileView | None]) -> Taken:
    if one is None:
        return replace(taken, file=None)
    return replace(
        taken,
        fits=one.status == "matched",
        waiting=one.status == "waiting",
        slug=one.because,
        file=orders.get(one.order_id),
    )


def _parcels(file: FileView) -> list[ParcelListed]:
    view: LogisticsView = file.view
    return [
        ParcelListed(order_id=file.subject, shop_id=file.shop_id, parcel=parcel) for parcel in view.parcels
    ]


def _sightings(file: FileView) -> list[SightingListed]:
    """A number's sightings; each is of the shop whose inlet told it, or of the one whose parcel it is."""
    view: LogisticsView = file.view
    if not isinstance(file.state, Tracked):
        return []
    kept = {one.sighting_id: one for one in file.state.sightings}
    shops = {parcel.order_id: parcel.shop_id for parcel in file.state.parcels}
    listed: list[SightingListed] = []
    for shown in view.sightings:
        one = kept.get(shown.sighting_id)
        told_for = None if one is None else one.shop_id
        of_parcel = shops.get(shown.order_id) if shown.order_id is not None else None
        text = (one.scan.text or None) if one else None
        listed.append(SightingListed(shop_id=told_for or of_parcel, sighting=shown, text=text))
    return listed
