"""HTTP of orders: facts in, orders to look at and to work on."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from pydantic import Field

from services.orders import commands
from services.orders.api.handling import handling_routes
from services.orders.views import OrderView
from shared.adapters.http.auth import Reader, Teller, Worker
from shared.adapters.http.commands import IfMatch, ask, look, tagged
from shared.adapters.http.examples import fact_examples
from shared.adapters.http.facts import FactTaken, take
from shared.adapters.http.idempotency import IdempotencyKey
from shared.adapters.http.pages import Page, PageQuery, page_of
from shared.adapters.http.paths import PathId
from shared.adapters.http.problems import ASKS, LOOKS, TELLS, not_found
from shared.contracts.base import Id, Strict
from shared.contracts.facts import OrdersFact
from shared.kernel.decision import Command
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


class Extension(Strict):
    """How many days more."""

    days: Annotated[int, Field(ge=1, le=366)]


class Ticket(Strict):
    """The platform's ticket."""

    ticket_id: Id


class _OnOrder:
    """What every command on an order comes with."""

    def __init__(
        self, order_id: PathId, actor: Worker, key: IdempotencyKey, if_match: IfMatch, response: Response
    ) -> None:
        self.order_id = order_id
        self.actor = actor
        self.key = key
        self.if_match = if_match
        self.response = response


OnOrder = Annotated[_OnOrder, Depends()]


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

    _serving(router, desk)

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

    handling_routes(router, desk)
    return router


def _serving(router: APIRouter, desk: Desk) -> None:
    """What an agent, or the platform through him, asks of an order."""

    async def asked(on: OnOrder, command: Command) -> OrderView:
        await look(desk, on.actor, on.order_id, "order")
        answer = await ask(desk, on.actor, on.order_id, command, on.key, on.if_match)
        for seen in () if answer.file is None else _orders(tagged(on.response, answer.file)):
            return seen
        raise not_found("order")

    @router.post(
        "/orders/{order_id}/receipt-extension",
        tags=["orders"],
        summary="Give the buyer more days to confirm the receipt",
        responses=ASKS,
    )
    async def extend(on: OnOrder, body: Extension) -> OrderView:
        return await asked(on, commands.ExtendReceipt(at=desk.clock.now(), days=body.days))

    @router.post(
        "/orders/{order_id}/urge",
        tags=["orders"],
        summary="The platform urges the shipment with a ticket",
        responses=ASKS,
    )
    async def urge(on: OnOrder, body: Ticket) -> OrderView:
        return await asked(on, commands.RequestUrge(at=desk.clock.now(), ticket_id=body.ticket_id))


def _orders(file: FileView) -> Sequence[OrderView]:
    """The order of a file; none where facts about it wait for it to be placed."""
    return (file.view,) if isinstance(file.view, OrderView) else ()
