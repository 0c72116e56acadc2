"""Buyers whose every field is a marker live through stories, are erased, and are in nothing any more.

The fields are taken from the models themselves: one that is added and not told here fails the first test,
one that holds a text and is neither marked nor a label fails the second.
"""

import json
from datetime import timedelta
from typing import Any, Final, get_args

import pytest

from services.aftersales.commands import AftersalesCommand, Negotiate
from services.logistics.commands import LogisticsCommand, RegisterEnquiry
from services.notifications.commands import (
    AnyCommand,
    ClaimTask,
    CompleteTask,
    ContactKnown,
    ReplyToBuyer,
    ReturnTask,
)
from services.notifications.state import OrderFile
from services.notifications.state.tasks import OpenTask
from services.orders.app import SERVICE as ORDERS_SERVICE
from services.orders.commands import AddressChange, MakeChange, MakeRequest, OrdersCommand, WriteRemark
from shared.contracts.catalog import CONTACTS_TOPIC, dead_letter_topic
from shared.contracts.event import Payload, payloads, to_cloudevent
from shared.contracts.events import orders as says
from shared.contracts.facts import AnyFact, OrderPlaced, Receiver, Sighting, fact_from
from shared.contracts.tasks import OUTCOMES, TaskKind, WithContact, WithReason, WithReasonAndPhotos, WithText
from shared.contracts.wishes import CardRequest, InvoiceRequest
from shared.kernel.erasure import marked
from shared.runtime.ports import Outgoing
from tests.erasure.marking import Marker, fields_with_mark, inputs, labels
from tests.erasure.town import Town, contacts_written
from tests.kit.rules import Play, heard
from tests.orders.play import order_placed
from tests.storms.story import story
from tests.storms.telling import Telling, told

pytestmark = pytest.mark.promise("forgotten")

SEED: Final = 162
"""Of stories in which every kind of thing happens, a return that is not intact among them."""
ORDERS: Final = 16
OUTCOME_MODELS: Final = tuple(model for kind in OUTCOMES.values() for model in kind.values())
INPUTS: Final = inputs(
    AnyFact, Sighting, OrdersCommand, LogisticsCommand, AftersalesCommand, AnyCommand, *OUTCOME_MODELS
)
LEARNT: Final = fields_with_mark([ContactKnown])
"""What only other services tell: a contact, which was told as a receiver."""
LABELS: Final = {
    *("by", "cause", "channel", "country", "kind", "key", "location", "name", "outcome", "reason", "region"),
    *("request_id", "result", "route", "ship_service", "ships_to", "stage", "state", "summary", "template"),
    *("wanted_by", "week"),
}
"""Texts that are words of a list, articles, places of parcels, or agents: docs/erasure.md tells of each."""


