"""What only a store behind a network can do: be away, and leave one wondering."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pymongo import AsyncMongoClient, ReadPreference
from pymongo.errors import OperationFailure

from shared.adapters.embedded import EmbeddedDatabase
from shared.adapters.motor_store import MotorStore
from shared.runtime.ports import Committed, PortError, Restored, TopicPartition, Unavailable, Write
from tests.adapters.store_suite import EVERY, NOON, document, minutes, pending, put
from tests.kit.parts import Parts
from tests.kit.proxy import Proxy

pytestmark = pytest.mark.real
UNKNOWN = Committed.UNKNOWN


@pytest.fixture
async def proxy(parts: Parts) -> AsyncIterator[Proxy]:
    if parts.database is None:
        pytest.skip("a proxy stands before the embedded database only")
    async with Proxy(parts.database.address) as proxy:
        yield proxy


@pytest.fixture
async def store(proxy: Proxy, database_name: str) -> AsyncIterator[MotorStore]:
    url = f"mongodb://{proxy.address}/?directConnection=true"
    store = MotorStore(url, database_name, operation_seconds=0.8, selection_seconds=0.2)
    await store.prepare()
    yield store
    await store.close()


async def test_a_commit_whose_answer_was_lost_is_unknown_although_it_is_done(
    store: MotorStore, proxy: Proxy
) -> None:
    await put(store, document("A-1"), document("A-2"))
    proxy.swallow_answer_to(b"replaced")
    writes = [Write(document(subject, 2, state={"how": "replaced"}), 1) for subject in ("A-1", "A-2")]
    assert await store.commit(writes) == [UNKNOWN, UNKNOWN]
    assert proxy.answers_swallowed == 1
    stored = await store.load(["A-1", "A-2"])
    assert [stored[subject]["version"] for subject in ("A-1", "A-2")] == [2, 2]


async def test_a_commit_to_a_database_that_hangs_is_unknown_within_its_time(
    store: MotorStore, proxy: Proxy
) -> None:
    proxy.hold(True)
    async with asyncio.timeout(3):
        assert await store.commit([Write(document("A-1"), 0)]) == [UNKNOWN]


async def test_a_commit_to_a_database_that_is_away_is_unknown_and_everything_else_says_so(
    store: MotorStore, proxy: Proxy
) -> None:
    proxy.refuse(True)
    assert await store.commit([Write(document("A-1"), 0)]) == [UNKNOWN]
    for ask in (
        store.load(["A-1"]),
        store.due_timers(EVERY, NOON, 1),
    ):
        with pytest.raises(Unavailable, match="database"):
            await ask


@pytest.mark.promise("resumed")
async def test_the_store_works_again_when_the_database_is_back(store: MotorStore, proxy: Proxy) -> None:
    proxy.refuse(True)
    with pytest.raises(Unavailable):
        await store.ping()
    proxy.refuse(False)
    async with asyncio.timeout(5):
        while await store.commit([Write(document("A-1"), 0)]) == [UNKNOWN]:
            pass
    assert set(await store.load(["A-1"])) == {"A-1"}


async def test_a_lost_write_that_a_later_version_hides_is_unknown(parts: Parts, database_name: str) -> None:
    # Version 9 stands there: whether version 2 was ours, before seven others, can't be told.
    store = MotorStore(parts.mongodb_url, database_name)
    await put(store, document("A-1"), document("A-2", 9))
    writes = [Write(document("A-1", 2), 1), Write(document("A-2", 2), 1)]
    assert await store.commit(writes) == [Committed.DONE, UNKNOWN]
    await store.close()


async def test_lost_writes_are_unknown_where_their_marks_cannot_be_read(
    store: MotorStore, proxy: Proxy
) -> None:
    await put(store, document("A-1"), document("A-2", 2))
    proxy.refuse_after(b"\x02update\x00")
    writes = [Write(document("A-1", 2), 1), Write(document("A-2", 2), 1)]
    assert await store.commit(writes) == [UNKNOWN, UNKNOWN]


async def test_closing_does_not_wait_for_a_database_that_hangs(
    parts: Parts, proxy: Proxy, database_name: str
) -> None:
    store = MotorStore(f"mongodb://{proxy.address}/?directConnection=true", database_name)
    await store.ping()
    proxy.hold(True)
    async with asyncio.timeout(2):
        await store.close()


@pytest.mark.promise("kept")
async def test_what_was_committed_survives_a_killed_database(own_database: EmbeddedDatabase) -> None:
    store = MotorStore(own_database.url, "orders")
    await store.prepare()
    await put(store, *(document(f"A-{n}") for n in range(50)))
    await store.commit([Write(document(f"A-{n}", 2), 1) for n in range(50)])
    await own_database.kill()
    await own_database.start()
    found = await store.load([f"A-{n}" for n in range(50)])
    assert [each["version"] for each in found.values()] == [2] * 50
    await store.close()


async def test_no_sweep_reads_the_whole_collection(parts: Parts, database_name: str) -> None:
    store = MotorStore(parts.mongodb_url, database_name, indexed=("state.stage",))
    await store.prepare()
    fields: dict[str, Any] = {
        "next_timer_at": minutes(60),
        "next_effect_at": minutes(60),
        "pending": [pending("orders.v1", 1, minutes(60))],
    }
    await put(store, *(document(f"A-{n}", slot=n, **fields) for n in range(40)), document("due"))
    async with AsyncMongoClient[dict[str, object]](parts.mongodb_url) as client:
        for field in ("next_timer_at", "next_effect_at", "pending.since"):
            explained = await client[database_name].command(
                "explain",
                {"find": "files", "filter": {field: {"$gte": minutes(-999), "$lte": NOON}}},
                verbosity="executionStats",
            )
            assert "IXSCAN" in str(explained["queryPlanner"]), field
            assert explained["executionStats"]["totalDocsExamined"] == 0, field
    await store.close()


@pytest.mark.parametrize(
    ("code", "raised"),
    [
        pytest.param(1, Unavailable, id="an inner fault"),
        pytest.param(8, Unavailable, id="a fault it has no name for"),
        pytest.param(14031, Unavailable, id="a full disk"),
        pytest.param(43, Unavailable, id="a cursor that ended with its server"),
        pytest.param(89, Unavailable, id="a network that was too slow between its servers"),
        pytest.param(133, Unavailable, id="no server that may answer"),
        pytest.param(13, PortError, id="a right that is missing"),
    ],
)
async def test_a_fault_of_the_servers_own_is_waited_out_and_a_wrong_request_is_not(
    store: MotorStore, monkeypatch: pytest.MonkeyPatch, code: int, raised: type[PortError]
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OperationFailure("as the server says", code)

    monkeypatch.setattr(type(store._files), "count_documents", fails)
    with pytest.raises(PortError) as caught:
        await store.pending_count(1)
    assert type(caught.value) is raised


async def test_a_database_of_an_older_release_has_no_notes_until_its_group_is_trusted(
    store: MotorStore, parts: Parts, database_name: str
) -> None:
    where = TopicPartition("orders.v1", 3)
    async with AsyncMongoClient[dict[str, object]](parts.mongodb_url) as client:
        await client[database_name]["about"].update_one({"_id": "files"}, {"$unset": {"heard": ""}})
    assert await store.heard() is None
    with pytest.raises(Restored, match="replaced"):
        await store.note_heard({where: 1})
    await store.trust({where: 7})
    assert await store.heard() == {where: 7}


async def test_what_an_address_says_of_reading_and_writing_is_overruled() -> None:
    weak = "readPreference=secondaryPreferred&readConcernLevel=local&w=1&journal=false"
    store = MotorStore(f"mongodb://127.0.0.1:1/?{weak}", "orders")
    client = store._motor  # nothing else shows what it was told
    try:
        assert client.read_preference == ReadPreference.PRIMARY
        assert client.read_concern.level == "majority"
        assert client.write_concern.document == {"w": "majority", "j": True}
    finally:
        await store.close()
