"""HTTP of what is asked of an order: wishes step by step, remarks, checks, shortages, its end, urging."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from services.orders import commands
from services.orders.state import Order
from services.orders.views import OrderView
from shared.adapters.http.auth import Worker
from shared.adapters.http.commands import ByAgent, OnOrder, look, tagged
from shared.adapters.http.paths import PathId
from shared.adapters.http.problems import ASKS, LOOKS, not_found
from shared.contracts.base import Frozen, Id, Name, Strict, Text, Utc
from shared.contracts.tasks import WithReplacement
from shared.contracts.wishes import FlagColour, SpecialRequest
from shared.kernel.decision import Command
from shared.runtime.desk import Desk

_ORDER: Final = "/orders/{order_id}"
_WISH: Final = "/orders/{order_id}/wishes/{wish_id}"


class Requested(ByAgent):
    """A special request of the buyer."""

    request: SpecialRequest


class Changed(ByAgent):
    """What is changed of the order."""

    change: commands.Change


class Flagging(ByAgent):
    """The flag's colour; the usual one of the wish where none is named."""

    colour: FlagColour | None = None


class Dropping(ByAgent):
    """Why the wish is over, and whether it is the shop that refuses it."""

    reason: Name
    refused: bool = False


class Remarking(ByAgent):
    """A remark, and a flag where one is wanted."""

    text: Text = Field(min_length=1)
    colour: FlagColour | None = None


class Checked(ByAgent):
    """What was found of each field."""

    items: bool
    address: bool
    contact: bool


class Choosing(ByAgent):
    """What the buyer chose for lines that are out of stock."""

    choice: Literal["wait", "replace", "cancel_lines"]
    until: Utc | None = None
    replacement: WithReplacement | None = None


class Cancelling(Strict):
    """Why the order is to be taken off, and who wants it."""

    reason: Name
    by: Literal["buyer", "shop", "platform"] = "buyer"


class Extension(Strict):
    """How many days more."""

    days: Annotated[int, Field(ge=1, le=366)]


class Ticket(Strict):
    """The platform's ticket."""

    ticket_id: Id


class TextSeen(Frozen):
    """A text that only who works on the order sees: a title, a card's text, a remark."""

    about: Id
    text: str


class _Orders:
    """The orders of a desk, as commands move them."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.now = desk.clock.now

    async def ask(self, on: OnOrder, command: Command) -> OrderView:
        """Ask, and show the order as it is then."""
        answer = await on.ask(self.desk, command)
        if answer.file is None or not isinstance(answer.file.view, OrderView):
            raise not_found("order")
        return answer.file.view


def handling_routes(router: APIRouter, desk: Desk) -> None:
    """Add the routes of an order's handling."""
    orders = _Orders(desk)
    _wishing(router, orders)
    _stepping(router, orders)
    _working(router, orders)
    _serving(router, orders)
    _texts(router, desk)


def _wishing(router: APIRouter, orders: _Orders) -> None:
    @router.post(
        _ORDER + "/requests", tags=["wishes"], summary="The buyer has a special request", responses=ASKS
    )
    async def request(on: OnOrder, body: Requested) -> OrderView:
        made = commands.MakeRequest(at=orders.now(), request=body.request, by=on.asking.by(body))
        return await orders.ask(on, made)

    @router.post(_ORDER + "/changes", tags=["wishes"], summary="Change the order", responses=ASKS)
    async def change(on: OnOrder, body: Changed) -> OrderView:
        made = commands.MakeChange(at=orders.now(), change=body.change, by=on.asking.by(body))
        return await orders.ask(on, made)


