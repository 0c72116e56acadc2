"""HTTP of orders: facts in, orders to look at and to work on."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Body, Query, Request, Response

from services.orders.api.handling import handling_routes
from services.orders.views import OrderView
from shared.adapters.http.auth import Admin, Reader, Teller
from shared.adapters.http.commands import Asking, look, tagged, visible
from shared.adapters.http.examples import fact_examples
from shared.adapters.http.facts import FactTaken, take
from shared.adapters.http.pages import Page, PageQuery, page_of
from shared.adapters.http.paths import PathId
from shared.adapters.http.problems import ASKS, LOOKS, TELLS, not_found
from shared.contracts.base import Frozen, Id, Strict
from shared.contracts.facts import OrdersFact
from shared.kernel.erasure import EraseBuyer
from shared.runtime.desk import Desk, FileView

EXAMPLES: Final = fact_examples(
    "order.placed",
    "order.paid",
    "order.cancelled",
    "payment.failed",
    "stock.short",
    "instruction.acknowledged",
)

SeenStage = Literal[
    "unpaid", "closed", "cancelled", "refunded", "completed", "paid", "cancelling", "dispatched", "delivered"
]


class OrdersQuery(PageQuery):
    """Which orders to list."""

    stage: SeenStage | None = None
    buyer: Id | None = None
    """Only this buyer's."""


class Erasing(Strict):
    """Whether the buyer shall be erased although the order is not over."""

    even_though_open: bool = False


class Erasure(Frozen):
    """The order has forgotten its buyer; the other services do when they hear of it."""

    order_id: Id
    erased: Literal[True] = True


def routes(desk: Desk) -> APIRouter:
    """The routes of orders."""
    router = APIRouter()

    @router.post(
        "/facts", status_code=202, tags=["facts"], summary="Tell a fact about an order", responses=TELLS
    )
    async def tell(
        fact: Annotated[OrdersFact, Body(openapi_examples=EXAMPLES)], request: Request, actor: Teller
    ) -> FactTaken:
        return await take(desk, request, actor, fact)

    @router.get("/orders", tags=["orders"], summary="List orders", responses=LOOKS)
    async def orders(
        query: Annotated[OrdersQuery, Query()], request: Request, actor: Reader
    ) -> Page[OrderView]:
        where = {"view.stage": query.stage, "view.buyer_id": query.buyer}
        return await page_of(desk, request, actor, query, where, _orders)

    @router.get("/orders/{order_id}", tags=["orders"], summary="Look at an order", responses=LOOKS)
    async def order(order_id: PathId, actor: Reader, response: Response) -> OrderView:
        file = await look(desk, actor, order_id, "order")
        for seen in _orders(file):
            tagged(response, file)
            return seen
        raise not_found("order")

    @router.post(
        "/orders/{order_id}/erasure",
        tags=["orders"],
        summary="Erase the buyer of an order, in all services",
        responses=ASKS,
    )
    async def erase(order_id: PathId, asking: Asking, actor: Admin, body: Erasing) -> Erasure:
        file = await desk.look(order_id)
        if file is not None or not actor.every_shop:
            # What only other services were told of has no file here, and belongs to no shop.
            visible(file, actor, "order")
        command = EraseBuyer(at=desk.clock.now(), even_though_open=body.even_though_open)
        await asking.ask(desk, order_id, command)
        return Erasure(order_id=order_id)

    handling_routes(router, desk)
    return router


def _orders(file: FileView) -> Sequence[OrderView]:
    """The order of a file; none where facts about it wait for it to be placed."""
    return (file.view,) if isinstance(file.view, OrderView) else ()
