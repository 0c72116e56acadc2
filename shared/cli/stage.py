"""HTTP clients of services that run in this very process, for the acts of a simulated timeline."""

from collections.abc import Mapping

import httpx

from shared.adapters.http.app import create_app
from shared.adapters.prometheus import PrometheusMetrics
from shared.adapters.settings import CommonSettings
from shared.runtime.desk import Desk


def clients_of(desks: Mapping[str, Desk]) -> dict[str, httpx.AsyncClient]:
    """One client a service. Everybody may do everything: there is nobody else in this process."""
    return {
        name: httpx.AsyncClient(
            base_url=f"http://{name}",
            transport=httpx.ASGITransport(
                create_app(desk.service, desk, CommonSettings(), None, PrometheusMetrics(name)).served
            ),
        )
        for name, desk in desks.items()
    }
