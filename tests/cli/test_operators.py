"""Operators' commands on a real broker and database: dead letters, audit, topics, profiles."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from shared.adapters.clock import VirtualClock
from shared.adapters.embedded import EmbeddedBroker
from shared.adapters.kafka_admin import KafkaAdmin
from shared.adapters.kafka_publisher import KafkaPublisher
from shared.adapters.motor_store import MotorStore
from shared.cli import audit, dead_letters, profiles, topics
from shared.cli.loading import load_services
from shared.contracts.event import Event, event_id, to_cloudevent
from shared.contracts.events.logistics import ParcelDispatched
from shared.contracts.facts import OrderPaid, OrderPlaced
from shared.runtime.engine import Engine
from shared.runtime.fold.book import event_headers
from shared.runtime.limits import Limits
from shared.runtime.listen import listen
from shared.runtime.metrics import NoMetrics
from shared.runtime.ports import Outgoing, Record
from shared.runtime.work import Tell
from tests.kit.parts import Parts
from tests.kit.rules import START, default_profile
from tests.kit.world import fact

run = CliRunner().invoke

pytestmark = pytest.mark.real


@pytest.fixture
async def orders(
    parts: Parts, own_broker: EmbeddedBroker, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Engine]:
    """The engine of orders on real parts, and the environment that names them to the commands."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", own_broker.address)
    monkeypatch.setenv("MONGODB_URL", parts.mongodb_url)
    monkeypatch.setenv("ORDERLINK_MONGODB_DATABASE_PREFIX", f"{database_name[:30]}_")
    admin = KafkaAdmin(own_broker.address)
    await admin.ensure_topics(4, 1)
    await admin.close()
    (service,) = load_services("orders")
    store = MotorStore(parts.mongodb_url, f"{database_name[:30]}_orders")
    publisher = KafkaPublisher(own_broker.address)
    await store.prepare()
    profile = default_profile()
    engine = Engine(service, store, publisher, VirtualClock(START), lambda *_: profile, Limits(), NoMetrics())
    yield engine
    await publisher.close()
    await store.close()


def dispatched(sequence: int) -> Event:
    payload = ParcelDispatched(
        parcel_id=f"P-{sequence}",
        carrier="dhl",
        tracking_no="T-1",
        lines=("1",),
        dispatched_at=datetime(2026, 3, 2, 15, tzinfo=UTC),
    )
    return Event(
        id=event_id("logistics", "A-1", sequence),
        source="logistics",
        name=payload.name,
        subject="A-1",
        time=payload.dispatched_at,
        sequence=sequence,
        correlation_id="c",
        causation_id="c",
        data=payload,
    )


def record(sequence: int, *, readable: bool) -> Record:
    event = dispatched(sequence)
    value = json.dumps(to_cloudevent(event)).encode() if readable else b"{broken"
    headers = {name: each.encode() for name, each in event_headers(event).items()}
    return Record("logistics.v1", 0, sequence, b"A-1", value, headers)


async def park(orders: Engine) -> None:
    """An order, a record about it that cannot be read, and one that waits behind it."""
    placed, paid = fact("order.placed", "f-1"), fact("order.paid", "f-2")
    assert isinstance(placed, OrderPlaced)
    assert isinstance(paid, OrderPaid)
    await orders.run([Tell("A-1", placed, "d"), Tell("A-1", paid, "d")])
    await orders.run(listen(orders.service, [record(1, readable=False), record(2, readable=True)]).work)


async def test_dead_letters_are_listed_shown_discarded_and_redriven(orders: Engine) -> None:
    await park(orders)
    listed = await asyncio.to_thread(run, dead_letters.app, ["list", "--service", "orders"])
    assert "1 parked" in listed.output
    assert "A-1" in listed.output
    shown = await asyncio.to_thread(run, dead_letters.app, ["show", "orders", "A-1"])
    assert '"kind": "poison"' in shown.output
    assert '"kind": "waiting"' in shown.output

    again = await asyncio.to_thread(run, dead_letters.app, ["redrive", "orders", "--yes"])
    assert again.exit_code == 1
    assert "2 stay parked" in again.output

    only_the_first = "line 1 column 2"
    given_up = await asyncio.to_thread(
        run, dead_letters.app, ["discard", "orders", "--reason", only_the_first, "--yes"]
    )
    assert "2 given up" in given_up.output
    empty = await asyncio.to_thread(run, dead_letters.app, ["list", "--service", "orders"])
    assert "nothing is parked" in empty.output
    file = await orders.load("A-1")
    assert file is not None
    assert (file.parked, file.applied) == ({}, {"logistics": 2})


async def test_a_question_stands_before_what_cannot_be_taken_back(orders: Engine) -> None:
    await park(orders)
    refused = await asyncio.to_thread(run, dead_letters.app, ["discard", "orders"], input="n\n")
    assert "Give 2 records of 1 source of orders up for good?" in refused.output
    file = await orders.load("A-1")
    assert file is not None
    assert file.parked == {"logistics/A-1": 2}


