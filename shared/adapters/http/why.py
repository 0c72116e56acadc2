"""Why an order is where it is: the file's trail, its timers, its effects outside and the facts that wait."""

from typing import Any

from fastapi import APIRouter, Response

from shared.adapters.http.auth import Reader
from shared.adapters.http.commands import look, tagged
from shared.adapters.http.paths import PathId
from shared.adapters.http.problems import LOOKS
from shared.contracts.base import Frozen, Id
from shared.runtime.desk import Desk


class Why(Frozen):
    """What led here, and what comes by itself."""

    order_id: Id
    version: int
    profile: str | None
    """The profile that the order goes by, as `id@version`: the one under which it was placed."""
    overrides: str | None
    """What its shop overrode in it then, as a JSON object."""
    history: list[dict[str, Any]]
    """The last 200 things asked of the file: which rule of which profile spoke, because of what."""
    timers: list[dict[str, Any]]
    """What happens by itself, and when; the next first."""
    effects: list[dict[str, Any]]
    """Mails and refunds, and how far they got."""
    waiting: list[str]
    """Facts that came too early and are kept."""
    parked: list[str]
    """Sources whose next record lies with the dead letters."""


def why_routes(desk: Desk) -> APIRouter:
    """The route of every service."""
    router = APIRouter()

    @router.get(
        "/orders/{order_id}/why",
        tags=["operations"],
        summary="Why this service's file of the order is as it is",
        responses=LOOKS,
    )
    async def why(order_id: PathId, actor: Reader, response: Response) -> Why:
        file = tagged(response, await look(desk, actor, order_id, "order"))
        return Why(
            order_id=file.subject,
            version=file.version,
            profile=file.profile,
            overrides=file.overrides,
            history=file.history,
            timers=file.timers,
            effects=file.effects,
            waiting=file.waiting,
            parked=file.parked,
        )

    return router
