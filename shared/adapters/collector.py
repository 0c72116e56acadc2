"""Python's collector of cycles, set for processes that make and drop many small values.

A batch makes some hundred thousand values that live until its end and then go by themselves. As it
is set from the start, the collector walks through them over and over, and through everything that
was imported: a quarter of a worker's time.

What an outage leaves, exceptions that hold the frames that hold them, would lie for days then: a process
that does little makes fewer new values than start a look. So once a minute it looks at what is young, which
takes it milliseconds. A connection, whose parts hold each other, has lived longer than that when it is cut:
a hundred values for each, which no look at the young finds. So each tenth look is at everything that is not
frozen, which takes a worker whose memory of files is full a tenth of a second.

And once a minute what is free goes back to the system. glibc keeps what lies between values that live on, so
a process would hold for ever what its largest batch took: a night's timers, or the backlog of an outage.
"""

import asyncio
import ctypes
import gc
import itertools
from typing import Final

YOUNG_MAX: Final = 50_000
"""So many new values more than were dropped start a look at the young ones."""
YOUNG_LOOKS: Final = 20
OLD_LOOKS: Final = 50
LOOK_SECONDS: Final = 60.0
MIDDLE: Final = 1
"""The generation up to which it looks once a minute."""
WHOLE_EVERY: Final = 10
"""After so many looks the last of them is at older values too."""


def collect_less() -> None:
    """Leave what is there now alone for ever, and look at what comes more rarely.

    To be called once everything is imported.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, YOUNG_LOOKS, OLD_LOOKS)


async def keep_looking(every_seconds: float = LOOK_SECONDS) -> None:
    """Look at what is young now and then, more rarely at all, and give back what is free, until cancelled."""
    for number in itertools.count(1):
        await asyncio.sleep(every_seconds)
        if number % WHOLE_EVERY == 0:
            gc.collect()
        else:
            gc.collect(MIDDLE)
        give_back()


def give_back() -> bool:
    """Give free memory back to the system: a few milliseconds. Whether the C library can, as glibc's does."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None:
        return False
    trim(0)
    return True