async def test_a_dry_run_says_what_it_would_ask_and_changes_nothing(orders: Engine) -> None:
    await park(orders)
    for command, question in (("redrive", "Take 2 records"), ("discard", "Give 2 records")):
        told = await asyncio.to_thread(run, dead_letters.app, [command, "orders", "--dry-run"])
        assert told.exit_code == 0, told.output
        assert "Dry run, nothing was changed." in told.output
        assert question in told.output
    file = await orders.load("A-1")
    assert file is not None
    assert file.parked == {"logistics/A-1": 2}


@pytest.mark.parametrize(
    "options",
    [
        ["--subject", "A-2"],
        ["--source", "aftersales"],
        ["--source", "logistics/A-2"],
        ["--reason", "no such reason"],
        ["--topic", "orders.v1"],
        ["--since", "2026-03-02T12:00:01Z"],
        ["--until", "2026-03-02T12:00"],
    ],
)
async def test_what_does_not_fit_every_filter_is_left_alone(orders: Engine, options: list[str]) -> None:
    await park(orders)
    told = await asyncio.to_thread(run, dead_letters.app, ["discard", "orders", "--yes", *options])
    assert (told.exit_code, told.stdout) == (0, "orders: nothing that is parked fits; nothing to do\n")


async def test_the_first_record_is_given_up_and_what_waits_behind_it_redriven(orders: Engine) -> None:
    await park(orders)
    fitting = ["--topic", "logistics.v1", "--since", "2026-03-02", "--source", "logistics"]
    told = await asyncio.to_thread(run, dead_letters.app, ["discard", "orders", "--first", "--yes", *fitting])
    assert "1 given up" in told.output
    assert "Waiting behind what was given up: 1." in told.output
    counted = await asyncio.to_thread(run, dead_letters.app, ["list", "--service", "orders", "--json"])
    (left,) = json.loads(counted.stdout)["orders"]["parked"]
    assert (left["file"], left["from"], left["to"], left["waiting"]) == ("A-1", 2, 2, 1)
    again = await asyncio.to_thread(run, dead_letters.app, ["redrive", "orders", "--yes"])
    assert "1 applied" in again.output
    file = await orders.load("A-1")
    assert file is not None
    assert (file.parked, file.applied) == ({}, {"logistics": 2})


async def test_a_moment_that_is_none_is_refused_before_anything_is_read() -> None:
    told = run(dead_letters.app, ["redrive", "orders", "--since", "yesterday"])
    assert told.exit_code == 2
    assert "expected a time such as" in told.output


async def test_ctrl_c_says_how_to_go_on(orders: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    await park(orders)

    async def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(dead_letters, "redrive_parked", interrupted)
    told = await asyncio.to_thread(run, dead_letters.app, ["redrive", "orders", "--yes"])
    assert told.exit_code == 130
    assert "the same command goes on from there" in told.output


async def test_the_audit_finds_order_and_gaps(orders: Engine) -> None:
    await park(orders)
    fine = await asyncio.to_thread(run, audit.app, [])
    assert fine.exit_code == 0, fine.output
    assert "In order, without gaps." in fine.output
    gap = record(5, readable=True)
    await orders.publisher.publish([Outgoing("logistics.v1", b"A-1", gap.value, gap.headers)])
    broken = await asyncio.to_thread(run, audit.app, ["--json"])
    assert broken.exit_code == 1
    assert json.loads(broken.stdout)["logistics.v1"]["first"][0]["expected"] == 1


async def test_topics_are_made_once_and_another_count_is_refused(orders: Engine) -> None:
    same = await asyncio.to_thread(run, topics.app, ["make", "--partitions", "4", "--replication", "1"])
    assert same.exit_code == 0, same.output
    other = await asyncio.to_thread(run, topics.app, ["make", "--partitions", "8", "--replication", "1"])
    assert other.exit_code == 1
    assert "expected 8" in other.output
    checked = await asyncio.to_thread(run, topics.app, ["check", "--partitions", "4"])
    assert checked.exit_code == 0
    assert "event topics with 4 partitions each" in checked.output
    lag = await asyncio.to_thread(run, topics.app, ["lag"])
    assert "orders.v1" in lag.output


def test_the_catalogue_names_every_topic_and_its_readers() -> None:
    assert "contacts.v1" in run(topics.app, ["list"]).output


def test_profiles_are_shown_with_their_sources_and_checked() -> None:
    assert "America/New_York" in run(profiles.app, ["check"]).output
    shown = run(profiles.app, ["show", "superstore"], env={"COLUMNS": "200"}).output
    assert "trade practice" in shown
    unknown = run(profiles.app, ["show", "nobody"])
    assert unknown.exit_code == 1
    assert "there is no shop and no profile 'nobody'" in unknown.output
