"""An event loop whose time is made up: nobody sleeps, and the same calls happen in the same order.

When nothing is ready to run, its time jumps to the next thing that was to be waited for. So pauses,
backoffs and slow answers cost nothing and keep their order. It opens no file and no socket.
"""

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any


class Stalled(RuntimeError):
    """Everybody waits for something that nobody will do."""


class _NoFiles(selectors.BaseSelector):
    """Watches nothing. Waiting moves the loop's time on."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._keys: dict[int, selectors.SelectorKey] = {}

    def register(
        self, fileobj: Any, events: int, data: Any = None
    ) -> selectors.SelectorKey:  # the base class' name
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        key = selectors.SelectorKey(fileobj, number, events, data)
        self._keys[number] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj if isinstance(fileobj, int) else fileobj.fileno())

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stalled("everybody waits")
        self.seconds += timeout
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop of one or many storms, one after the other."""

    def __init__(self) -> None:
        self._made_up = _NoFiles()
        super().__init__(self._made_up)

    def time(self) -> float:
        """Seconds since the loop was made, as far as anybody waited."""
        return self._made_up.seconds
