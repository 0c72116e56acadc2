"""HTTP of what carriers do to many parcels: incidents and scorecards."""

from datetime import date, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, Field

from services.logistics import commands
from services.logistics.decide.care import named_parcel
from services.logistics.decide.scorecards import Suggestion, suggested
from services.logistics.state import Placed
from services.logistics.state.incidents import Watching, incident_subject
from services.logistics.state.scorecards import Scorecard
from services.logistics.views import LogisticsView
from services.logistics.views.care import IncidentView
from shared.adapters.http.auth import Actor, Reader, Worker
from shared.adapters.http.commands import ask, look, tagged
from shared.adapters.http.idempotency import IdempotencyKey
from shared.adapters.http.pages import Page, PageQuery, page_of
from shared.adapters.http.paths import PathId
from shared.adapters.http.problems import ASKS, LOOKS, not_found, refused, wrong_field
from shared.contracts.base import Frozen, Id, Name, Strict
from shared.contracts.events.incidents import AffectedParcel
from shared.kernel.decision import Refused
from shared.runtime.desk import Desk, FileView

CARDS_MAX: Final = 500
"""Weekly cards that one suggestion rests on."""
WEEKS_MAX: Final = 53
"""Weeks that one suggestion looks at."""
ONE_WEEK: Final = timedelta(weeks=1)


def _real(week: str) -> str:
    try:
        date.fromisoformat(week)
    except ValueError:
        raise ValueError("an ISO week that the year has, such as `2026-W10`") from None
    return week


Week = Annotated[str, Field(pattern=r"^[12][0-9]{3}-W[0-9]{2}$"), AfterValidator(_real)]


class IncidentsQuery(PageQuery):
    """Which incidents to list."""

    open: bool | None = None


class CardsQuery(PageQuery):
    """Which scorecards to list."""

    carrier: Id | None = None
    route: Name | None = None
    since: Week | None = Field(default=None, alias="from")
    """The first ISO week, such as `2026-W10`."""
    until: Week | None = Field(default=None, alias="to")
    """The last ISO week."""


class ParcelNamed(Strict):
    """A parcel that belongs to the incident beside those that stand."""

    order_id: Id
    parcel_id: Id


class IncidentBody(Strict):
    """What is known of it."""

    shop_id: Id
    carrier: Id
    region: Name
    reason: Name
    parcels: Annotated[tuple[ParcelNamed, ...], Field(max_length=100)] = ()


class IncidentShown(Frozen):
    """An incident, and which of its parcels still stand."""

    shop_id: Id | None
    incident: IncidentView
    standing: tuple[AffectedParcel, ...] = ()
    not_joined: int = 0
    """Parcels that came to a stand when it had as many as it may hold."""


class CardShown(Frozen):
    """A scorecard with its rates."""

    shop_id: Id | None
    card: Scorecard
    pickup_hours_half: int | None
    """Half of the parcels were picked up within so many hours."""
    transit_hours_half: int | None
    transit_hours_95: int | None
    stalled_share: float | None
    lost_share: float | None
    claimed_share: float | None


def carrier_routes(router: APIRouter, desk: Desk) -> None:
    """The routes about carriers."""
    _incidents(router, desk)
    _by_hand(router, desk)
    _cards(router, desk)


def _incidents(router: APIRouter, desk: Desk) -> None:
    @router.get("/incidents", tags=["carriers"], summary="List incidents", responses=LOOKS)
    async def incidents(
        query: Annotated[IncidentsQuery, Query()], request: Request, actor: Reader
    ) -> Page[IncidentShown]:
        def wanted(it: IncidentShown) -> bool:
            return query.open in (None, it.incident.stage == "open")

        return await page_of(desk, request, actor, query, {"state.stage": "watching"}, _shown, wanted)

    @router.get("/incidents/{incident_id}", tags=["carriers"], summary="Look at an incident", responses=LOOKS)
    async def incident(incident_id: PathId, actor: Reader, response: Response) -> IncidentShown:
        subject = incident_id.rpartition("~")[0]
        return _one(tagged(response, await look(desk, actor, subject, "incident")), incident_id)


def _by_hand(router: APIRouter, desk: Desk) -> None:
    @router.post("/incidents", tags=["carriers"], summary="Open an incident by hand", responses=ASKS)
    async def open_incident(body: IncidentBody, actor: Worker, key: IdempotencyKey) -> IncidentShown:
        if not actor.serves(body.shop_id):
            raise not_found("shop")
        named = tuple([await _named(desk, actor, each, body.carrier) for each in body.parcels])
        command = commands.OpenIncident(
            at=desk.clock.now(),
            shop_id=body.shop_id,
            carrier=body.carrier,
            region=body.region,
            reason=body.reason,
            parcels=named,
        )
        subject = incident_subject(body.shop_id, body.carrier, body.region)
        answer = await ask(desk, actor, subject, command, key)
        return _last(answer.file)

    @router.post(
        "/incidents/{incident_id}/close", tags=["carriers"], summary="Close an incident", responses=ASKS
    )
    async def close(incident_id: PathId, actor: Worker, key: IdempotencyKey) -> IncidentShown:
        subject = incident_id.rpartition("~")[0]
        await look(desk, actor, subject, "incident")
        command = commands.CloseIncident(at=desk.clock.now(), incident_id=incident_id)
        answer = await ask(desk, actor, subject, command, key)
        return _last(answer.file)


