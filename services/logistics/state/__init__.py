"""What logistics knows about one order: the file, its parcels, how events change them, the chart."""

from typing import Final

from pydantic import TypeAdapter

from services.logistics.state.charts import CLAIM_CHART, ENQUIRY_CHART, INCIDENT_CHART, PARCEL_CHART
from services.logistics.state.evolve import evolve
from services.logistics.state.file import (
    BY_PARCEL,
    AnswerTaken,
    ContactLearnt,
    HoldLifted,
    LinesUnwanted,
    NotPlaced,
    OrderLearnt,
    Placed,
    ScanSeen,
    State,
    keys,
)
from services.logistics.state.parcels import (
    MAX_PARCELS,
    MAX_TRACE,
    WAY,
    Clock,
    Delivered,
    EndedParcel,
    Lost,
    Moving,
    OpenParcel,
    OpenTask,
    Parcel,
    PickupCancelled,
    Returned,
    Returning,
    Seen,
    Told,
    Troubled,
    WayStage,
)
from services.logistics.state.tracking import Sighted, Tracked

INITIAL: Final = NotPlaced()
STATE: Final[TypeAdapter[State]] = TypeAdapter(State)

__all__ = [
    "BY_PARCEL",
    "CLAIM_CHART",
    "ENQUIRY_CHART",
    "INCIDENT_CHART",
    "INITIAL",
    "MAX_PARCELS",
    "MAX_TRACE",
    "PARCEL_CHART",
    "STATE",
    "WAY",
    "AnswerTaken",
    "Clock",
    "ContactLearnt",
    "Delivered",
    "EndedParcel",
    "HoldLifted",
    "LinesUnwanted",
    "Lost",
    "Moving",
    "NotPlaced",
    "OpenParcel",
    "OpenTask",
    "OrderLearnt",
    "Parcel",
    "PickupCancelled",
    "Placed",
    "Returned",
    "Returning",
    "ScanSeen",
    "Seen",
    "Sighted",
    "State",
    "Told",
    "Tracked",
    "Troubled",
    "WayStage",
    "evolve",
    "keys",
]
