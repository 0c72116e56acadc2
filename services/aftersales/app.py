"""The wiring of aftersales: one value that names all its parts."""

from typing import Final

from pydantic import TypeAdapter

from services.aftersales.api import routes
from services.aftersales.decide import decide
from services.aftersales.react import react
from services.aftersales.state import CHARTS, INITIAL, STATE, evolve, keys
from services.aftersales.views import INITIAL_VIEW, OrderCases, project
from shared.runtime.service import Service

SERVICE: Final = Service(
    name="aftersales",
    decide=decide,
    evolve=evolve,
    react=react,
    project=project,
    initial=INITIAL,
    state=STATE,
    view=TypeAdapter(OrderCases),
    initial_view=INITIAL_VIEW,
    keys=keys,
    charts=CHARTS,
    effects=("refund",),
    indexed=("view.stages", "view.open"),
    routes=routes,
)
