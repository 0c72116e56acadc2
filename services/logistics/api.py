"""HTTP of logistics: dispatches and scans in, parcels to look at."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Body, Query, Request, Response

from services.logistics.views import LogisticsView, ParcelView
from shared.adapters.http.auth import Reader, Teller
from shared.adapters.http.commands import look, look_up, tagged
from shared.adapters.http.examples import fact_examples
from shared.adapters.http.facts import FactTaken, take
from shared.adapters.http.pages import Page, PageQuery, page_of
from shared.adapters.http.paths import PathId
from shared.adapters.http.problems import LOOKS, TELLS
from shared.contracts.base import Frozen, Id
from shared.contracts.facts import LogisticsFact
from shared.runtime.desk import Desk, FileView

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
        def listed(file: FileView) -> list[ParcelListed]:
            return [it for it in _parcels(file) if query.stage in (None, it.parcel.stage)]

        return await page_of(desk, request, actor, query, {"view.stages": query.stage}, listed)

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

    return router


def _parcels(file: FileView) -> list[ParcelListed]:
    view: LogisticsView = file.view
    return [
        ParcelListed(order_id=file.subject, shop_id=file.shop_id, parcel=parcel) for parcel in view.parcels
    ]
