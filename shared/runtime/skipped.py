"""Files that did not move at the last looks, so that the next ones look behind them.

A page of what is due longest would otherwise be the same page for ever, where so many files can't go on:
the broker rejects what they say, they are full, or another version wrote them. They are looked at again
when there is nothing behind them, and when they are too many.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Final

from shared.runtime.ports import Document

SKIPPED_MAX_FILES: Final = 2_000


class Skipped:
    """What one kind of look passes over."""

    def __init__(self) -> None:
        self._subjects: set[str] = set()

    def more(self, page: int) -> int:
        """How many to ask for, so that a page is left behind those that are passed over."""
        return page + len(self._subjects)

    def behind(self, documents: Sequence[Document], page: int) -> list[Document]:
        """Those found that are not passed over, at most a page."""
        return [document for document in documents if document["_id"] not in self._subjects][:page]

    def looked(self, *, at_the_end: bool, stuck: Collection[str]) -> None:
        """A look is over: `stuck` did not move, and `at_the_end` says that nothing is behind them."""
        if at_the_end or len(self._subjects) + len(stuck) > SKIPPED_MAX_FILES:
            self._subjects.clear()
        else:
            self._subjects.update(stuck)


class Telling:
    """Tells the log that files wait, and not again for a while: every look would."""

    def __init__(self, log: Callable[..., None], seconds: float, monotonic: Callable[[], float]) -> None:
        self._log = log
        self._seconds = seconds
        self._monotonic = monotonic
        self._again_at = 0.0

    def tell(self, text: str, problem: BaseException) -> None:
        """Log it with its reason, unless something was told a moment ago."""
        now = self._monotonic()
        if now >= self._again_at:
            self._again_at = now + self._seconds
            self._log(text, reason=str(problem))
