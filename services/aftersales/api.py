"""HTTP of aftersales: requests, returns and reviews in, cases to look at and to move on."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from pydantic import Field

from services.aftersales import commands
from services.aftersales.views import ENDED, CaseView, OrderCases, ReviewView
from shared.adapters.http.auth import Reader, Teller
from shared.adapters.http.commands import OnOrder, look, tagged
from shared.adapters.http.examples import fact_examples
from shared.adapters.http.facts import FactTaken, take
from shared.adapters.http.pages import Page, PageQuery, page_of
from shared.adapters.http.paths import PathId
from shared.adapters.http.problems import ASKS, LOOKS, TELLS, not_found
from shared.contracts.base import Frozen, Id, Name, Strict, Text
from shared.contracts.facts import AftersalesFact
from shared.kernel.decision import Command
from shared.runtime.desk import Desk, FileView

EXAMPLES: Final = fact_examples(
    "refund.requested", "return.shipped", "return.received", "refund.paid", "review.posted"
)


class CasesQuery(PageQuery):
    """Which cases to list."""

    stage: Name | None = None
    """A stage of the case chart."""
    open: bool | None = None
    """Only cases that are, or are not, over."""


class CaseListed(Frozen):
    """A case with the order that it is about."""

    order_id: Id
    shop_id: Id | None
    case: CaseView


class OfferAnswer(Strict):
    """What the buyer says to the shop's offer."""

    accept: bool


class Choice(Strict):
    """What the buyer of a lost parcel wants."""

    choice: Literal["refund", "reship"]


class Negotiation(Strict):
    """What shop and buyer talked about."""

    note: Text = Field(min_length=1)


class Evidence(Strict):
    """References of documents, photos and chat logs."""

    refs: commands.Refs


class Settlement(Strict):
    """What the platform decided."""

    winner: Literal["buyer", "shop"]


def routes(desk: Desk) -> APIRouter:
    """The routes of aftersales."""
    router = APIRouter()
    _telling(router, desk)
    _looking(router, desk)
    _answering(router, _Cases(desk))
    _disputing(router, _Cases(desk))
    return router


class _Cases:
    """The cases of a desk, as commands move them."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.now = desk.clock.now

    async def ask(self, on: "_OnCase", command: Command) -> CaseListed:
        """Ask, and show the case as it is then."""
        answer = await on.order.ask(self.desk, command)
        return _shown(answer.file, on.case_id)


class _OnCase:
    """What every command on a case comes with."""

    def __init__(self, order: OnOrder, case_id: PathId) -> None:
        self.order = order
        self.case_id = case_id


OnCase = Annotated[_OnCase, Depends()]
_CASE: Final = "/orders/{order_id}/cases/{case_id}"


def _telling(router: APIRouter, desk: Desk) -> None:
    @router.post(
        "/facts",
        status_code=202,
        tags=["facts"],
        summary="Tell a request, a return or a review",
        responses=TELLS,
    )
    async def tell(
        fact: Annotated[AftersalesFact, Body(openapi_examples=EXAMPLES)], request: Request, actor: Teller
    ) -> FactTaken:
        return await take(desk, request, actor, fact)


def _looking(router: APIRouter, desk: Desk) -> None:
    @router.get("/cases", tags=["cases"], summary="List cases", responses=LOOKS)
    async def cases(
        query: Annotated[CasesQuery, Query()], request: Request, actor: Reader
    ) -> Page[CaseListed]:
        def wanted(it: CaseListed) -> bool:
            return query.stage in (None, it.case.stage) and query.open in (None, it.case.stage not in ENDED)

        where = {"view.stages": query.stage, "view.open": query.open or None}
        return await page_of(desk, request, actor, query, where, _cases, wanted)

    @router.get(
        "/orders/{order_id}/cases", tags=["cases"], summary="Look at an order's cases", responses=LOOKS
    )
    async def of_order(order_id: PathId, actor: Reader, response: Response) -> list[CaseListed]:
        return _cases(tagged(response, await look(desk, actor, order_id, "order")))

    @router.get(
        "/orders/{order_id}/reviews", tags=["cases"], summary="Look at an order's reviews", responses=LOOKS
    )
    async def reviews(order_id: PathId, actor: Reader) -> list[ReviewView]:
        view: OrderCases = (await look(desk, actor, order_id, "order")).view
        return list(view.reviews)

    @router.get(_CASE, tags=["cases"], summary="Look at a case", responses=LOOKS)
    async def case(order_id: PathId, case_id: PathId, actor: Reader, response: Response) -> CaseListed:
        return _shown(tagged(response, await look(desk, actor, order_id, "order")), case_id)


def _answering(router: APIRouter, cases: _Cases) -> None:
    @router.post(
        _CASE + "/offer-answer",
        tags=["cases"],
        summary="The buyer takes or declines an offer",
        responses=ASKS,
    )
    async def answer_offer(on: OnCase, body: OfferAnswer) -> CaseListed:
        command = commands.BuyerAnswersOffer(at=cases.now(), case_id=on.case_id, accept=body.accept)
        return await cases.ask(on, command)

    @router.post(
        _CASE + "/choice", tags=["cases"], summary="The buyer chooses new goods or money", responses=ASKS
    )
    async def choose(on: OnCase, body: Choice) -> CaseListed:
        command = commands.BuyerChooses(at=cases.now(), case_id=on.case_id, choice=body.choice)
        return await cases.ask(on, command)

    @router.post(_CASE + "/refund-retry", tags=["cases"], summary="Try a failed refund again", responses=ASKS)
    async def retry_refund(on: OnCase) -> CaseListed:
        return await cases.ask(on, commands.RetryRefund(at=cases.now(), case_id=on.case_id))


def _disputing(router: APIRouter, cases: _Cases) -> None:
    @router.post(
        _CASE + "/negotiation", tags=["cases"], summary="Shop and buyer talked about it", responses=ASKS
    )
    async def negotiate(on: OnCase, body: Negotiation) -> CaseListed:
        return await cases.ask(on, commands.Negotiate(at=cases.now(), case_id=on.case_id, note=body.note))

    @router.post(
        _CASE + "/dispute", tags=["cases"], summary="The buyer brings in the platform", responses=ASKS
    )
    async def dispute(on: OnCase) -> CaseListed:
        return await cases.ask(on, commands.OpenDispute(at=cases.now(), case_id=on.case_id))

    @router.post(
        _CASE + "/evidence", tags=["cases"], summary="The shop hands in its evidence", responses=ASKS
    )
    async def evidence(on: OnCase, body: Evidence) -> CaseListed:
        return await cases.ask(
            on, commands.SubmitEvidence(at=cases.now(), case_id=on.case_id, refs=body.refs)
        )

    @router.post(_CASE + "/settlement", tags=["cases"], summary="The platform decided", responses=ASKS)
    async def settle(on: OnCase, body: Settlement) -> CaseListed:
        command = commands.SettleDispute(at=cases.now(), case_id=on.case_id, winner=body.winner)
        return await cases.ask(on, command)


def _cases(file: FileView) -> list[CaseListed]:
    view: OrderCases = file.view
    return [CaseListed(order_id=file.subject, shop_id=file.shop_id, case=case) for case in view.cases]


def _shown(file: FileView | None, case_id: str) -> CaseListed:
    for it in [] if file is None else _cases(file):
        if it.case.case_id == case_id:
            return it
    raise not_found("case")
