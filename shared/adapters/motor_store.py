"""The store on MongoDB, by motor. One collection a service, one document a file.

Writes are acknowledged by a majority and journalled, reads see what a majority holds; whatever a
connection string says otherwise is overruled, since the engine's promises rest on it.

Every document carries `commit`, a mark of the attempt that wrote it, added on the way in and taken off on
the way out. A bulk's answer tells how many guards matched but not which; where some did not, marks tell.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from threading import Thread
from typing import Any, Final
from uuid import uuid4

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ASCENDING, IndexModel, InsertOne, ReplaceOne, UpdateOne, timeout
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError

from shared.adapters.database import Database, as_database, named_errors
from shared.adapters.mongo_words import encoded, path_of, place_of, wanted_by
from shared.contracts.catalog import SLOTS
from shared.runtime.file import FILE_FORMAT
from shared.runtime.loops import wait_at_most
from shared.runtime.ports import (
    Cleared,
    Committed,
    Document,
    Positions,
    Restored,
    TopicPartition,
    Unreadable,
    Write,
)

OPERATION_SECONDS: Final = 5.0
"""How long one operation may take, with everything that belongs to it."""
SELECTION_SECONDS: Final = 2.0
"""How long to look for a database that is away before saying so."""
INDEX_SECONDS: Final = 3600.0
"""How long the indexes may take to be built where there are many files already."""
_CLOSE_SECONDS: Final = 1.0
_DUPLICATE_KEY: Final = 11000
_WORTH_ASKING_TWICE: Final = 8
"""From so many documents with a known version on, it is hoped that nobody changed them."""
_OLDEST_AMONG: Final = 20
_MARK: Final = "commit"
_FORMAT_NOTE: Final = {"_id": "files"}
_EARLIEST: Final = datetime(1, 1, 1, tzinfo=UTC)
"""Lower bound of every range over moments, so that a scan passes over the documents that have none."""
_OPTIONS: Final[CodecOptions[Document]] = CodecOptions(tz_aware=True, tzinfo=UTC)


class MotorStore:
    """One service's files in one MongoDB database."""

    def __init__(
        self,
        where: Database | str,
        database: str,
        indexed: Sequence[str] = (),
        operation_seconds: float = OPERATION_SECONDS,
        selection_seconds: float = SELECTION_SECONDS,
    ) -> None:
        self._where = as_database(where)
        self._database = database
        self._indexed = tuple(indexed)
        self._operation_seconds = operation_seconds
        self._selection_seconds = selection_seconds
        self._client: AsyncIOMotorClient[Document] | None = None
        self._collection: Any = None

    async def prepare(self) -> None:
        """Create the indexes; doing it again changes nothing. Raises `Unreadable` for another format."""
        await self._check_format()
        paths: list[tuple[str, ...]] = [
            ("next_timer_at", "slot"),
            ("next_effect_at", "slot"),
            ("pending.since", "slot"),
        ]
        paths += [("keys",), ("profile",)]
        paths += [(path, "_id") for path in self._indexed]
        models = [IndexModel([(field, ASCENDING) for field in fields]) for fields in paths]
        # Nearly no file has it, and those that don't are to cost nothing.
        models.append(IndexModel([("stuck", ASCENDING)], sparse=True))
        # An index over many files takes longer than any other operation may; cut short it never comes.
        with named_errors(), timeout(INDEX_SECONDS):
            await self._files.create_indexes(models)

    async def load(
        self, subjects: Collection[str], known: Mapping[str, int] | None = None
    ) -> dict[str, Document]:
        """The documents that exist among these subjects; of those still at a known version, their outbox.

        Reading a document whole is the dearest thing that a worker does for an event. One that was
        changed by somebody else meanwhile is read again, which costs another round trip for all of
        them together; so for a few documents it is not tried.
        """
        hoped = known if known and len(known) >= _WORTH_ASKING_TWICE else {}
        whole, brief = await asyncio.gather(
            self._those([subject for subject in subjects if subject not in hoped]),
            self._those(list(hoped), only=("version", "pending")),
        )
        moved = [subject for subject, document in brief.items() if document["version"] != hoped[subject]]
        return {**brief, **whole, **await self._those(moved)}

    async def commit(self, writes: Sequence[Write]) -> list[Committed]:
        """Try all writes in one unordered bulk, each under its own guard."""
        mark = uuid4().hex
        bodies = [encoded({**write.document, _MARK: mark}, write.max_bytes) for write in writes]
        stored = [(write, body) for write, body in zip(writes, bodies, strict=True) if body is not None]
        for write, body in stored:
            write.size = len(body)
        outcomes = iter(await self._written(stored, mark) if stored else ())
        return [Committed.UNSTORABLE if body is None else next(outcomes) for body in bodies]

    async def _written(self, bodies: Sequence[tuple[Write, bytes]], mark: str) -> list[Committed]:
        writes = [write for write, _ in bodies]
        try:
            answer = await self._files.bulk_write(
                [_operation(write, RawBSONDocument(body)) for write, body in bodies], ordered=False
            )
        except BulkWriteError as problem:
            return await self._sort_out(writes, mark, problem.details)
        except PyMongoError:
            return [Committed.UNKNOWN] * len(writes)
        if answer.inserted_count + answer.matched_count == len(writes):
            return [Committed.DONE] * len(writes)
        return await self._sort_out(writes, mark, {})

    def size(self, document: Document) -> int:
        """How many bytes a document takes as BSON, without its mark."""
        return len(bson.encode(document))

    async def clear(self, cleared: Sequence[Cleared]) -> None:
        """Take acknowledged events out of `pending`, in one unordered bulk."""
        if not cleared:
            return
        operations = [
            UpdateOne(
                {"_id": done.subject},
                {"$pull": {"pending": {"topic": done.topic, "seq": {"$lte": done.sequence}}}},
            )
            for done in cleared
        ]
        with named_errors():
            await self._files.bulk_write(operations, ordered=False)

    async def due_timers(self, slots: Collection[int], until: datetime, limit: int) -> list[Document]:
        """Documents of these slots with `next_timer_at <= until`, earliest first, not whole."""
        only = ("version", "slot", "next_timer_at")
        return await self._owned(slots, "next_timer_at", {"$lte": until}, limit, ordered=True, only=only)

    async def due_effects(self, slots: Collection[int], until: datetime, limit: int) -> list[Document]:
        """Documents of these slots with `next_effect_at <= until`, earliest first, not whole."""
        only = ("version", "slot", "next_effect_at", "effects")
        return await self._owned(slots, "next_effect_at", {"$lte": until}, limit, ordered=True, only=only)

    async def stale_pending(self, slots: Collection[int], before: datetime, limit: int) -> list[Document]:
        """Documents of these slots with an event in `pending` whose `since` is before `before`."""
        only = ("version", "pending")
        return await self._owned(slots, "pending.since", {"$lt": before}, limit, ordered=False, only=only)

    async def next_timer_at(self, slots: Collection[int]) -> datetime | None:
        """The earliest `next_timer_at` of these slots."""
        first = await self._owned(slots, "next_timer_at", {}, 1, ordered=True, only=("next_timer_at",))
        return first[0]["next_timer_at"] if first else None

    async def pending_count(self, limit: int) -> int:
        """How many documents have something in `pending`, counted up to `limit`."""
        return await self._count({"pending.since": {"$gte": _EARLIEST}}, limit)

    async def pending_since(self, slots: Collection[int]) -> datetime | None:
        """Since when the oldest event in `pending` of these slots waits: the index on it begins there."""
        # Asking for an order would sort all that is pending, since the index is one over a list.
        field = "pending.since"
        first = await self._owned(slots, field, {}, _OLDEST_AMONG, ordered=False, only=(field,))
        return min((entry["since"] for document in first for entry in document["pending"]), default=None)

    async def count(self, where: Mapping[str, Any], limit: int) -> int:
        """How many documents match, counted up to `limit`."""
        return await self._count(wanted_by(where), limit)

    async def profiles_held(self) -> list[str]:
        """The profiles that any file is pinned to, by the index on them."""
        with named_errors():
            held: list[str | None] = await self._files.distinct("profile")
        return sorted(ref for ref in held if ref)

    async def by_key(self, key: str, limit: int = 2) -> list[Document]:
        """Documents whose `keys` hold this look-up key."""
        return await self._find({"keys": key}, limit=limit)

    async def page(self, where: Mapping[str, Any], after: str | None, limit: int) -> list[Document]:
        """Documents in order of `_id`, after one, that match."""
        wanted = wanted_by(where)
        if after is not None:
            wanted["_id"] = {**wanted.get("_id", {}), "$gt": after}
        return await self._find(wanted, limit=limit, order="_id")

    async def numbers(self, subjects: Collection[str]) -> dict[str, dict[str, int]]:
        """The `next_seq` of those of these subjects that have a file."""
        found = await self._those(list(subjects), only=("next_seq",))
        return {subject: document["next_seq"] for subject, document in found.items()}

    async def note_heard(self, positions: Positions) -> None:
        """Note that everything before these offsets was taken in. Raises `Restored` without our mark."""
        highest = {f"heard.{path_of(where)}": offset for where, offset in positions.items()}
        with named_errors():
            answer = await self._about.update_one(
                {**_FORMAT_NOTE, "heard": {"$exists": True}}, {"$max": highest}
            )
        if not answer.matched_count:
            raise Restored(f"database {self._database} was replaced while it was worked with")

    async def heard(self) -> dict[TopicPartition, int] | None:
        """What was noted; None where the database was made by a release that noted nothing."""
        with named_errors():
            about = await self._about.find_one(_FORMAT_NOTE)
        if about is None:
            return {}
        if "heard" not in about:
            return None
        return {place_of(path): offset for path, offset in about["heard"].items()}

    async def trust(self, positions: Positions) -> None:
        """Begin to note, from where the group stands: what a database of an older release begins with."""
        noted = {path_of(where): offset for where, offset in positions.items()}
        with named_errors():
            await self._about.update_one(
                {**_FORMAT_NOTE, "heard": {"$exists": False}}, {"$set": {"heard": noted}}
            )

    async def ping(self) -> None:
        """Return when the database answers."""
        with named_errors():
            await self._motor.admin.command("ping")

    async def close(self) -> None:
        """Let connections go."""
        client, self._client, self._collection = self._client, None, None
        if client is None:
            return
        # Closing says goodbye over the network and blocks: a thread of its own, and not for long.
        loop, closed = asyncio.get_running_loop(), asyncio.Event()

        def close() -> None:
            client.delegate.close()
            with suppress(RuntimeError):  # nobody waits any more: the loop has ended
                loop.call_soon_threadsafe(closed.set)

        Thread(target=close, name="close-database-client", daemon=True).start()
        await wait_at_most(_CLOSE_SECONDS, closed)

    @property
    def _motor(self) -> AsyncIOMotorClient[Document]:
        # Made at first use and not before, since a client belongs to the event loop it is used on.
        if self._client is None:
            self._client = AsyncIOMotorClient(
                self._where.url,
                **self._where.options(),
                appname="orderlink",
                w="majority",
                journal=True,
                readConcernLevel="majority",
                readPreference="primary",
                timeoutMS=round(self._operation_seconds * 1000),
                serverSelectionTimeoutMS=round(self._selection_seconds * 1000),
                connectTimeoutMS=round(self._selection_seconds * 1000),
            )
        return self._client

    async def _check_format(self) -> None:
        """The first release that comes notes the format of files that it writes; others compare."""
        with named_errors():
            with suppress(DuplicateKeyError):
                first = {"format": FILE_FORMAT, "heard": {}}
                await self._about.update_one(_FORMAT_NOTE, {"$setOnInsert": first}, upsert=True)
            noted = (await self._about.find_one(_FORMAT_NOTE))["format"]
        if noted != FILE_FORMAT:
            raise Unreadable(
                f"database {self._database} holds files of format {noted}, and this release reads and "
                f"writes format {FILE_FORMAT}: run the release that belongs to them, or another database"
            )

    @property
    def _files(self) -> Any:
        if self._collection is None:
            self._collection = self._motor.get_database(self._database, codec_options=_OPTIONS)["files"]
        return self._collection

    @property
    def _about(self) -> Any:
        return self._files.database["about"]

    async def _those(self, subjects: Sequence[str], only: Sequence[str] | None = None) -> dict[str, Document]:
        if not subjects:
            return {}
        found = await self._find({"_id": {"$in": subjects}}, limit=len(subjects), only=only)
        return {document["_id"]: document for document in found}

    async def _count(self, where: Mapping[str, Any], limit: int) -> int:
        with named_errors():
            return int(await self._files.count_documents(where, limit=limit))

    async def _find(
        self,
        where: Mapping[str, Any],
        limit: int,
        order: str | None = None,
        only: Sequence[str] | None = None,
    ) -> list[Document]:
        with named_errors():
            cursor = self._files.find(where, only and list(only)).limit(limit).batch_size(limit)
            if order is not None:
                cursor = cursor.sort(order, ASCENDING)
            documents: list[Document] = await cursor.to_list(limit)
        for document in documents:
            document.pop(_MARK, None)
        return documents

    async def _owned(
        self,
        slots: Collection[int],
        field: str,
        until: Mapping[str, Any],
        limit: int,
        *,
        ordered: bool,
        only: Sequence[str] | None = None,
    ) -> list[Document]:
        """Documents of these slots by a range over an indexed moment."""
        if not slots:
            return []
        where: dict[str, Any] = {field: {"$gte": _EARLIEST, **until}}
        if len(slots) < SLOTS:
            where["slot"] = {"$in": sorted(slots)}
        return await self._find(where, limit, field if ordered else None, only)

    async def _sort_out(
        self, writes: Sequence[Write], mark: str, details: Mapping[str, Any]
    ) -> list[Committed]:
        """Say of each write what became of it, after a bulk in which not every guard matched."""
        if details.get("writeConcernErrors"):
            # Done here perhaps, but not yet by a majority: a reload will see what stays.
            return [Committed.UNKNOWN] * len(writes)
        errors = {error["index"]: error["code"] for error in details.get("writeErrors", ())}
        subjects = [write.document["_id"] for write in writes]
        try:
            stored = {
                document["_id"]: document
                async for document in self._files.find(
                    {"_id": {"$in": subjects}}, ["version", _MARK], batch_size=len(subjects)
                )
            }
        except PyMongoError:
            stored = None
        outcomes: list[Committed] = []
        for index, write in enumerate(writes):
            code = errors.get(index)
            if code is not None:
                outcomes.append(Committed.LOST if code == _DUPLICATE_KEY else Committed.UNKNOWN)
            elif stored is None:
                outcomes.append(Committed.UNKNOWN)
            else:
                outcomes.append(_outcome(write, mark, stored.get(write.document["_id"])))
        return outcomes


def _operation(write: Write, body: RawBSONDocument) -> InsertOne[Any] | ReplaceOne[Any]:
    if write.expected == 0:
        return InsertOne(body)
    return ReplaceOne({"_id": write.document["_id"], "version": write.expected}, body)


def _outcome(write: Write, mark: str, stored: Mapping[str, Any] | None) -> Committed:
    if stored is None:
        return Committed.LOST
    if stored.get(_MARK) == mark:
        return Committed.DONE
    # A later version hides whose the one before it was.
    return Committed.UNKNOWN if stored["version"] > write.document["version"] else Committed.LOST
