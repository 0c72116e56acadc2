"""What every peer does with one event, as one would write it, and how its run is counted."""

from typing import Any, Final

from tests.bench.job import Job, Result, Stopwatch
from tests.bench.keeper import ENTRIES_KEPT

COLLECTION: Final = "orders"


def update_for(said: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The filter and the update: the stage it is in, and the last things that were said of it."""
    entry = {"event_id": said["id"], "at": said["time"], "event": said["type"]}
    return (
        {"_id": said["subject"]},
        {
            "$set": {"stage": said["type"]},
            "$push": {"entries": {"$each": [entry], "$slice": -ENTRIES_KEPT}},
        },
    )


class Counted:
    """A run's events, timed from the first one to the one with which the run is over."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._watch = Stopwatch()
        self._taken = self._measured = 0

    def begins(self) -> None:
        """An event is about to be worked on."""
        if not self._taken:
            self._watch.start()

    def is_over(self) -> bool:
        """An event was worked on. Whether the run ends with it; true once."""
        self._taken += 1
        if self._measured or not self._watch.is_over(self._taken, self._job):
            return False
        self._measured = self._taken
        return True

    def result(self) -> Result:
        """What was measured; each event was one write."""
        return self._watch.result(self._measured, self._measured)
