"""The wiring of notifications: one value that names everything the engine needs of it."""

from functools import partial
from typing import Final, get_args

from services.notifications.api import routes
from services.notifications.decide import decide
from services.notifications.react import react
from services.notifications.state import CHARTS, INITIAL, STATE, evolve, keys
from services.notifications.templates.reading import TEMPLATES
from services.notifications.views import INDEXED, INITIAL_VIEW, VIEW, project
from shared.contracts.tasks import TaskKind
from shared.runtime.service import Counted, Service
from shared.runtime.slots import slot_of

SERVICE: Final = Service(
    name="notifications",
    decide=partial(decide, templates=TEMPLATES, slot_of=slot_of),
    evolve=evolve,
    react=react,
    project=project,
    initial=INITIAL,
    state=STATE,
    view=VIEW,
    initial_view=INITIAL_VIEW,
    keys=keys,
    watches=True,
    charts=CHARTS,
    effects=("mail",),
    rechecked=("mail",),
    indexed=INDEXED,
    counted=(
        Counted("orderlink_orders_with_open_tasks", "view.open_task_kinds", get_args(TaskKind), label="kind"),
        Counted("orderlink_orders_with_overdue_tasks", "view.overdue", (True,)),
    ),
    routes=routes,
)
