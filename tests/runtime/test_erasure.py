"""What the engine forgets with a buyer, whatever the rules of a service make of it."""

import json
from datetime import datetime
from typing import Any

import pytest

from services.aftersales.app import SERVICE as AFTERSALES
from services.logistics.app import SERVICE as LOGISTICS
from services.notifications.app import SERVICE as NOTIFICATIONS
from services.orders.app import SERVICE as ORDERS
from services.orders.commands import WriteRemark
from shared.adapters.clock import VirtualClock
from shared.adapters.memory_log import MemoryLog
from shared.adapters.memory_store import MemoryStore
from shared.contracts.catalog import CONTACTS_TOPIC
from shared.contracts.event import Payload, to_cloudevent
from shared.contracts.events import common, orders
from shared.contracts.facts import Receiver, fact_from
from shared.kernel.erasure import EraseBuyer
from shared.runtime.engine import Engine
from shared.runtime.file import File
from shared.runtime.fold.book import event_headers
from shared.runtime.limits import Limits
from shared.runtime.listen import listen
from shared.runtime.metrics import NoMetrics
from shared.runtime.ports import EffectResult, Record
from shared.runtime.service import Service
from shared.runtime.work import Ask, Done, ReportEffect, StartEffect, Tell
from tests.kit.rules import START, after, default_profile, heard
from tests.kit.world import FaultyPublisher, fact
from tests.notifications.world import placed

pytestmark = pytest.mark.promise("forgotten")

CONTACT = orders.ContactChanged(
    buyer_id="b-1", receiver=Receiver(name="Anna Roth", email="anna@buyers.example")
)
GARBLED = b"Anna Roth, Main Street 1"


class Desk:
    """One service's engine in memory, with a broker that may be away."""

    def __init__(self, service: Service) -> None:
        self.store, self.log = MemoryStore(), MemoryLog(1)
        self.clock = VirtualClock(START)
        self.publisher = FaultyPublisher(self.log)
        profile = default_profile()
        self.engine = Engine(
            service, self.store, self.publisher, self.clock, lambda *_: profile, Limits(), NoMetrics()
        )
        self.numbers: dict[str, int] = {}

    async def hear(self, payload: Payload, at: datetime = START, source: str = "") -> Done:
        said_by = source or payload.service
        number = self.numbers[said_by] = self.numbers.get(said_by, 0) + 1
        event = heard(payload, at, source=said_by, n=number)
        value = json.dumps(to_cloudevent(event)).encode()
        return await self.read(value, {n: v.encode() for n, v in event_headers(event).items()})

    async def read(self, value: bytes, headers: dict[str, bytes]) -> Done:
        record = Record("orders.v1", 0, 0, b"A-1", value, headers)
        return (await self.engine.run(listen(self.engine.service, [record]).work))[0]

    async def garbled(self, source: str) -> Done:
        """A record that nobody can read parks its source."""
        number = self.numbers[source] = self.numbers.get(source, 0) + 1
        headers = {"ce_source": source, "ce_subject": "A-1", "ce_sequence": str(number)}
        return await self.read(GARBLED, {name: value.encode() for name, value in headers.items()})

    async def tell(self, told: Any) -> Done:
        return (await self.engine.run([Tell("A-1", told, "d")]))[0]

    async def ask(self, command: Any, key: str = "k-1") -> Done:
        return (await self.engine.run([Ask("A-1", command, key, "d")]))[0]

    async def file(self) -> File:
        found = await self.engine.load("A-1")
        assert found is not None
        return found

    async def stored(self) -> str:
        return json.dumps(await self.store.load(["A-1"]), default=str)


async def erased(desk: Desk, at: datetime = START) -> Done:
    return await desk.hear(orders.OrderErased(), at)


def contacts(desk: Desk) -> list[bytes | None]:
    return [record.value for record in desk.log.records(CONTACTS_TOPIC)]


async def test_a_fact_that_waits_to_fit_waits_on_without_its_text() -> None:
    desk = Desk(AFTERSALES)
    review = {"id": "r-1", "at": START, "fact": "review.posted", "order_id": "A-1"}
    await desk.tell(fact_from({**review, "data": {"stars": 1, "text": "Anna is sad"}}))
    assert "Anna" in await desk.stored()
    await erased(desk)
    await desk.tell(fact_from({**review, "id": "r-2", "data": {"stars": 2, "text": "Anna is sad again"}}))
    assert [entry.fact["data"]["text"] for entry in (await desk.file()).waiting] == ["(erased)"] * 2
    assert "Anna" not in await desk.stored()
    await desk.hear(placed())
    await desk.hear(orders.OrderPaid(amount="10.00", payment_id="p", ship_by=START))  # type: ignore[arg-type]
    assert [review.stars for review in (await desk.file()).state.reviews] == [1, 2]


