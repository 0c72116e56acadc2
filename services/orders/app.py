"""The wiring of orders: one value that names its rules, its file, its view and its charts."""

from functools import partial

from services.orders.api import routes
from services.orders.decide import decide
from services.orders.inlets import INLETS
from services.orders.react import react
from services.orders.state import INITIAL, ORDER_CHART, STATE, evolve
from services.orders.templates.reading import WISHES
from services.orders.views import INITIAL_VIEW, VIEW, project
from shared.runtime.service import Service

SERVICE = Service(
    name="orders",
    decide=partial(decide, rules=WISHES),
    evolve=evolve,
    react=react,
    project=project,
    initial=INITIAL,
    state=STATE,
    view=VIEW,
    initial_view=INITIAL_VIEW,
    watches=True,
    charts=(ORDER_CHART,),
    indexed=("view.stage", "view.buyer_id"),
    routes=routes,
    inlets=INLETS,
)
