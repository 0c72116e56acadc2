"""The files of notifications: their stages, what they remember, and how they move on."""

from typing import Final

from pydantic import TypeAdapter

from services.notifications.state.charts import CHARTS
from services.notifications.state.files import AnyFile, Blank, BuyerDay, OrderFile, State
from services.notifications.state.folding import evolve, opened
from services.notifications.state.reports import ReportDay

__all__ = [
    "CHARTS",
    "INITIAL",
    "STATE",
    "AnyFile",
    "Blank",
    "BuyerDay",
    "OrderFile",
    "ReportDay",
    "evolve",
    "keys",
    "opened",
]

INITIAL: Final = Blank()
STATE: Final[TypeAdapter[AnyFile]] = TypeAdapter(State)


def keys(state: AnyFile) -> tuple[str, ...]:
    """The task ids by which an order's file is found."""
    return tuple(task.task_id for task in state.tasks) if isinstance(state, OrderFile) else ()
