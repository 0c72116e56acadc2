"""Probes: is the process up, does it get ahead, does it take work, what does it count."""

import asyncio
import platform
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from shared.adapters.prometheus import CONTENT_TYPE, PrometheusMetrics
from shared.contracts.base import Frozen
from shared.runtime.ports import PortError

CHECK_SECONDS: Final = 0.8
"""Less than the second that a kubelet waits for a probe."""


@dataclass(slots=True)
class Health:
    """What a process knows of its own health."""

    alive: Callable[[], bool] = lambda: True
    """Whether it gets ahead."""
    checks: Mapping[str, Callable[[], Awaitable[None]]] = field(
        default_factory=dict[str, Callable[[], Awaitable[None]]]
    )
    """What must answer for work to be taken; each raises a `PortError` when it does not."""
    starting: Callable[[], str] = lambda: ""
    """What its start waits for; empty when it has started."""
    checked: bool = True
    """Whether the start's checks are done, or were left out on purpose: before, only probes are answered."""
    draining: bool = False
    """Whether it was told to stop."""

    async def unready(self) -> dict[str, str]:
        """What is not as it must be, by name; empty when the process takes work."""
        found = {"process": "is stopping"} if self.draining else {}
        if not self.alive():
            found["worker"] = "gets nothing done"
        if waits_for := self.starting():
            found["start"] = waits_for
        answers = await asyncio.gather(*(_answer(check) for check in self.checks.values()))
        found |= {name: wrong for name, wrong in zip(self.checks, answers, strict=True) if wrong}
        return found


async def _answer(check: Callable[[], Awaitable[None]]) -> str:
    """What is wrong; empty when nothing is. A probe is not kept waiting."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except PortError as problem:
        return type(problem).__name__.lower()
    except TimeoutError:
        return "unavailable"
    return ""


class Version(Frozen):
    """Which Orderlink this is."""

    service: str
    version: str
    python: str


def orderlink_version() -> str:
    """The installed distribution's version."""
    try:
        return version("orderlink")
    except PackageNotFoundError:
        return "0"


def probe_routes(service: str, health: Health, metrics: PrometheusMetrics) -> APIRouter:
    """The probes of one process."""
    router = APIRouter(tags=["operations"])

    @router.get("/healthz", summary="The process is up")
    async def healthz() -> dict[str, str]:
        return {"status": "up"}

    @router.get("/livez", summary="The process gets ahead; 503 asks for a restart", responses=_UNWELL)
    async def livez() -> Response:
        alive = health.alive()
        return JSONResponse({"status": "alive" if alive else "stuck"}, status_code=200 if alive else 503)

    async def unready_now() -> dict[str, str]:
        unready = await health.unready()
        metrics.gauge("orderlink_ready", 0 if unready else 1)
        return unready

    @router.get("/readyz", summary="The process takes work; 503 says what is away", responses=_UNWELL)
    async def readyz() -> Response:
        unready = await unready_now()
        content: dict[str, Any] = (
            {"status": "unready", "because": unready} if unready else {"status": "ready"}
        )
        return JSONResponse(content, status_code=503 if unready else 200)

    @router.get("/metrics", summary="Counts and measures, in Prometheus' format", response_class=Response)
    async def exposition() -> Response:
        # So that it is true where nobody asks for readiness.
        await unready_now()
        return Response(metrics.exposition(), media_type=CONTENT_TYPE)

    @router.get("/version", summary="Which Orderlink this is")
    async def which() -> Version:
        return Version(service=service, version=orderlink_version(), python=platform.python_version())

    return router


_UNWELL: dict[int | str, dict[str, Any]] = {503: {"description": "Not so, and why."}}
