"""Logistics as a value: its rules, its state and view, and what lists of orders are filtered by."""

from functools import partial
from typing import Final

from pydantic import TypeAdapter

from services.logistics.api import routes, sight
from services.logistics.decide import decide
from services.logistics.inlets import INLETS
from services.logistics.inlets.reading import CARRIERS
from services.logistics.react import react
from services.logistics.state import (
    CLAIM_CHART,
    ENQUIRY_CHART,
    INCIDENT_CHART,
    INITIAL,
    PARCEL_CHART,
    STATE,
    evolve,
    keys,
)
from services.logistics.views import EMPTY, LogisticsView, project
from shared.runtime.service import Service

SERVICE: Final = Service(
    name="logistics",
    decide=partial(decide, carriers=CARRIERS),
    evolve=evolve,
    react=react,
    project=project,
    initial=INITIAL,
    state=STATE,
    view=TypeAdapter(LogisticsView),
    initial_view=EMPTY,
    keys=keys,
    charts=(PARCEL_CHART, CLAIM_CHART, ENQUIRY_CHART, INCIDENT_CHART),
    indexed=("view.stages", "view.outcomes", "state.stage"),
    routes=routes,
    inlets=INLETS,
    sight=sight,
)
