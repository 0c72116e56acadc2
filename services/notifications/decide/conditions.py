"""Whether what a message says is still true, as far as the file knows."""

from collections.abc import Mapping
from typing import Final, assert_never

from pydantic import JsonValue

from services.notifications.commands import ParcelStage
from services.notifications.state import OrderFile
from services.notifications.state.knowledge import Parcel
from services.notifications.templates import While

ON_ITS_WAY: Final[frozenset[ParcelStage]] = frozenset({"dispatched", "picked_up", "in_transit", "exception"})
UNDER_WAY: Final = ON_ITS_WAY | frozenset[ParcelStage]({"out_for_delivery"})
ENDED_BADLY: Final = frozenset({"closed", "cancelled", "refunded"})


def holds(condition: While, file: OrderFile, params: Mapping[str, JsonValue]) -> bool:
    """Whether the condition holds. What the file has not heard of does not speak against it."""
    knows = file.knows
    match condition:
        case "always":
            return True
        case "unpaid":
            return not knows.paid and knows.ended is None
        case "not_dispatched":
            return not knows.all_dispatched and knows.ended is None
        case "not_ended":
            return knows.ended is None
        case "on_its_way":
            parcel = _parcel(file, params)
            return parcel is None or parcel.stage in ON_ITS_WAY
        case "under_way":
            parcel = _parcel(file, params)
            return parcel is None or parcel.stage in UNDER_WAY
        case "out_for_delivery":
            parcel = _parcel(file, params)
            return parcel is None or parcel.stage == "out_for_delivery"
        case "stalled":
            parcel = _parcel(file, params)
            return any(each.stalled for each in knows.parcels) if parcel is None else parcel.stalled
        case "case_open":
            return not knows.had_case or params.get("case_id") in knows.open_cases
        case "nothing_open":
            return nothing_open(file)
        case _:
            assert_never(condition)


def nothing_open(file: OrderFile) -> bool:
    """No open case, no open task, no review, and the order did not end badly.

    A claim is between shop and carrier: the buyer was served before, and does not wait for it.
    """
    knows = file.knows
    tasks = any(task.kind != "chase_claim" for task in file.live_tasks)
    return not (knows.open_cases or tasks or knows.reviewed or knows.ended in ENDED_BADLY)


def _parcel(file: OrderFile, params: Mapping[str, JsonValue]) -> Parcel | None:
    parcel_id = params.get("parcel_id")
    return file.parcel(parcel_id) if isinstance(parcel_id, str) else None
