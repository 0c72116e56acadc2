"""The sandbox over HTTP: a payment provider that records each call, and the mails that were sent."""

from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Header, Query
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from shared.adapters.http.problems import ProblemRaised, answers_with_problems, not_found
from shared.adapters.sandbox_books import MailBook, RefundBook
from shared.contracts.base import Amount, Currency, Id, Name, Strict

_LIMIT = 1000


class RefundWanted(Strict):
    """A refund as Orderlink asks for it."""

    order_id: Id
    amount: Amount
    currency: Currency
    payment_id: Annotated[str, Field(max_length=128)] | None = None
    reason: Name | None = None


def sandbox_app(mails: MailBook, refunds: RefundBook) -> FastAPI:
    """The application. It keeps what it was told in its books, and nothing else."""
    api = FastAPI(
        title="Orderlink's sandbox",
        description="Stands in for a payment provider and a mail server, on a laptop and in tests.",
        redirect_slashes=False,
        redoc_url=None,
    )
    answers_with_problems(api)
    api.include_router(_payments(refunds))
    api.include_router(_mails(mails))

    @api.get("/", summary="What happened here")
    @api.get("/readyz", summary="It is up")
    async def overview() -> dict[str, int]:
        return {"mails": len(mails), "refunds": len(refunds), "refund_calls": refunds.calls}

    return api


def _payments(refunds: RefundBook) -> APIRouter:
    router = APIRouter(tags=["payments"])

    @router.post("/refunds", summary="Pay money back, once for each Idempotency-Key", status_code=201)
    async def refund(
        body: RefundWanted, idempotency_key: Annotated[str, Header(min_length=1, max_length=400)]
    ) -> Response:
        """A payment id that starts with `fail` is refused for good, one with `flaky` fails at first."""
        asked = body.model_dump(mode="json")
        answer = refunds.pay(idempotency_key, asked)
        match answer.status:
            case 200 | 201:
                return JSONResponse(answer.refund, status_code=answer.status)
            case 422:
                raise ProblemRaised(422, answer.slug, "The sandbox refuses this refund.")
            case _:
                raise ProblemRaised(503, answer.slug, "The sandbox is away this time; try again.")

    @router.get("/refunds", summary="The refunds that were paid, and how often each was asked for")
    async def paid(
        order_id: Annotated[str | None, Query()] = None, limit: Annotated[int, Query(ge=1, le=_LIMIT)] = 200
    ) -> dict[str, Any]:
        return {"calls": refunds.calls, "refunds": refunds.newest(limit, order_id)}

    return router


def _mails(mails: MailBook) -> APIRouter:
    router = APIRouter(tags=["mail"])

    @router.get("/mails", summary="The mails that were sent, newest last")
    async def listed(
        order_id: Annotated[str | None, Query()] = None,
        to: Annotated[str | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=_LIMIT)] = 200,
    ) -> dict[str, Any]:
        return {"count": len(mails), "mails": mails.newest(limit, order_id, to)}

    @router.get("/mails/{number}", summary="One mail as it came")
    async def mail(number: int) -> Response:
        raw = mails.raw(number)
        if raw is None:
            raise not_found("mail")
        return Response(raw, media_type="message/rfc822")

    return router