async def with_letter() -> tuple[Desk, str]:
    desk = Desk(NOTIFICATIONS)
    await desk.hear(CONTACT, source="orders-contacts")
    wanted = common.MessageWanted(message_id="m-1", template="reply", order_id="A-1", params={"text": "Anna"})
    await desk.hear(wanted, source="aftersales")
    (entry,) = (await desk.file()).effects.values()
    assert "anna@buyers.example" in str(entry.request)
    return desk, entry.effect_id


async def test_a_letter_that_nobody_has_begun_to_send_is_not_sent() -> None:
    desk, letter = await with_letter()
    await erased(desk)
    (done,) = await desk.engine.run([StartEffect("A-1", letter)])
    assert done.started == 0
    assert (await desk.file()).next_effect_at is None
    assert "Anna" not in await desk.stored()
    assert "anna" not in await desk.stored()


async def test_a_letter_that_is_being_sent_is_not_sent_again_and_its_end_is_heard() -> None:
    desk, letter = await with_letter()
    (begun,) = await desk.engine.run([StartEffect("A-1", letter)])
    await erased(desk)
    failed = ReportEffect("A-1", letter, begun.started, EffectResult(done=False, retry=True))
    assert (await desk.engine.run([failed]))[0].duplicate
    done = ReportEffect("A-1", letter, begun.started, EffectResult(done=True, result={"to": "anna"}))
    await desk.engine.run([done])
    assert (await desk.file()).effects[letter].status == "done"
    assert "anna" not in await desk.stored()


async def test_a_contact_that_the_broker_does_not_have_yet_never_reaches_it() -> None:
    desk = Desk(ORDERS)
    desk.publisher.away = True
    order = fact("order.placed", "f-1", receiver={"name": "Anna Roth", "address": "Main Street 1"})
    await desk.tell(order)
    await desk.ask(EraseBuyer(at=START, even_though_open=True))
    assert "Anna" not in await desk.stored()
    desk.publisher.away = False
    await desk.engine.publish([await desk.file()])
    assert contacts(desk) == [None, None]


async def test_a_tombstone_follows_the_contact_under_the_same_key() -> None:
    desk = Desk(ORDERS)
    await desk.tell(fact("order.placed", "f-1", receiver={"name": "Anna Roth"}))
    await desk.ask(EraseBuyer(at=START, even_though_open=True))
    records = list(desk.log.records(CONTACTS_TOPIC))
    assert [record.key for record in records] == [b"A-1", b"A-1"]
    assert records[-1].value is None
    assert records[-1].headers["ce_sequence"] == b"2"


async def test_commands_that_bring_somebody_back_are_refused_and_others_are_not() -> None:
    desk = Desk(ORDERS)
    await desk.tell(fact("order.placed", "f-1"))
    await desk.ask(EraseBuyer(at=START, even_though_open=True))
    answer = await desk.ask(WriteRemark(at=after(hours=1), text="Anna calls", by="mia"), "k-2")
    assert answer.refused is not None
    assert answer.refused.slug == "order-erased"
    assert (await desk.tell(fact("order.paid", "f-2"))).fits


async def test_no_contact_is_written_again_by_whatever_rule() -> None:
    desk = Desk(ORDERS)
    await desk.ask(EraseBuyer(at=START, even_though_open=True))
    await desk.tell(fact("order.placed", "f-1", receiver={"name": "Anna Roth", "city": "Annaberg"}))
    assert contacts(desk) == [None, None]
    assert "Anna" not in await desk.stored()


@pytest.mark.parametrize("service", [LOGISTICS, AFTERSALES, NOTIFICATIONS], ids=lambda each: each.name)
async def test_an_erasure_waits_behind_no_parked_record(service: Service) -> None:
    desk = Desk(service)
    await desk.hear(placed())
    await desk.garbled("orders")
    answer = await erased(desk)
    assert answer.parked
    file = await desk.file()
    assert file.erased
    assert file.parked == {"orders/A-1": 3}
    assert file.applied["orders"] == 1


async def test_contacts_that_were_parked_are_given_up() -> None:
    desk = Desk(LOGISTICS)
    await desk.hear(placed())
    await desk.garbled("orders-contacts")
    await desk.hear(CONTACT, source="orders-contacts")
    assert (await desk.file()).parked == {"orders-contacts/A-1": 2}
    await erased(desk)
    file = await desk.file()
    assert (file.parked, file.applied["orders-contacts"]) == ({}, 2)


async def test_the_why_trail_says_once_that_it_was_erased() -> None:
    desk = Desk(LOGISTICS)
    await desk.hear(placed())
    await erased(desk)
    await erased(desk)
    lines = [line for line in (await desk.file()).history if line["asked"] == "EraseBuyer"]
    assert [line["rule"] for line in lines] == ["erasure"]