async def _named(desk: Desk, actor: Actor, each: ParcelNamed, carrier: str) -> commands.NamedParcel:
    """The parcel with its buyer, where the actor may see its order and the parcel may stand."""
    state = (await look(desk, actor, each.order_id, "order")).state
    if not isinstance(state, Placed):
        raise not_found("order")
    named = named_parcel(state, each.parcel_id, carrier)
    if isinstance(named, Refused):
        raise refused(named)
    return named


def _cards(router: APIRouter, desk: Desk) -> None:
    @router.get("/scorecards", tags=["carriers"], summary="List what carriers did by week", responses=LOOKS)
    async def cards(
        query: Annotated[CardsQuery, Query()], request: Request, actor: Reader
    ) -> Page[CardShown]:
        return await page_of(desk, request, actor, query, _where(query), lambda file: _carded(file, query))

    @router.get(
        "/scorecards/suggestion",
        tags=["carriers"],
        summary="Which stall levels the measured gaps speak for; nothing is set",
        description=f"At most {WEEKS_MAX} weeks, which without `from` are those up to `to`, and without `to` "
        f"those up to the present one. Where they have more than {CARDS_MAX} scorecards, a 422 asks for a "
        "narrower question.",
        responses=LOOKS,
    )
    async def suggestion(
        query: Annotated[CardsQuery, Query()], request: Request, actor: Reader
    ) -> Suggestion:
        where = {**_where(query), "state.week": _weeks(query, desk.clock.now().date())}
        asked = query.model_copy(update={"limit": None, "cursor": None})
        found: list[Scorecard] = []
        while True:
            page = await page_of(desk, request, actor, asked, where, lambda file: _carded(file, query))
            found += [shown.card for shown in page.items]
            if len(found) > CARDS_MAX:
                narrower = f"one `carrier`, one `route` or fewer weeks, of at most {CARDS_MAX} scorecards"
                raise wrong_field("from", narrower, "more of them")
            if page.next is None:
                return suggested(found)
            asked = asked.model_copy(update={"cursor": page.next})


def _weeks(query: CardsQuery, today: date) -> list[str]:
    """The weeks that a suggestion looks at. Raises a 422 for more than it may."""
    last = date.fromisoformat(query.until or f"{today:%G-W%V}")
    first = date.fromisoformat(query.since) if query.since else last - (WEEKS_MAX - 1) * ONE_WEEK
    count = (last - first) // ONE_WEEK + 1
    if not 1 <= count <= WEEKS_MAX:
        expected = f"a week up to {last:%G-W%V}, at most {WEEKS_MAX} weeks in all"
        raise wrong_field("from", expected, f"{first:%G-W%V}")
    return [f"{first + number * ONE_WEEK:%G-W%V}" for number in range(count)]


def _where(query: CardsQuery) -> dict[str, str | list[str] | None]:
    return {"state.stage": "scorecard", "state.carrier": query.carrier, "state.route": query.route}


def _carded(file: FileView, query: CardsQuery) -> list[CardShown]:
    card = file.state
    if not isinstance(card, Scorecard):
        return []
    if (query.since or card.week) > card.week or (query.until or card.week) < card.week:
        return []
    return [
        CardShown(
            shop_id=file.shop_id,
            card=card,
            pickup_hours_half=card.pickup.percentile(50),
            transit_hours_half=card.transit.percentile(50),
            transit_hours_95=card.transit.percentile(95),
            stalled_share=_share(card.stalled, card.ended),
            lost_share=_share(card.lost, card.ended),
            claimed_share=_share(card.claimed, card.ended),
        )
    ]


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _shown(file: FileView) -> list[IncidentShown]:
    view: LogisticsView = file.view
    state = file.state if isinstance(file.state, Watching) else None
    going = None if state is None else state.incident
    return [
        IncidentShown(
            shop_id=file.shop_id or (None if state is None else state.shop_id),
            incident=each,
            standing=tuple(one.affected for one in going.members)
            if going is not None and going.incident_id == each.incident_id
            else (),
            not_joined=going.not_joined if going is not None and going.incident_id == each.incident_id else 0,
        )
        for each in view.incidents
    ]


def _one(file: FileView, incident_id: str) -> IncidentShown:
    for it in _shown(file):
        if it.incident.incident_id == incident_id:
            return it
    raise not_found("incident")


def _last(file: FileView | None) -> IncidentShown:
    shown = [] if file is None else _shown(file)
    if not shown:
        raise not_found("incident")
    return shown[-1]
