"""Python's collector of cycles, set for processes that make and drop many small values.

A batch makes some hundred thousand values that live until its end and then go by themselves. As it
is set from the start, the collector walks through them over and over, and through everything that
was imported: a quarter of a worker's time.
"""

import gc
from typing import Final

YOUNG_MAX: Final = 50_000
"""So many new values more than were dropped start a look at the young ones."""
YOUNG_LOOKS: Final = 20
OLD_LOOKS: Final = 50


def collect_less() -> None:
    """Leave what is there now alone for ever, and look at what comes more rarely.

    To be called once everything is imported.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, YOUNG_LOOKS, OLD_LOOKS)