def _stepping(router: APIRouter, orders: _Orders) -> None:
    @router.post(_WISH + "/flag", tags=["wishes"], summary="Flag the order for a wish", responses=ASKS)
    async def flag(on: OnOrder, wish_id: PathId, body: Flagging) -> OrderView:
        step = commands.FlagWish(at=orders.now(), wish_id=wish_id, colour=body.colour, by=on.asking.by(body))
        return await orders.ask(on, step)

    @router.post(
        _WISH + "/confirmation", tags=["wishes"], summary="The buyer stands by a wish", responses=ASKS
    )
    async def confirm(on: OnOrder, wish_id: PathId, body: ByAgent) -> OrderView:
        step = commands.ConfirmWish(at=orders.now(), wish_id=wish_id, by=on.asking.by(body))
        return await orders.ask(on, step)

    @router.post(
        _WISH + "/instruction",
        tags=["wishes"],
        summary="See that the warehouse was told of a wish",
        responses=ASKS,
    )
    async def instruct(on: OnOrder, wish_id: PathId) -> OrderView:
        return await orders.ask(on, commands.TellWarehouse(at=orders.now(), wish_id=wish_id))

    @router.post(
        _WISH + "/acknowledgement",
        tags=["wishes"],
        summary="The warehouse goes by a wish",
        responses=ASKS,
    )
    async def acknowledge(on: OnOrder, wish_id: PathId, body: ByAgent) -> OrderView:
        step = commands.AcknowledgeWish(at=orders.now(), wish_id=wish_id, by=on.asking.by(body))
        return await orders.ask(on, step)

    @router.post(_WISH + "/drop", tags=["wishes"], summary="A wish is over", responses=ASKS)
    async def drop(on: OnOrder, wish_id: PathId, body: Dropping) -> OrderView:
        step = commands.DropWish(
            at=orders.now(), wish_id=wish_id, reason=body.reason, refused=body.refused, by=on.asking.by(body)
        )
        return await orders.ask(on, step)


def _working(router: APIRouter, orders: _Orders) -> None:
    @router.post(_ORDER + "/remarks", tags=["orders"], summary="Write a remark", responses=ASKS)
    async def remark(on: OnOrder, body: Remarking) -> OrderView:
        written = commands.WriteRemark(
            at=orders.now(), text=body.text, colour=body.colour, by=on.asking.by(body)
        )
        return await orders.ask(on, written)

    @router.post(
        _ORDER + "/verification",
        tags=["orders"],
        summary="Say what was found of items, address and contact",
        responses=ASKS,
    )
    async def verify(on: OnOrder, body: Checked) -> OrderView:
        found = body.model_dump(exclude={"agent_id"})
        return await orders.ask(on, commands.VerifyOrder(at=orders.now(), by=on.asking.by(body), **found))

    @router.post(
        _ORDER + "/shortages/{shortage_id}/choice",
        tags=["orders"],
        summary="The buyer chooses what becomes of lines that are out of stock",
        responses=ASKS,
    )
    async def choose(on: OnOrder, shortage_id: PathId, body: Choosing) -> OrderView:
        chosen = commands.ChooseForShortage(
            at=orders.now(),
            shortage_id=shortage_id,
            choice=body.choice,
            until=body.until,
            replacement=body.replacement,
            by=on.asking.by(body),
        )
        return await orders.ask(on, chosen)

    @router.post(_ORDER + "/cancellation", tags=["orders"], summary="Take an order off", responses=ASKS)
    async def cancel(on: OnOrder, body: Cancelling) -> OrderView:
        return await orders.ask(on, commands.CancelOrder(at=orders.now(), reason=body.reason, by=body.by))


def _serving(router: APIRouter, orders: _Orders) -> None:
    """What an agent, or the platform through him, asks of an order that is paid."""

    @router.post(
        _ORDER + "/receipt-extension",
        tags=["orders"],
        summary="Give the buyer more days to confirm the receipt",
        responses=ASKS,
    )
    async def extend(on: OnOrder, body: Extension) -> OrderView:
        return await orders.ask(on, commands.ExtendReceipt(at=orders.now(), days=body.days))

    @router.post(
        _ORDER + "/urge",
        tags=["orders"],
        summary="The platform urges the shipment with a ticket",
        responses=ASKS,
    )
    async def urge(on: OnOrder, body: Ticket) -> OrderView:
        return await orders.ask(on, commands.RequestUrge(at=orders.now(), ticket_id=body.ticket_id))


def _texts(router: APIRouter, desk: Desk) -> None:
    @router.get(
        _ORDER + "/texts",
        tags=["orders"],
        summary="Read titles, card texts and remarks, which no event carries",
        responses=LOOKS,
    )
    async def texts(order_id: PathId, actor: Worker, response: Response) -> list[TextSeen]:
        file = tagged(response, await look(desk, actor, order_id, "order"))
        order = getattr(file.state, "order", None)
        if not isinstance(order, Order):
            raise not_found("order")
        return [TextSeen(about=kept.about, text=kept.text) for kept in order.texts]
