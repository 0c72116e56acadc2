"""The desk: the engine as somebody at the door sees it. Facts and commands in, files to look at out."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from shared.contracts.facts import Sighting
from shared.kernel.calendar import utc_text
from shared.kernel.decision import Refused
from shared.kernel.profiles import Profile
from shared.runtime.engine import Engine
from shared.runtime.file import File, from_document
from shared.runtime.pins import Pin
from shared.runtime.ports import Clock, Unavailable
from shared.runtime.service import Service
from shared.runtime.traces import HERE
from shared.runtime.work import Ask, Done, KeyReused, Tell

_BY_KEY_MAX_FILES: Final = 50


@dataclass(frozen=True, slots=True)
class FileView:
    """A file as it may be looked at. `state` and `view` are the service's own models."""

    subject: str
    version: int
    shop_id: str | None
    state: Any
    view: Any
    history: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    timers: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    effects: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    parked: list[str] = field(default_factory=list[str])
    waiting: list[str] = field(default_factory=list[str])
    profile: str | None = None
    overrides: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a fact. It is accepted; `fits` says whether the file moved by it."""

    fits: bool
    duplicate: bool
    waiting: bool
    slug: str | None
    detail: str
    file: FileView | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command: the new state, or the rule's no."""

    refused: Refused | None
    duplicate: bool
    result: dict[str, Any]
    file: FileView | None


