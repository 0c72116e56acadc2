"""Inlets over HTTP: a delivery is signed, read, checked as a whole, then taken, and its sender answered.

Senders repeat what is not answered with 2xx, some for hours, and some then stop sending for good. So a
4xx is kept for what a person must mend: a wrong signature, a payload that can't be read, another shop's
order. What can never be taken, however often it is sent, is answered with 2xx and told as `left`: what
Orderlink has no use for, and facts from before anybody would act on them (`fact_max_past_days`). A time
ahead of our clock is the sender's clock: the fact reached us now, and is taken as of now.

All facts of one order commit together. Where the database goes away between two orders the answer is
503, and what is delivered again then repeats harmlessly: ids say what is told.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, assert_never
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from shared.adapters.http.auth import INLETS, Actor
from shared.adapters.http.bodies import malformed
from shared.adapters.http.facts import check_shop, implausible
from shared.adapters.http.problems import (
    ProblemRaised,
    documented,
    invalid,
    known,
    not_found,
    wrong_field,
)
from shared.adapters.inlet_settings import OpenInlet
from shared.adapters.logs import logger
from shared.adapters.settings import CommonSettings
from shared.contracts.base import Frozen, Id
from shared.contracts.facts import AnyFact, ShipmentScanned, Sighting
from shared.kernel.inlets import Delivery, NotJson, Read, Unreadable
from shared.runtime.desk import Desk, Taken
from shared.runtime.fold import told_digest
from shared.runtime.metrics import Metrics
from shared.runtime.work import KeyReused

FORM: Final = "application/x-www-form-urlencoded"
_FORM_FIELDS_MAX: Final = 100
_LOG = logger("orderlink.inlets")


class FactRead(Frozen):
    """What became of one fact of a delivery. It is accepted and will not be lost, whether it fits or not."""

    id: Id
    fact: str
    """Its kind; `sighting` for a carrier's scan that names no order."""
    order_id: Id | None
    fits: bool
    slug: str | None = None
    """Why it does not fit."""
    detail: str | None = None
    duplicate: bool = False
    """Whether it had been told before; then nothing happened."""
    waiting: bool = False
    """Whether it came too early and is kept, to be tried again when the order moves."""


class DeliveryTaken(Frozen):
    """What became of a delivery."""

    facts: tuple[FactRead, ...]
    left: tuple[str, ...]
    """What of it is not taken, and why."""


def inlet_routes(
    desk: Desk, opened: Mapping[str, OpenInlet], settings: CommonSettings, metrics: Metrics
) -> APIRouter:
    """The addresses at which other systems post, each below its own name."""
    router = APIRouter(tags=["inlets"])
    address = INLETS + "{inlet}"

    def found(name: str) -> OpenInlet:
        inlet = opened.get(name)
        if inlet is None:
            raise not_found("inlet")
        return inlet

    @router.post(
        address,
        summary="Take a delivery of another system",
        response_model=DeliveryTaken,
        responses=documented(400, 401, 403, 404, 413, 422, 503),
    )
    async def deliver(inlet: str, request: Request) -> Response:
        to = found(inlet)
        outcome = "internal"
        try:
            delivery = _delivery(to, request, await request.body(), desk.clock.now(), settings)
            if to.inlet.tries is not None and to.inlet.tries(delivery):
                outcome = "greeted"
                return _answered(to.inlet.answer or b"ok")
            taken = await _take(desk, request, to, delivery, settings)
            outcome = _outcome(taken)
            if to.inlet.answer is not None:
                return _answered(to.inlet.answer)
            return Response(taken.model_dump_json(), media_type="application/json")
        except Exception as error:
            problem = known(error)
            outcome = outcome if problem is None else problem.slug
            raise
        finally:
            metrics.count("orderlink_inlet_deliveries_total", system=to.inlet.system, outcome=outcome)

    @router.get(address, summary="Try an address", include_in_schema=False)
    async def greet(inlet: str, request: Request) -> Response:
        to = found(inlet)
        if to.inlet.greet is None:
            raise ProblemRaised(
                405, "method-not-allowed", "This address takes POST.", headers={"Allow": "POST"}
            )
        # No inlet greets by a body, and nobody has bounded one of a GET.
        delivery = _delivery(to, request, b"", desk.clock.now(), settings)
        _signing_secret(to, delivery)
        return _answered(to.inlet.greet(delivery))

    return router


def _delivery(
    to: OpenInlet, request: Request, body: bytes, now: datetime, settings: CommonSettings
) -> Delivery:
    return Delivery(
        shop_id=to.shop_id,
        body=body,
        received_at=now,
        headers=dict(request.headers.items()),
        query=dict(request.query_params.items()),
        form=_form(request.headers.get("content-type", ""), body),
        depth_max=settings.json_depth_max,
    )


def _form(content_type: str, body: bytes) -> dict[str, str]:
    if content_type.partition(";")[0].strip().lower() != FORM:
        return {}
    try:
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_FORM_FIELDS_MAX))
    except ValueError:
        raise ProblemRaised(
            400, "malformed-request", f"The form is not UTF-8, or has more than {_FORM_FIELDS_MAX} fields."
        ) from None


