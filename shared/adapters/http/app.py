"""The HTTP application of a service: its own routes between the layers that all services share."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.types import ASGIApp

from shared.adapters.http.auth import AuthGuard, Door
from shared.adapters.http.bodies import BodyGuard
from shared.adapters.http.inlets import inlet_routes
from shared.adapters.http.paths import SlashesInIds
from shared.adapters.http.probes import Health, orderlink_version, probe_routes
from shared.adapters.http.problems import Problem, answers_with_problems
from shared.adapters.http.requests import Requests
from shared.adapters.http.why import why_routes
from shared.adapters.inlet_settings import OpenInlet
from shared.adapters.prometheus import PrometheusMetrics
from shared.adapters.settings import CommonSettings
from shared.contracts.base import Frozen, Utc
from shared.kernel.charts import Chart
from shared.runtime.desk import Desk
from shared.runtime.service import Service
from shared.runtime.traces import NO_TRACES, Traces


class Asked(Frozen):
    """What a replay wants to know of a process in test mode."""

    until: Utc | None = None
    """Timers that are due later are left out."""
    light: bool = False
    """Whether the database need not be asked."""
    ends: dict[str, int] | None = None
    """Answer when all of these partitions up to here is taken in and nothing is at work."""


Status = Callable[[Asked], Awaitable[dict[str, Any]]]

TAGS: Final = [
    {"name": "facts", "description": "What the outside tells. Accepted facts are never lost."},
    {"name": "inlets", "description": "What other systems post, signed in their own way."},
    {"name": "orders", "description": "What the service knows of an order."},
    {"name": "cases", "description": "Refunds, returns, exchanges, disputes, reviews."},
    {"name": "tasks", "description": "Work for agents, human or AI: claim, heartbeat, complete, return."},
    {"name": "messages", "description": "What buyers are told."},
    {"name": "charts", "description": "The stages of every document, as data."},
    {"name": "operations", "description": "Probes, metrics and the version."},
]
_DESCRIPTION: Final = """
{card}

* **Facts** are told with `POST /facts` and answered with 202 once they are committed. A fact's own
  `id` makes telling it twice harmless. One that does not fit says so (`fits: false` with a slug).
* **Commands** need an `Idempotency-Key`. A rule's no is a 409 (or 404) whose `type` ends in its slug.
* **Problems** are RFC 9457 and name the field at fault.
* **Lists** page by `cursor`: pass the `next` of the page before.
"""


class App:
    """The application as it is served, and what a process wants to know of it."""

    def __init__(self, api: FastAPI, served: ASGIApp, requests: Requests) -> None:
        self.api = api
        self.served = served
        self.requests = requests


def create_app(
    service: Service,
    desk: Desk,
    settings: CommonSettings,
    door: Door | None,
    metrics: PrometheusMetrics,
    health: Health | None = None,
    status: Status | None = None,
    card: str = "",
    inlets: Mapping[str, OpenInlet] = MappingProxyType({}),
    traces: Traces = NO_TRACES,
) -> App:
    """Build a service's application. `status` is served at `/testing/status`, in test mode only."""
    api = FastAPI(
        title=f"Orderlink {service.name}",
        description=_DESCRIPTION.format(card=card.strip()),
        version=orderlink_version(),
        openapi_tags=TAGS,
        redirect_slashes=False,
        redoc_url=None,
    )
    api.state.settings = settings
    answers_with_problems(api)
    if service.routes is not None:
        api.include_router(service.routes(desk))
    if service.inlets:
        api.include_router(inlet_routes(desk, inlets, settings, metrics))
    api.include_router(why_routes(desk))
    api.include_router(_chart_routes(service.charts))
    api.include_router(probe_routes(service.name, health or Health(), metrics))
    if status is not None:
        api.include_router(testing_routes(status))
    _document(api)
    guarded: ASGIApp = SlashesInIds(AuthGuard(BodyGuard(api, settings), door))
    is_open = (lambda: True) if health is None else (lambda: health.checked)
    requests = Requests(guarded, metrics, settings.requests_in_flight_max, traces, is_open)
    return App(api, requests, requests)


def create_worker_app(
    service: Service,
    settings: CommonSettings,
    metrics: PrometheusMetrics,
    health: Health,
    status: Status | None = None,
) -> App:
    """The probes of a worker process, and its status in test mode."""
    api = FastAPI(title=f"Orderlink {service.name} worker", openapi_url=None, redirect_slashes=False)
    api.state.settings = settings
    answers_with_problems(api)
    api.include_router(probe_routes(service.name, health, metrics))
    if status is not None:
        api.include_router(testing_routes(status))
    requests = Requests(BodyGuard(api, settings), metrics, settings.requests_in_flight_max)
    return App(api, requests, requests)


def testing_routes(status: Status) -> APIRouter:
    """What a lockstep replay asks; only where time comes from a test clock."""
    router = APIRouter(tags=["operations"], include_in_schema=False)

    @router.post("/testing/status")
    async def testing_status(asked: Asked) -> dict[str, Any]:
        return await status(asked)

    return router


def _chart_routes(charts: tuple[Chart, ...]) -> APIRouter:
    router = APIRouter(tags=["charts"])

    @router.get("/charts", summary="The stages of every document of this service")
    async def all_charts() -> list[Chart]:
        return list(charts)

    return router


def _document(api: FastAPI) -> None:
    """Give the problem's schema to OpenAPI: routes name it, none of them returns it."""

    def described() -> dict[str, Any]:
        if api.openapi_schema is None:
            spec = get_openapi(
                title=api.title,
                version=api.version,
                description=api.description,
                routes=api.routes,
                tags=TAGS,
            )
            schemas = spec.setdefault("components", {}).setdefault("schemas", {})
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(problem.pop("$defs", {}))
            schemas["Problem"] = problem
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            api.openapi_schema = spec
        return api.openapi_schema

    api.openapi = described  # type: ignore[method-assign]