class Desk:
    """The door of one service.

    Every method raises `Unavailable` when the database is away, and `Unreadable` for a file of another
    version: a page with one such file is no page, since nobody would know what it lacks.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.service: Service = engine.service
        self.clock: Clock = engine.clock

    async def take(self, fact: Any, digest: str, shops: tuple[str, ...] | None = None) -> Taken:
        """Take a fact of the service's own kinds; return when it is committed.

        `shops` are those that the teller may speak for, None for all.

        Raises `KeyReused` when the id was used with another digest, `TooMuchPending` and
        `Contended` when it is to come again later.
        """
        (done,) = await self._done(Tell(_about(fact), fact, digest, shops, HERE.get()))
        if done.problem is not None:
            raise done.problem
        return self._taken(fact, done)

    async def take_all(
        self, told: Sequence[tuple[Any, str]], shops: tuple[str, ...] | None = None
    ) -> list[Taken | KeyReused]:
        """Take several facts, each with its digest, in order. All facts of one order commit together.

        Where an id was used with another digest, that is the answer for it, and the others are taken.
        Raises what `take` raises otherwise; telling all of them again is right then.
        """
        here = HERE.get()
        done = await self._done(*(Tell(_about(fact), fact, digest, shops, here) for fact, digest in told))
        for each in done:
            if each.problem is not None and not isinstance(each.problem, KeyReused):
                raise each.problem
        return [
            each.problem if isinstance(each.problem, KeyReused) else self._taken(fact, each)
            for (fact, _), each in zip(told, done, strict=True)
        ]

    def _taken(self, fact: Any, done: Done) -> Taken:
        refused = done.refused
        metrics = self._engine.metrics
        outcome = "duplicate" if done.duplicate else "fits" if done.fits else "out_of_stage"
        metrics.count("orderlink_facts_total", fact=fact.fact, outcome="early" if done.waiting else outcome)
        return Taken(
            fits=done.fits,
            duplicate=done.duplicate,
            waiting=done.waiting,
            slug=None if refused is None else refused.slug,
            detail="" if refused is None else refused.detail,
            file=None if done.file is None else file_view(done.file),
        )

    async def ask(
        self, subject: str, command: Any, key: str, digest: str, if_match: int | None = None
    ) -> Answer:
        """Ask for something under an idempotency key; return when it is committed or refused.

        Raises `KeyReused`, `VersionMoved`, `TooMuchPending` and `Contended`.
        """
        (done,) = await self._done(Ask(subject, command, key, digest, if_match, HERE.get()))
        if done.problem is not None:
            raise done.problem
        metrics = self._engine.metrics
        outcome = "duplicate" if done.duplicate else "refused" if done.refused else "done"
        metrics.count("orderlink_commands_total", command=type(command).__name__, outcome=outcome)
        if done.refused is not None:
            metrics.count("orderlink_refusals_total", slug=done.refused.slug)
        return Answer(
            refused=done.refused,
            duplicate=done.duplicate,
            result=done.result,
            file=None if done.file is None else file_view(done.file),
        )

    async def look(self, subject: str) -> FileView | None:
        """One file as it is now."""
        file = await self._engine.load(subject)
        return None if file is None else file_view(file)

    async def by_key(self, key: str) -> list[FileView]:
        """The files that have this look-up key: a task id, a parcel id, a tracking number.

        Two shops may have one number: carriers use them again. At most 50 files are looked at.
        """
        documents = await self._engine.store.by_key(key, limit=_BY_KEY_MAX_FILES)
        return [self._read(document) for document in documents]

    async def page(self, where: Mapping[str, Any], after: str | None, limit: int) -> list[FileView]:
        """Files in order of their subject, after one, whose fields match.

        Raises `ValueError` where fields other than the shop are asked for and none of them has an index:
        such a list would read all files there are.
        """
        narrowing = where.keys() - {"shop_id"}
        if narrowing and narrowing.isdisjoint(self.service.indexed):
            fields = ", ".join(sorted(narrowing))
            raise ValueError(f"{self.service.name} has no index on {fields}: add one to `Service.indexed`")
        return [self._read(document) for document in await self._engine.store.page(where, after, limit)]

    def profile_of(self, file: FileView) -> Profile:
        """The profile that a file goes by. Raises `ProfileUnknown` for a version that was not loaded."""
        pin = None if file.profile is None else Pin(file.profile, file.overrides or "")
        return self._engine.profile_of(file.shop_id, pin, self.clock.now())

    async def ready(self) -> None:
        """Return when the database answers."""
        await self._engine.store.ping()

    async def _done(self, *work: Tell | Ask) -> list[Done]:
        """Do it, within the time that somebody who asks will wait.

        Nobody is served by what is done later: he has gone, and asks again. It would pile up with every
        asking, and a database that has only become slow would never catch up. Left half-way it is as
        safe as after a crash: told again, dedupe knows what was done.
        """
        seconds = self._engine.limits.answer_max_seconds
        waiting = asyncio.timeout(seconds)
        try:
            async with waiting:
                return await self._engine.run(work)
        except TimeoutError as late:
            if not waiting.expired():
                raise
            raise Unavailable(f"not committed for certain within {seconds:g} s") from late

    def _read(self, document: Mapping[str, Any]) -> FileView:
        return file_view(from_document(self.service, dict(document)))


def _about(fact: Any) -> str:
    """The file that a fact is for: its order's, or its tracking number's where it names no order."""
    return fact.subject if isinstance(fact, Sighting) else str(fact.order_id)


def file_view(file: File) -> FileView:
    """What of a file may be looked at."""
    timers: Sequence[dict[str, Any]] = [
        {"name": timer.name, "key": timer.key, "due_at": utc_text(timer.due_at)}
        for timer in sorted(file.timers.values(), key=lambda timer: (timer.due_at, timer.order))
    ]
    return FileView(
        subject=file.subject,
        version=file.version,
        shop_id=file.shop_id,
        profile=None if file.pin is None else file.pin.ref or None,
        overrides=None if file.pin is None else file.pin.overrides or None,
        state=file.state,
        view=file.view,
        history=file.history,
        timers=list(timers),
        effects=[
            {
                "effect_id": entry.effect_id,
                "kind": entry.kind,
                "status": entry.status,
                "attempts": entry.attempts,
            }
            for entry in file.effects.values()
        ],
        parked=sorted(file.parked),
        waiting=[entry.fact_id for entry in file.waiting],
    )
