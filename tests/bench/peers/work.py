"""What every peer does with one event: one update of the order's document, as one would write it."""

from typing import Any, Final

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