class Life:
    """One town and what was told in it."""

    def __init__(self) -> None:
        self.marker = Marker()
        self.orders: list[str] = []
        self._told: dict[str, Telling] = {}
        """As it was told first: some are told twice."""

    async def live(self) -> Town:
        """Stories with a marker in every field, and agents and shops who write whatever they can."""
        self.town = town = await Town().start()
        tellings = story(SEED, ORDERS)
        self.orders = sorted({telling.order_id for telling in tellings})
        # Agents answer whatever lies open, so what is to come back is left alone until it has.
        back = {telling.order_id for telling in tellings if telling.name == "return.received"}
        for number, telling in enumerate(tellings):
            await town.tell(self._told.setdefault(telling.id, self.marked(telling)))
            comes_back = telling.order_id in back
            if telling.name == "return.received" if comes_back else number % 4 == 0:
                await self.write(telling.order_id)
        await town.until(town.clock.now() + timedelta(days=2))
        await self._garble()
        return town

    def marked(self, telling: Telling) -> Telling:
        """The telling with markers."""
        if telling.what is None or isinstance(telling.what, (*get_args(AnyFact), Sighting)):
            what: Any = telling.what
            if isinstance(what, OrderPlaced):
                wishes = (InvoiceRequest(title="A Buyer"), CardRequest(text="Best wishes"))
                what = what.model_copy(update={"data": what.data.model_copy(update={"requests": wishes})})
            filled = None if what is None else self.marker.fill(what)
            return Telling(
                telling.id, telling.at, telling.order_id, telling.service, telling.name, filled, telling.draw
            )
        return telling

    async def write(self, order: str) -> None:
        """Everybody who may write about the order does."""
        at, word = self.town.clock.now(), self.marker.word
        ask, fill = self.town.ask, self.marker.fill
        await ask("orders", order, WriteRemark(at=at, text=word(WriteRemark, "text"), by="mia"))
        for request in (InvoiceRequest(title="A"), CardRequest(text="B")):
            await ask("orders", order, MakeRequest(at=at, request=fill(request), by="mia"))
        change = AddressChange(receiver=fill(Receiver(name="A Buyer")))
        await ask("orders", order, MakeChange(at=at, change=change, by="mia"))
        written = (
            ("buyer.message", {"text": "Where is it?"}),
            ("review.posted", {"text": "Well", "stars": 2}),
        )
        for number, (kind, body) in enumerate(written):
            raw = {"id": f"w-{len(self.marker.words)}-{number}", "at": at, "fact": kind, "order_id": order}
            await self.town.tell(told(fill(fact_from({**raw, "data": body}))))
        await ask("notifications", order, ReplyToBuyer(**self._text(ReplyToBuyer, order, at)))
        asked = {"parcel_id": f"P-{order}", "about": "lookup", "channel": "chat"}
        text = word(RegisterEnquiry, "text")
        await ask("logistics", order, RegisterEnquiry.model_validate({**asked, "at": at, "text": text}))
        note = word(Negotiate, "note")
        await ask("aftersales", order, Negotiate(at=at, case_id=f"c-{order}", note=note))
        await self._work(order)

    def _text(self, model: Any, order: str, at: Any) -> dict[str, Any]:
        return {"at": at, "order_id": order, "agent_id": "mia", "text": self.marker.word(model, "text")}

    async def _work(self, order: str) -> None:
        """An agent gives a task back with a word, and completes another with whatever text it takes."""
        file = await self.town.houses["notifications"].engine.load(order)
        if file is None or not isinstance(file.state, OrderFile):
            return
        free = [each for each in file.state.tasks if isinstance(each, OpenTask) and each.blocked_by is None]
        for task in free:
            by: dict[str, Any] = {"at": self.town.clock.now(), "task_id": task.task_id, "agent_id": "mia"}
            await self.town.ask("notifications", order, ClaimTask(**by))
            if task is free[0]:
                why = self.marker.word(ReturnTask, "reason")
                await self.town.ask("notifications", order, ReturnTask(**by, reason=why))
                by["at"] += timedelta(seconds=1)
                await self.town.ask("notifications", order, ClaimTask(**by))
            outcome, details = self._outcome(task.kind)
            answer = CompleteTask(**by, outcome=outcome, details=details)
            await self.town.ask("notifications", order, answer)

    def _outcome(self, kind: TaskKind) -> tuple[str, dict[str, Any]]:
        """An outcome that takes a text or a contact, if the kind has one."""
        word = self.marker.word
        for outcome, model in OUTCOMES[kind].items():
            if model is WithText:
                return outcome, {"text": word(model, "text")}
            if model in (WithReason, WithReasonAndPhotos):
                return outcome, {"reason": word(model, "reason")}
            if model is WithContact:
                contact = self.marker.fill(Receiver(name="A Buyer"))
                return outcome, {"contact": contact.model_dump(mode="json", exclude_none=True)}
        return next((each, {}) for each, model in OUTCOMES[kind].items() if not model.model_fields)

    async def _garble(self) -> None:
        """Records that nobody can read, about some of the orders, with markers inside."""
        for order in self.orders[:5]:
            body = json.dumps({"name": self.marker.word(Receiver, "name")}).encode()
            await self.town.write("contacts.v1", order, body, "orders-contacts", 50)
            await self.town.write("orders.v1", order, b"no event of ours", "orders", 900)


async def test_every_field_that_may_name_a_buyer_is_filled_found_and_gone_after_the_erasure() -> None:
    life = Life()
    town = await life.live()
    left_out = fields_with_mark(INPUTS) - LEARNT - life.marker.planted
    assert not left_out, "tell these in this test, so that they are searched for"
    before = await town.hits(life.marker.words)
    assert len(before) > len(life.marker.words) * 0.6
    places = {where.partition(" ")[0] for where in before.values()}
    assert places == {"orders:", "logistics:", "aftersales:", "notifications:", "topic"}
    assert await town.erase(life.orders) >= 10
    assert await town.hits(life.marker.words) == {}


