"""Facts over HTTP: plausible in time, of a shop that the teller serves, and taken once."""

from datetime import datetime, timedelta
from typing import Any

from fastapi import Request
from pydantic import Field

from shared.adapters.http.auth import Actor, shop_not_allowed
from shared.adapters.http.problems import FieldError, ProblemRaised
from shared.adapters.settings import CommonSettings
from shared.contracts.base import Frozen, Id
from shared.contracts.facts import AnyFact, OrderPlaced, ShipmentScanned
from shared.runtime.desk import Desk, FileView
from shared.runtime.fold import body_digest


class FactTaken(Frozen):
    """What became of a fact. It is accepted and will not be lost, whether it fits or not."""

    id: Id
    order_id: Id
    fits: bool
    """Whether the order moved by it."""
    slug: str | None = Field(default=None, examples=["payment-late"])
    """Why it does not fit."""
    detail: str | None = None
    duplicate: bool = False
    """Whether it had been told before; then nothing happened."""
    waiting: bool = False
    """Whether it came too early and is kept, to be tried again when the order moves."""
    version: int | None = None
    """The version of the file after it."""
    state: dict[str, Any] | None = None
    """What can be seen of the order now, for a token that may read orders."""


async def take(desk: Desk, request: Request, actor: Actor, fact: AnyFact) -> FactTaken:
    """Take one fact and say what became of it."""
    settings: CommonSettings = request.app.state.settings
    check_times(fact, desk.clock.now(), settings)
    await check_shop(desk, actor, fact)
    request.state.correlation_id = fact.id
    shops = None if actor.every_shop else tuple(sorted(actor.shops))
    taken = await desk.take(fact, body_digest(fact), shops)
    return FactTaken(
        id=fact.id,
        order_id=fact.order_id,
        fits=taken.fits,
        slug=taken.slug,
        detail=taken.detail or None,
        duplicate=taken.duplicate,
        waiting=taken.waiting,
        version=None if taken.file is None else taken.file.version,
        state=_state(desk, taken.file) if actor.may("orders:read") and _sees(actor, taken.file) else None,
    )


def _sees(actor: Actor, file: FileView | None) -> bool:
    return file is not None and actor.serves(file.shop_id)


def check_times(fact: AnyFact, now: datetime, settings: CommonSettings) -> None:
    """Refuse a time that the service's clock makes implausible: a slip of the sender's."""
    _plausible("at", fact.at, now, settings)
    if isinstance(fact, ShipmentScanned):
        _plausible("data.scanned_at", fact.data.scanned_at, now, settings)


def _plausible(field: str, moment: datetime, now: datetime, settings: CommonSettings) -> None:
    wrong = implausible(field, moment, now, settings)
    if wrong is not None:
        detail = f"{wrong.field}: expected {wrong.expected}, got {wrong.got}"
        raise ProblemRaised(422, "time-implausible", detail, (wrong,))


def implausible(field: str, moment: datetime, now: datetime, settings: CommonSettings) -> FieldError | None:
    """What is wrong with a moment that the service's clock makes implausible; None for another."""
    earliest = now - timedelta(days=settings.fact_max_past_days)
    latest = now + timedelta(seconds=settings.fact_max_future_seconds)
    if earliest <= moment <= latest:
        return None
    expected = f"a moment from {_text(earliest)} to {_text(latest)}"
    return FieldError(field=field, expected=expected, got=_text(moment))


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


async def check_shop(desk: Desk, actor: Actor, fact: AnyFact) -> None:
    """Refuse a fact about an order of a shop for which its teller may not speak."""
    if actor.every_shop:
        return
    if isinstance(fact, OrderPlaced) and not actor.serves(fact.data.shop_id):
        raise shop_not_allowed("data.shop_id")
    file = await desk.look(fact.order_id)
    if file is not None and file.shop_id is not None and not actor.serves(file.shop_id):
        raise shop_not_allowed("order_id")


def _state(desk: Desk, file: FileView | None) -> dict[str, Any] | None:
    if file is None:
        return None
    state: dict[str, Any] = desk.service.view.dump_python(file.view, mode="json")
    return state
