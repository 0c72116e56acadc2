"""What is told to the composed system through its published ports, and what has to come of it."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from shared.cli.system import System
from shared.contracts.catalog import SERVICES
from shared.contracts.facts import fact_from
from tests.composed.project import ComposeWrong

SANDBOX: Final = "http://127.0.0.1:8085"
AMOUNT: Final = "10.00"
PATIENCE_SECONDS: Final = 120.0
LOOK_SECONDS: Final = 0.5
ORDERS_PER_SECOND: Final = 2.0
ORDERS_MAX: Final = 900
"""The sandbox shows a thousand refunds at once."""
AGENT: Final = "agent-1"


@dataclass
class Told:
    """Tells facts about orders, and remembers what was accepted."""

    system: System
    facts: int = 0
    refunds_owed: set[str] = field(default_factory=set[str])
    """Orders of which all facts were accepted, and each is owed one refund."""
    longest_seconds: float = 0.0
    """The longest that one fact took to be accepted, asking again included, since somebody set it back."""

    async def tell(self, order_id: str, fact: str, data: dict[str, Any]) -> None:
        """One fact, until it is accepted. Raises `SystemFailed`."""
        raw = {"id": f"{order_id}-{fact}", "at": datetime.now(UTC), "fact": fact, "order_id": order_id}
        if fact == "shipment.scanned":
            raw["id"] = f"{order_id}-{data['status']}"
        began = time.monotonic()
        await self.system.tell(fact_from({**raw, "data": data}))
        self.longest_seconds = max(self.longest_seconds, time.monotonic() - began)
        self.facts += 1

    async def bought(self, order_id: str) -> None:
        """An order that is placed and paid."""
        line = {"line_id": "1", "sku": "TEA-500", "name": "Green tea", "quantity": 1, "amount": AMOUNT}
        receiver = {"name": "A. Buyer", "email": f"{order_id.lower()}@example.com", "city": "Berlin"}
        buyer = {"shop_id": "demo", "buyer_id": f"b-{order_id}", "currency": "EUR", "total": AMOUNT}
        await self.tell(order_id, "order.placed", {**buyer, "lines": [line], "receiver": receiver})
        await self.tell(order_id, "order.paid", {"amount": AMOUNT, "payment_id": f"p-{order_id}"})

    async def unwanted(self, order_id: str) -> None:
        """An order whose buyer wants his money back before anything left: a rule pays it."""
        await self.bought(order_id)
        await self.wants_money(order_id, "no_longer_wanted")

    async def wants_money(self, order_id: str, reason: str) -> None:
        """The buyer asks for all of it."""
        case = {"case_id": f"K-{order_id}", "kind": "refund_only", "reason": reason}
        await self.tell(order_id, "refund.requested", {**case, "amount": AMOUNT, "lines": ["1"]})
        self.refunds_owed.add(order_id)


async def until(what: str, look: Callable[[], Awaitable[Any]], seconds: float = PATIENCE_SECONDS) -> Any:
    """What a look finds, as soon as it finds anything. Raises `ComposeWrong`."""
    end = time.monotonic() + seconds
    while not (found := await look()):
        if time.monotonic() > end:
            raise ComposeWrong(f"after {seconds:.0f} s there is still no {what}")
        await asyncio.sleep(LOOK_SECONDS)
    return found


async def sandbox(path: str, **query: str | int) -> Any:
    """What the sandbox shows."""
    async with httpx.AsyncClient(base_url=SANDBOX, timeout=10.0) as client:
        answer = await client.get(path, params=query)
        return answer.raise_for_status().json()


async def one_story(told: Told) -> list[str]:
    """An order through all four services, to a mail and to money; what its timeline says of it."""
    order_id, parcel = "STORY-1", {"carrier": "dhl", "tracking_no": "T-STORY-1"}
    await told.bought(order_id)
    await told.tell(order_id, "shipment.dispatched", {**parcel, "parcel_id": "P-STORY-1", "lines": ["1"]})
    for status in ("picked_up", "delivered"):
        scanned = {**parcel, "status": status, "scanned_at": datetime.now(UTC)}
        await told.tell(order_id, "shipment.scanned", scanned)
    await told.tell(order_id, "buyer.message", {"text": "The cup is broken."})
    await told.wants_money(order_id, "damaged")
    await _decided(told.system, order_id)
    reply = {"agent_id": AGENT, "text": "We are sorry. Your money is on its way."}
    await _asked(told.system, f"/orders/{order_id}/reply", reply)

    async def answer() -> Any:
        mails = (await sandbox("/mails", order_id=order_id))["mails"]
        return next((each for each in mails if reply["text"] in each["text"]), None)

    async def refunds() -> Any:
        return (await sandbox("/refunds", order_id=order_id))["refunds"]

    mail = await until("mail with the answer", answer)
    (refund,) = await until("refund", refunds)
    if refund["amount"] != AMOUNT:
        raise ComposeWrong(f"expected a refund of {AMOUNT}, got {refund}")

    async def paid() -> Any:
        seen = await told.system.look("notifications", f"/orders/{order_id}/timeline")
        return seen["entries"] if "case.refunded" in [each["event"] for each in seen["entries"]] else None

    entries = await until("case.refunded in the timeline", paid)
    services = {each["service"] for each in entries}
    if missing := set(SERVICES) - services:
        raise ComposeWrong(f"in the timeline there is nothing of {', '.join(sorted(missing))}")
    said = [f"{each['service']}: {each['summary']}" for each in entries]
    said.append(f"mail to {', '.join(mail['to'])}: {mail['subject']}")
    return [*said, f"refund of {refund['amount']} EUR paid"]


async def _decided(system: System, order_id: str) -> None:
    """The task that somebody has to do is claimed and done."""

    async def waiting() -> Any:
        page = await system.look("notifications", "/tasks", status="open", kind="decide_case")
        return next((item["task"] for item in page["items"] if item["order_id"] == order_id), None)

    task = await until("task decide_case", waiting)
    await _asked(system, f"/tasks/{task['task_id']}/claim", {"agent_id": AGENT})
    await _asked(system, f"/tasks/{task['task_id']}/complete", {"agent_id": AGENT, "outcome": "approve"})


async def _asked(system: System, path: str, body: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": path[-99:]}
    answer = await system.clients["notifications"].post(path, json=body, headers=headers)
    if not answer.is_success:
        raise ComposeWrong(f"POST {path}: {answer.status_code} {answer.text[:300]}")


@asynccontextmanager
async def traffic(told: Told) -> AsyncGenerator[None]:
    """Meanwhile orders come, each with its money to be paid back. Raises `SystemFailed`."""
    enough = asyncio.Event()
    orders = asyncio.create_task(_orders(told, enough))
    try:
        yield
    finally:
        enough.set()
        await orders


async def _orders(told: Told, enough: asyncio.Event) -> None:
    """What was begun is told to its end: of every order all facts are accepted, or this raises."""
    async with asyncio.TaskGroup() as under_way:
        for number in range(ORDERS_MAX):
            if enough.is_set():
                return
            under_way.create_task(told.unwanted(f"T{number:04d}"))
            await asyncio.sleep(1 / ORDERS_PER_SECOND)
    raise ComposeWrong(f"{ORDERS_MAX} orders were not enough: something took too long")


async def all_paid(orders: Set[str]) -> None:
    """Return when each of these orders has its refund. Raises `ComposeWrong` where one has none, or two."""

    async def missing() -> Set[str]:
        paid = Counter(each["order_id"] for each in (await sandbox("/refunds", limit=1000))["refunds"])
        if twice := sorted(order for order, count in paid.items() if count > 1):
            raise ComposeWrong(f"paid twice: {twice[:5]}")
        return orders - paid.keys()

    async def none_missing() -> bool:
        return not await missing()

    try:
        await until("refund for every order", none_missing)
    except ComposeWrong as problem:
        raise ComposeWrong(f"{problem}: {sorted(await missing())[:5]}") from problem


async def all_there(told: Told) -> None:
    """Look at every order. Raises `SystemFailed` where one is not there."""
    for order_id in sorted(told.refunds_owed):
        shown = await told.system.look("orders", f"/orders/{order_id}")
        if shown["order_id"] != order_id:
            raise ComposeWrong(f"GET /orders/{order_id}: got {shown}")
