"""A buyer's erasure as an operator does it: asked of orders, heard by all services, dead letters buried.

Each step may be done again: what was done changes nothing the second time, but for one more tombstone of
the contact. So one that was interrupted, or in which a service was down, is finished by the same command.
"""

import asyncio
from collections.abc import Collection, Sequence
from typing import Final

from shared.contracts.catalog import dead_letter_topic
from shared.kernel.decision import Refused
from shared.kernel.erasure import EraseBuyer
from shared.runtime.chunks import in_chunks
from shared.runtime.engine import Engine
from shared.runtime.parked import (
    CHUNK_LETTERS,
    Choice,
    Parked,
    ReadLetters,
    letter_in,
    survey,
)
from shared.runtime.ports import Outgoing, Unavailable
from shared.runtime.redrive import discard_parked
from shared.runtime.work import Ask

ORDERS_AT_ONCE: Final = 128
KEY: Final = " erase"
"""What the command's idempotency key begins with: a space, as no id of a fact and no key over HTTP does."""
LOOK_SECONDS: Final = 0.2


async def parked_of(engine: Engine, read: ReadLetters, orders: Collection[str]) -> list[Parked]:
    """What is parked in the files of these orders."""
    found = await survey(engine, read, Choice())
    return [each for where, each in found.parked.items() if where.file in orders]


async def ask_orders(
    engine: Engine, orders: Sequence[str], *, even_though_open: bool
) -> dict[str, Refused | Exception]:
    """Ask the files of `orders`, all of them, and say which refused, and at which a rule raised.

    Raises what `Engine.run` raises.
    """
    left: dict[str, Refused | Exception] = {}
    command = EraseBuyer(at=engine.clock.now(), even_though_open=even_though_open)
    key = f"{KEY} {command.at.isoformat()}"
    for start in range(0, len(orders), ORDERS_AT_ONCE):
        some = orders[start : start + ORDERS_AT_ONCE]
        answers = await engine.run([Ask(order, command, key, KEY) for order in some])
        for order, answer in zip(some, answers, strict=True):
            why = answer.problem or answer.refused
            if why is not None:
                left[order] = why
    return left


async def still_known(engine: Engine, orders: Collection[str], wait_seconds: float) -> set[str]:
    """The orders whose file has not forgotten its buyer when the time is over, if there are any."""
    left = set(orders)
    try:
        async with asyncio.timeout(wait_seconds):
            while left:
                files = await engine.store.load(left)
                left -= {order for order, file in files.items() if file.get("erased")}
                await asyncio.sleep(LOOK_SECONDS if left else 0)
    except TimeoutError:
        pass
    return left


async def bury_letters(engine: Engine, read: ReadLetters, orders: Collection[str]) -> int:
    """Give up what is parked in the files of these orders, and erase every letter there is about them.

    Returns how many letters. Raises `Unavailable` when the broker did not take all tombstones.
    """
    parked = await parked_of(engine, read, orders)
    await discard_parked(engine, read, parked, lambda _done, _total: None)
    keys: dict[bytes, None] = {}
    async for chunk in in_chunks(read({}), CHUNK_LETTERS):
        for record in chunk:
            letter = letter_in(record)
            if record.key is not None and letter is not None and letter.parked_in in orders:
                keys[record.key] = None
            elif record.key is not None and record.value is None:
                keys.pop(record.key, None)
    topic = dead_letter_topic(engine.service.name)
    if keys and not all(await engine.publisher.publish([Outgoing(topic, key, None) for key in keys])):
        raise Unavailable("the broker did not take all tombstones of dead letters; run this again")
    return len(keys)
