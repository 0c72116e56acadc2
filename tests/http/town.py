"""The four services with their real rules and HTTP, in memory: asked over HTTP, moved step by step."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from pydantic import SecretStr

from services.aftersales.app import SERVICE as AFTERSALES
from services.logistics.app import SERVICE as LOGISTICS
from services.notifications.app import SERVICE as NOTIFICATIONS
from services.orders.app import SERVICE as ORDERS
from shared.adapters.clock import VirtualClock
from shared.adapters.http.app import create_app
from shared.adapters.http.auth import static_tokens
from shared.adapters.inlet_settings import inlets_from
from shared.adapters.logs import logger
from shared.adapters.memory_log import MemoryLog, MemoryPublisher
from shared.adapters.memory_outside import MemoryMail, MemoryPayments
from shared.adapters.memory_store import MemoryStore
from shared.adapters.memory_transport import MemoryTransport
from shared.adapters.profile_files import load_profiles
from shared.adapters.profiles import Profiles
from shared.adapters.prometheus import PrometheusMetrics
from shared.adapters.settings import CommonSettings
from shared.contracts.catalog import HEARS
from shared.contracts.facts import TAKEN_BY
from shared.runtime.desk import Desk
from shared.runtime.engine import Engine
from shared.runtime.limits import Limits
from shared.runtime.ports import Outside
from shared.runtime.service import Service
from shared.runtime.traces import NO_TRACES, Traces
from shared.runtime.worker import Worker
from tests.http.kit import ADMIN, TOKENS

MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""10:00 in Berlin: no quiet hours."""


class House:
    """One service: its worker and its HTTP."""

    def __init__(self, service: Service, log: MemoryLog, clock: VirtualClock, town: "Town") -> None:
        self.service = service
        self.store = MemoryStore()
        limits = Limits(stream_wait_seconds=0.001, pending_stale_after_seconds=0)
        metrics = PrometheusMetrics(service.name)
        traces = town.traces(service.name)
        self.engine = Engine(
            service, self.store, MemoryPublisher(log), clock, town.profiles.of, limits, metrics, traces
        )
        transport = MemoryTransport(log, service.name, HEARS[service.name])
        outsides: dict[str, Outside] = {"mail": town.mail, "refund": town.payments}
        said = logger("orderlink.process").warning
        self.worker = Worker(self.engine, transport, outsides, log.partitions, said)
        door = static_tokens(json.dumps(TOKENS), "ORDERLINK_TOKENS")
        settings = CommonSettings(auth="on", inlets=SecretStr(json.dumps(town.inlets)))
        opened = inlets_from(settings, service)
        app = create_app(service, Desk(self.engine), settings, door, metrics, inlets=opened, traces=traces)
        self.api = app.api
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app.served), base_url=f"http://{service.name}.test"
        )


class Town:
    """All four, on one log."""

    def __init__(
        self,
        inlets: Sequence[dict[str, Any]] = (),
        profiles: Profiles | None = None,
        traces: Callable[[str], Traces] = lambda service: NO_TRACES,
    ) -> None:
        self.traces = traces
        self.inlets = list(inlets)
        self.clock = VirtualClock(MORNING)
        self.log = MemoryLog(partitions=2)
        self.profiles = profiles or load_profiles()
        self.mail = MemoryMail()
        self.payments = MemoryPayments()
        self.houses = {
            service.name: House(service, self.log, self.clock, self)
            for service in (ORDERS, LOGISTICS, AFTERSALES, NOTIFICATIONS)
        }
        self._facts = 0

    async def start(self) -> None:
        """All workers join their groups."""
        for house in self.houses.values():
            await house.worker.transport.start()

    async def close(self) -> None:
        """Let the clients go."""
        for house in self.houses.values():
            await house.client.aclose()

    async def settle(self) -> None:
        """Until nobody has anything to hear, to fire or to send."""
        busy = True
        while busy:
            busy = False
            for house in self.houses.values():
                worker = house.worker
                while await worker.take_batch() or await worker.try_effects() or await worker.fire_timers():
                    busy = True

    async def pass_time(self, **span: float) -> None:
        """Let time pass, and everything happen that is due by then."""
        self.clock.advance(timedelta(**span))
        await self.settle()

    async def tell(self, fact: str, order_id: str = "A-1", **data: Any) -> httpx.Response:
        """Tell a fact to the service that takes it, now, and let everybody hear of it."""
        self._facts += 1
        raw = {
            "id": f"f-{self._facts}",
            "at": self.clock.now().isoformat(),
            "fact": fact,
            "order_id": order_id,
            "data": data,
        }
        response = await self.ask(TAKEN_BY[fact], "POST", "/facts", json=raw)
        assert response.status_code == 202, response.text
        await self.settle()
        return response

    async def ask(
        self, service: str, method: str, path: str, token: str = ADMIN, key: str | None = None, **rest: Any
    ) -> httpx.Response:
        """Ask a service."""
        headers = {"Authorization": f"Bearer {token}", **rest.pop("headers", {})}
        if key is not None:
            headers["Idempotency-Key"] = key
        return await self.houses[service].client.request(method, path, headers=headers, **rest)

    async def see(self, service: str, path: str, **query: Any) -> Any:
        """What is seen there."""
        response = await self.ask(service, "GET", path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    async def place(self, order_id: str = "A-1", shop_id: str = "demo", **more: Any) -> None:
        """An order of two lines; `more` says what of it is otherwise."""
        usual: dict[str, Any] = {
            "shop_id": shop_id,
            "buyer_id": "b-1",
            "currency": "EUR",
            "total": "30.00",
            "lines": [
                {"line_id": "1", "sku": "CUP", "name": "Cup", "quantity": 1, "amount": "10.00"},
                {"line_id": "2", "sku": "POT", "name": "Pot", "quantity": 1, "amount": "20.00"},
            ],
            "receiver": {"name": "Jane Roe", "email": "jane.roe@example.com"},
        }
        await self.tell("order.placed", order_id, **{**usual, **more})

    async def pay(self, order_id: str = "A-1", amount: str = "30.00") -> None:
        """Its money."""
        await self.tell("order.paid", order_id, amount=amount, payment_id=f"pay-{order_id}")

    async def dispatch(self, order_id: str = "A-1") -> None:
        """Both lines in one parcel."""
        await self.tell(
            "shipment.dispatched",
            order_id,
            parcel_id=f"p-{order_id}",
            carrier="dhl",
            tracking_no=f"t/{order_id}",
            lines=["1", "2"],
        )

    async def scan(self, status: str, order_id: str = "A-1") -> None:
        """The carrier sees the parcel."""
        await self.tell(
            "shipment.scanned",
            order_id,
            carrier="dhl",
            tracking_no=f"t/{order_id}",
            status=status,
            scanned_at=self.clock.now().isoformat(),
        )
