"""An application around the toy service, with tokens and a way to ask it."""

import asyncio
import json
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, Body, Query, Request, Response
from starlette.types import Message

from shared.adapters.http.app import App, create_app
from shared.adapters.http.auth import Reader, Teller, static_tokens
from shared.adapters.http.commands import OnOrder, look, tagged
from shared.adapters.http.facts import FactTaken, take
from shared.adapters.http.pages import Page, PageQuery, page_of
from shared.adapters.http.paths import PathId
from shared.adapters.inlet_settings import inlets_from
from shared.adapters.prometheus import PrometheusMetrics
from shared.adapters.settings import CommonSettings
from shared.contracts.base import Name, Strict
from shared.contracts.facts import OrdersFact
from shared.kernel.inlets import Inlet
from shared.runtime.desk import Desk
from tests.kit.rules import START
from tests.kit.toy import Say
from tests.kit.world import World

TELLER = "teller-token-0123456789"
READER = "reader-token-0123456789"
AGENT = "agent-token-01234567890"
ADMIN = "admin-token-01234567890"
DEMO_SHOP = "demo-shop-token-0123456"
TOKENS = {
    TELLER: {"name": "platform", "scopes": ["facts:write"], "shops": ["*"]},
    READER: {"name": "console", "scopes": ["orders:read"], "shops": ["*"]},
    AGENT: {"name": "agent-1", "scopes": ["tasks:work", "orders:read"], "shops": ["*"]},
    ADMIN: {"name": "admin", "scopes": ["admin"], "shops": ["*"]},
    DEMO_SHOP: {"name": "demo", "scopes": ["facts:write", "orders:read"], "shops": ["demo"]},
}


class SayBody(Strict):
    """What the toy is to say."""

    word: Name


class ToyQuery(PageQuery):
    """What the toy's list may be asked."""

    word: Name | None = None


def toy_routes(desk: Desk) -> APIRouter:
    """Routes as a service has them."""
    router = APIRouter()

    @router.post("/facts", status_code=202, tags=["facts"])
    async def tell(fact: Annotated[OrdersFact, Body()], request: Request, actor: Teller) -> FactTaken:
        return await take(desk, request, actor, fact)

    @router.get("/orders")
    async def orders(
        query: Annotated[ToyQuery, Query()], request: Request, actor: Reader
    ) -> Page[dict[str, Any]]:
        where = {"state.words": query.word}
        return await page_of(desk, request, actor, query, where, lambda file: [{"id": file.subject}])

    @router.get("/orders/{order_id}")
    async def order(order_id: PathId, actor: Reader, response: Response) -> dict[str, Any]:
        file = tagged(response, await look(desk, actor, order_id, "order"))
        return {"id": file.subject, "words": list(file.state.words)}

    @router.post("/orders/{order_id}/say")
    async def say(on: OnOrder, body: SayBody) -> dict[str, Any]:
        answer = await on.ask(desk, Say(at=desk.clock.now(), word=body.word))
        assert answer.file is not None
        return {"words": list(answer.file.state.words), "duplicate": answer.duplicate}

    return router


class Door:
    """The toy's application over its world, asked without a network."""

    def __init__(self, reads: tuple[Inlet, ...] = (), **settings: Any) -> None:
        self.world = World()
        object.__setattr__(self.world.service, "inlets", reads)
        self.settings = CommonSettings(auth="on", **settings)
        self.metrics = PrometheusMetrics("toy")
        self.app: App = self._app()
        transport = httpx.ASGITransport(self.app.served)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://toy.test")

    def _app(self) -> App:
        service = self.world.service
        object.__setattr__(service, "routes", toy_routes)
        tokens = static_tokens(json.dumps(TOKENS), "ORDERLINK_TOKENS")
        opened = inlets_from(self.settings, service)
        return create_app(service, self.world.desk, self.settings, tokens, self.metrics, inlets=opened)

    async def ask(self, method: str, path: str, token: str | None = ADMIN, **rest: Any) -> httpx.Response:
        """Ask with a token."""
        headers = dict(rest.pop("headers", {}))
        if token is not None:
            headers.setdefault("Authorization", f"Bearer {token}")
        return await self.client.request(method, path, headers=headers, **rest)

    async def tell(self, fact: Any, token: str | None = TELLER) -> httpx.Response:
        """Tell a fact."""
        return await self.ask("POST", "/facts", token, json=fact)

    async def say(
        self, word: str, key: str | None = "k-1", order_id: str = "A-1", **rest: Any
    ) -> httpx.Response:
        """Ask the toy to say a word."""
        headers = {**({"Idempotency-Key": key} if key else {}), **rest.pop("headers", {})}
        rest.setdefault("token", AGENT)
        return await self.ask("POST", f"/orders/{order_id}/say", json={"word": word}, headers=headers, **rest)


def placed(**changes: Any) -> dict[str, Any]:
    """A well-formed `order.placed`."""
    return {
        "id": "f-1",
        "at": START.isoformat(),
        "fact": "order.placed",
        "order_id": "A-1",
        "data": {
            "shop_id": "demo",
            "buyer_id": "b-1",
            "currency": "EUR",
            "total": "16.45",
            "lines": [{"line_id": "1", "sku": "s-1", "name": "Cup", "quantity": 1, "amount": "16.45"}],
            "receiver": {"name": "Jane Roe", "phone": "+4915550100", "email": "jane.roe@example.com"},
        },
        **changes,
    }


def paid(**changes: Any) -> dict[str, Any]:
    """A well-formed `order.paid`."""
    return {
        "id": "f-2",
        "at": START.isoformat(),
        "fact": "order.paid",
        "order_id": "A-1",
        "data": {"amount": "16.45", "payment_id": "p-1"},
        **changes,
    }


def problem(response: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """The response's problem, which must be this one."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["type"].endswith(":" + slug), body
    assert body["status"] == status
    assert body["request_id"] == response.headers["x-request-id"]
    return body


async def raw_request(
    app: App, scope: dict[str, Any], *messages: Message, stalls: bool = False
) -> tuple[int, bytes]:
    """Ask the ASGI application itself, with whatever headers and body parts; then go, or send no more."""
    waiting = list(messages)
    status, parts = 0, []

    async def receive() -> Message:
        if not waiting and stalls:
            await asyncio.Event().wait()
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            parts.append(message.get("body", b""))

    await app.served({"type": "http", "asgi": {"version": "3.0"}, **scope}, receive, send)
    return status, b"".join(parts)
