"""Around every request: its id, its place in the queue, its line in the log, and a problem where one arises.

The outermost layer. Whatever escapes everything else becomes a 500 problem here, and the log has
its kind and place under the request's id, never its text.
"""

import asyncio
import re
from collections.abc import Callable
from time import perf_counter
from typing import Any, Final
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.adapters.http.bodies import Disconnected
from shared.adapters.http.problems import come_again, internal, known, still_starting
from shared.adapters.logs import failure, logger
from shared.runtime.metrics import Metrics
from shared.runtime.ports import Unavailable
from shared.runtime.traces import HERE, NO_TRACES, Traces, plain_traceparent

_PLAIN_ID: Final = re.compile(r"^[A-Za-z0-9._:-]{1,128}$")
_PROBES: Final = frozenset({"/healthz", "/livez", "/readyz", "/metrics"})


class Requests:
    """ASGI middleware: names, limits, counts, times and logs requests, and answers for their failures."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        in_flight_max: int,
        traces: Traces = NO_TRACES,
        is_open: Callable[[], bool] = lambda: True,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._traces = traces
        self._in_flight_max = in_flight_max
        self._is_open = is_open
        self._in_flight = 0
        self._log = logger("orderlink.http")

    @property
    def in_flight(self) -> int:
        """Requests being answered, probes excepted."""
        return self._in_flight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _plain(headers.get("x-request-id")) or uuid4().hex
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = request_id
        state["correlation_id"] = _plain(headers.get("x-correlation-id"))
        answer = _Answer(send, request_id)
        started = perf_counter()
        probe = scope["path"] in _PROBES
        came = plain_traceparent(headers.get("traceparent"))
        span = (NO_TRACES if probe else self._traces).begin("HTTP", came, request_id=request_id)
        before = HERE.set(span.traceparent)
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            self._in_flight += not probe
            try:
                await self._answer(scope, receive, answer, state)
            finally:
                self._in_flight -= not probe
                if not probe:
                    self._note(scope, state, answer, perf_counter() - started)
                    span.rename(f"{_method(scope)} {_route(scope)}")
                    span.note(status=answer.status)
                    span.end()
                HERE.reset(before)

    async def _answer(self, scope: Scope, receive: Receive, answer: "_Answer", state: dict[str, Any]) -> None:
        try:
            if not self._is_open() and scope["path"] not in _PROBES:
                raise still_starting()
            if self._in_flight > self._in_flight_max:
                raise come_again(f"More than {self._in_flight_max} requests are being answered; try again.")
            await self._app(scope, receive, answer)
        except Disconnected:
            state["slug"] = "disconnected"
        except asyncio.CancelledError:
            # A process that ends waits so long for its answers, and no longer. The request's task ends here
            # in any case; what it asked for may be done or not, and asking again does no harm.
            await self._fail(Unavailable("the process ends"), scope, receive, answer, state)
        except Exception as error:  # noqa: BLE001  # the last place at which a failure can become an answer
            await self._fail(error, scope, receive, answer, state)

    async def _fail(
        self, error: Exception, scope: Scope, receive: Receive, answer: "_Answer", state: dict[str, Any]
    ) -> None:
        problem = known(error)
        if problem is None:
            self._log.error("request failed", route=_route(scope), **failure(error))
            problem = internal()
        state["slug"] = problem.slug
        if answer.status == 0:
            await problem.response(state["request_id"])(scope, receive, answer)

    def _note(self, scope: Scope, state: dict[str, Any], answer: "_Answer", seconds: float) -> None:
        route, method = _route(scope), _method(scope)
        self._metrics.count(
            "orderlink_http_requests_total", method=method, route=route, status=str(answer.status)
        )
        self._metrics.observe("orderlink_http_request_seconds", seconds, method=method, route=route)
        self._metrics.gauge("orderlink_http_requests_in_flight", self._in_flight)
        slug = state.get("slug")
        if slug:
            self._metrics.count("orderlink_http_rejected_total", slug=slug)
        actor = state.get("actor")
        told = {
            "method": method,
            "route": route,
            "status": answer.status,
            "milliseconds": round(seconds * 1000, 1),
            "correlation_id": _plain(state.get("correlation_id")),
            "actor": None if actor is None else actor.name,
            "slug": slug,
        }
        self._log.info("request", **{key: value for key, value in told.items() if value is not None})


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class _Answer:
    """The sending side, watched: which status went out, with the request's id in its headers."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self._request_id
            headers["X-Content-Type-Options"] = "nosniff"
            headers.setdefault("Cache-Control", "no-store")
        await self._send(message)


def _plain(text: str | None) -> str | None:
    return text if text is not None and _PLAIN_ID.match(text) else None


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "other"


def _route(scope: Scope) -> str:
    route = scope.get("route")
    path: str = getattr(route, "path", "(none)")
    return path