async def test_what_comes_after_the_erasure_brings_nobody_back() -> None:
    life = Life()
    town = await life.live()
    await town.erase(life.orders)
    later = timedelta(days=1)
    for number, telling in enumerate(story(SEED, ORDERS)):
        if isinstance(telling.what, get_args(AnyFact)):
            told_again = telling.what.model_copy(
                update={"id": f"late-{number}", "at": town.clock.now() + later}
            )
            await town.tell(life.marked(told(told_again)))
    for order in life.orders:
        await _late_contact(life, order)
        await _late_copies(life, order)
        await life.write(order)
    await town.until(town.clock.now() + timedelta(days=30))
    await town.erase(life.orders)
    assert await town.hits(life.marker.words) == {}


async def _late_contact(life: Life, order: str) -> None:
    """A process that was frozen wakes, and writes a contact after the tombstone."""
    receiver = life.marker.fill(Receiver(name="A Buyer"))
    changed = says.ContactChanged(buyer_id="b", receiver=receiver)
    event = heard(changed, life.town.clock.now(), order, "orders-contacts", 60)
    before = contacts_written(life.town)
    await life.town.write(
        "contacts.v1", order, json.dumps(to_cloudevent(event)).encode(), "orders-contacts", 60
    )
    assert contacts_written(life.town) == before + 2


async def _late_copies(life: Life, order: str) -> None:
    """A process that was frozen publishes contacts again, after the tombstones: the very same records."""
    records = [each for each in life.town.log.records(CONTACTS_TOPIC) if each.key == order.encode()]
    told = [each for each in records if each.value is not None]
    assert told, "there is a contact to come again"
    for record in told:
        life.town.log.append(Outgoing(CONTACTS_TOPIC, order.encode(), record.value, record.headers))
    await life.town.simulation.drain()
    newest = [each for each in life.town.log.records(CONTACTS_TOPIC) if each.key == order.encode()][-1]
    assert newest.value is None


async def test_an_erasure_that_is_asked_again_writes_another_tombstone() -> None:
    life = Life()
    town = await life.live()
    await town.erase(life.orders)
    before = contacts_written(town)
    town.clock.advance(timedelta(minutes=1))
    await town.erase(life.orders)
    assert contacts_written(town) == before + len(life.orders)


def test_a_text_is_marked_or_is_a_label() -> None:
    unknown = {name for _, name in labels(INPUTS)} - LABELS
    assert not unknown, "mark these as PERSONAL, or tell in docs/erasure.md why they name nobody"


@pytest.mark.parametrize("cls", payloads().values(), ids=lambda cls: cls.name)
def test_no_event_has_a_field_that_may_name_a_buyer(cls: type[Payload]) -> None:
    """But for contacts, and for a fact that is passed on: orders takes the text out of it."""
    allowed = {"contact.changed", "fact.passed_on"}
    assert cls.name in allowed or not any(marked(model) for model in inputs(cls))


def test_a_fact_is_passed_on_without_its_text() -> None:
    scan = {"carrier": "c", "tracking_no": "t", "status": "delivered", "scanned_at": "2026-03-03T12:00:00Z"}
    raw = {"id": "f", "at": "2026-03-03T12:00:00Z", "fact": "shipment.scanned", "order_id": "A-1"}
    fact = fact_from({**raw, "data": {**scan, "text": "zzmarker"}})
    play = Play(ORDERS_SERVICE).do(order_placed()).do(fact)
    assert play.said[-1].name == "fact.passed_on"
    assert "zzmarker" not in str(play.said)


async def test_a_database_restored_to_before_the_erasure_forgets_again_by_what_it_hears_again() -> None:
    life = Life()
    town = await life.live()
    backups = {name: house.store.copy() for name, house in town.houses.items()}
    await town.erase(life.orders)
    for name, backup in backups.items():
        await town.restore(name, backup)
        # Compaction has taken nothing yet: contacts that nobody can read are heard and parked again.
        places = set((await town.hits(life.marker.words)).values())
        assert places <= {f"topic {dead_letter_topic(name)}"}, name
        await town.erase(life.orders)
        assert await town.hits(life.marker.words) == {}, name
