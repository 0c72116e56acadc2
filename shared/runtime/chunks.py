"""Reading a topic a chunk at a time, on a thread, since administrators' reading blocks."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from itertools import islice

from shared.runtime.ports import Record


async def in_chunks(records: Iterable[Record], size: int) -> AsyncIterator[list[Record]]:
    """The records in order, so many at a time; the last chunk may be smaller."""
    reading = iter(records)
    while chunk := await asyncio.to_thread(lambda: list(islice(reading, size))):
        yield chunk
