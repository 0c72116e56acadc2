"""Timeline files: one JSON object a line, facts and acts, sorted by `at`, plain or gzipped."""

import gzip
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import IO

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from shared.contracts.acts import TimelineLine, parse_line
from shared.contracts.facts import AnyFact
from shared.kernel.calendar import utc_text

LINE_MAX_CHARS = 1_000_000
_SHOWN_MAX_CHARS = 60


class BadTimeline(Exception):
    """The file can't be played. The text says which line, which field and why."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a timeline file."""

    number: int
    content: TimelineLine

    @property
    def is_fact(self) -> bool:
        """Whether it is a fact rather than an act."""
        return isinstance(self.content, AnyFact)


@dataclass(frozen=True, slots=True)
class Extent:
    """How much a timeline file holds."""

    lines: int
    first: datetime
    last: datetime


def lines(path: Path) -> Iterator[Line]:
    """The file's lines in order; empty ones are passed over. Raises `BadTimeline`."""
    before: Line | None = None
    with _opened(path) as file:
        number = 0
        while raw := file.readline(LINE_MAX_CHARS + 1):
            number += 1
            if len(raw) > LINE_MAX_CHARS:
                raise BadTimeline(f"{path}, line {number}: longer than {LINE_MAX_CHARS} characters")
            if not raw.strip():
                continue
            line = Line(number, _read(path, number, raw))
            if before is not None and line.content.at < before.content.at:
                raise BadTimeline(
                    f"{path}, line {number}: at: {utc_text(line.content.at)} is earlier than line "
                    f"{before.number}'s {utc_text(before.content.at)}; lines are sorted by `at`"
                )
            before = line
            yield line


def instants(path: Path) -> Iterator[tuple[datetime, list[Line]]]:
    """The file's lines by moment, in order."""
    for at, together in groupby(lines(path), key=lambda line: line.content.at):
        yield at, list(together)


def measure(path: Path) -> Extent:
    """Read the whole file once, so that a wrong line is found before anything starts."""
    count = 0
    first: datetime | None = None
    last: datetime | None = None
    for line in lines(path):
        count += 1
        first = first or line.content.at
        last = line.content.at
    if first is None or last is None:
        raise BadTimeline(f"{path}: there is no line in it")
    return Extent(count, first, last)


@contextmanager
def _opened(path: Path) -> Generator[IO[str]]:
    try:
        with path.open("rb") as peek:
            gzipped = peek.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rt", encoding="utf-8") if gzipped else path.open(encoding="utf-8") as file:
            yield file
    except (OSError, EOFError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise BadTimeline(f"{path}: {reason}") from problem
    except UnicodeDecodeError as problem:
        raise BadTimeline(f"{path}: not UTF-8 text ({problem.reason})") from problem


def _read(path: Path, number: int, raw: str) -> TimelineLine:
    try:
        return parse_line(raw)
    except ValidationError as problem:
        shown = "; ".join(_said(error) for error in problem.errors(include_url=False)[:3])
        raise BadTimeline(f"{path}, line {number}: {shown}") from problem
    except ValueError as problem:
        raise BadTimeline(f"{path}, line {number}: not JSON: {problem}") from problem


def _said(error: ErrorDetails) -> str:
    """`field: what is wrong, what came`; the union's own tag is no part of the field's name."""
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] in {"union_tag_not_found", "union_tag_invalid"}:
        field = str(error.get("ctx", {}).get("discriminator", "fact")).strip("'\"")
        return f"{field}: {message}"
    field = ".".join(str(part) for part in error["loc"][1:]) or "the line"
    value = error["input"]
    if error["type"] == "missing" or isinstance(value, dict | list):
        return f"{field}: {message}"
    came = repr(value)
    return f"{field}: {message}, got {came[:_SHOWN_MAX_CHARS]}{'…' if len(came) > _SHOWN_MAX_CHARS else ''}"
