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
from shared.runtime.dead_letters import StoredLetter
from shared.runtime.engine import Engine
from shared.runtime.parked import (
    CHUNK_LETTERS,
    Choice,
    Parked,
    ParkedSource,
    ReadLetters,
    letter_in,
    survey,
    waits,
)
from shared.runtime.ports import Outgoing, Unavailable
from shared.runtime.redrive import discard_parked
from shared.runtime.work import Ask

ORDERS_AT_ONCE: Final = 128
KEY: Final = " erase"
"""What the command's idempotency key begins with: a space, as no id of a fact and no key over HTTP does."""
LOOK_SECONDS: Final = 0.2
ROUNDS_MAX: Final = 10
"""How often what was parked meanwhile is given up too."""


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

    One that is parked meanwhile is given up in the next round: a letter that waits is never buried, or its
    source would wait for nothing. Returns how many letters. Raises `Unavailable` when the broker did not take
    all tombstones, and where more is parked all the time.
    """
    topic, buried = dead_letter_topic(engine.service.name), 0
    for _ in range(ROUNDS_MAX):
        parked = await parked_of(engine, read, orders)
        await discard_parked(engine, read, parked, lambda _done, _total: None)
        keys, waiting = await _letters_about(engine, read, orders)
        if keys and not all(await engine.publisher.publish([Outgoing(topic, key, None) for key in keys])):
            raise Unavailable("the broker did not take all tombstones of dead letters; run this again")
        buried += len(keys)
        if not waiting:
            return buried
    raise Unavailable("records of these orders are parked faster than they are given up; run this again")


async def _letters_about(
    engine: Engine, read: ReadLetters, orders: Collection[str]
) -> tuple[list[bytes], int]:
    """The keys of letters about these orders for which nobody waits, and how many others there are."""
    keys: dict[bytes, None] = {}
    waiting: set[bytes] = set()
    async for chunk in in_chunks(read({}), CHUNK_LETTERS):
        about: list[tuple[bytes, StoredLetter]] = []
        for record in chunk:
            letter = letter_in(record)
            if record.key is not None and letter is not None and letter.parked_in in orders:
                about.append((record.key, letter))
            elif record.key is not None and record.value is None:
                keys.pop(record.key, None)
                waiting.discard(record.key)
        files = await engine.store.load({letter.parked_in for _, letter in about})
        for key, letter in about:
            where = ParkedSource.of(letter)
            holds_up = letter.kind in ("poison", "waiting")
            if holds_up and waits(files.get(where.file), where, letter.sequence) is not None:
                waiting.add(key)
            else:
                keys[key] = None
    return [key for key in keys if key not in waiting], len(waiting)