def _signing_secret(to: OpenInlet, delivery: Delivery) -> str:
    """The secret that the delivery is signed with. All are tried, whichever fits."""
    signed_with = [secret for secret in to.secrets if to.inlet.signed(delivery, secret)]
    if not signed_with:
        raise ProblemRaised(
            401,
            "signature-wrong",
            f"The delivery is not signed as {to.inlet.system} signs, with a secret of this inlet: "
            "expected the raw body, unchanged, and a secret that is in the settings here.",
            headers={"WWW-Authenticate": 'Signature realm="orderlink"'},
        )
    return signed_with[0]


async def _take(
    desk: Desk, request: Request, to: OpenInlet, delivery: Delivery, settings: CommonSettings
) -> DeliveryTaken:
    secret = _signing_secret(to, delivery)
    actor = Actor(name=f"inlet:{to.name}", scopes=frozenset({"facts:write"}), shops=frozenset({to.shop_id}))
    request.state.actor = actor
    reading = _read(to, delivery, secret)
    if len(reading.facts) > settings.inlet_facts_max:
        raise wrong_field("body", f"at most {settings.inlet_facts_max} facts", str(len(reading.facts)))
    told, left = _plausible(reading, desk, settings)
    if told:
        request.state.correlation_id = told[0].id
    facts = [each for each in told if not isinstance(each, Sighting)]
    sightings = [each for each in told if isinstance(each, Sighting)]
    for fact in facts:
        await check_shop(desk, actor, fact)
    shops = None if actor.every_shop else (to.shop_id,)
    answers = await desk.take_all([(fact, told_digest(fact)) for fact in facts], shops) if facts else []
    seen: Sequence[Any] = ()
    if sightings:
        if desk.service.sight is None:
            left += tuple(f"{each.id}: scans that name no order go to logistics" for each in sightings)
            sightings = []
        else:
            seen = await desk.service.sight(desk, sightings, shops)
    if left:
        _LOG.info("left of a delivery", inlet=to.name, system=to.inlet.system, left=list(left)[:20])
    _no_key_reused(facts, answers)
    return DeliveryTaken(
        facts=(
            *(_fact_read(fact, answer) for fact, answer in zip(facts, answers, strict=True)),
            *(_fact_read(each, answer) for each, answer in zip(sightings, seen, strict=True)),
        ),
        left=left,
    )


def _read(to: OpenInlet, delivery: Delivery, secret: str) -> Read:
    try:
        opened = to.inlet.opened(delivery, secret) if to.inlet.opened is not None else delivery
        reading = opened if isinstance(opened, Unreadable) else to.inlet.read(opened)
    except NotJson as problem:
        raise malformed(f"The payload is not JSON as Orderlink takes it: {problem}.") from None
    except ValidationError as problem:
        raise invalid(problem.errors(), foreign=True) from None
    match reading:
        case Read():
            return reading
        case Unreadable():
            raise wrong_field(reading.field, reading.expected, reading.got)
        case _:
            assert_never(reading)


def _plausible(
    reading: Read, desk: Desk, settings: CommonSettings
) -> tuple[list[AnyFact | Sighting], tuple[str, ...]]:
    """What can be taken, none of it ahead of our clock, and what is left."""
    now = desk.clock.now()
    latest = now + timedelta(seconds=settings.fact_max_future_seconds)
    told: list[AnyFact | Sighting] = []
    left = list(reading.left)
    for each in reading.facts:
        in_time = each if each.at <= latest else each.model_copy(update={"at": now})
        wrong = implausible("at", in_time.at, now, settings)
        if isinstance(each, ShipmentScanned | Sighting):
            wrong = wrong or implausible("data.scanned_at", each.data.scanned_at, now, settings)
        if wrong is None:
            told.append(in_time)
        else:
            left.append(f"{each.id}: {wrong.field}: expected {wrong.expected}, got {wrong.got}")
    return told, tuple(left)


def _no_key_reused(facts: Sequence[AnyFact], answers: Sequence[Taken | KeyReused]) -> None:
    """Tell of ids that came before with another body, once everything else has been taken."""
    reused = [fact for fact, answer in zip(facts, answers, strict=True) if isinstance(answer, KeyReused)]
    if reused:
        problem = wrong_field("id", "an id that is given once", "one of another fact", "key-reused")
        raise ProblemRaised(
            422,
            "key-reused",
            f"The id of this {reused[0].fact} came before, with another body; what else was told is taken.",
            problem.errors,
        )


def _fact_read(told: AnyFact | Sighting, answer: Any) -> FactRead:
    taken: Taken = answer
    if isinstance(told, Sighting):
        kind, order_id = "sighting", None if taken.file is None else taken.file.subject
    else:
        kind, order_id = told.fact, told.order_id
    return FactRead(
        id=told.id,
        fact=kind,
        order_id=order_id,
        fits=taken.fits,
        slug=taken.slug,
        detail=taken.detail or None,
        duplicate=taken.duplicate,
        waiting=taken.waiting,
    )


def _outcome(taken: DeliveryTaken) -> str:
    if not taken.facts:
        return "left"
    return "duplicate" if all(fact.duplicate for fact in taken.facts) else "taken"


def _answered(body: bytes) -> Response:
    kind = "application/json" if body.startswith(b"{") else "text/plain"
    return Response(body, media_type=kind)
