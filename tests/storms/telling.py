"""What somebody tells or asks in a story: a fact, a carrier's scan by number, a command, an agent's answer.

Which tasks lie open at a moment follows from the run, so an agent's answer says only when an agent looks
at an order. He takes a task that he has an answer to, claims it and completes it. Where nothing went
wrong, the same tasks lie open as in the calm.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from services.notifications.commands import ClaimTask, CompleteTask
from services.notifications.state import OrderFile
from services.notifications.state.tasks import OpenTask
from shared.contracts.facts import TAKEN_BY, AnyFact, Sighting, tracking_subject
from shared.contracts.tasks import TaskKind
from shared.kernel.decision import Command
from shared.runtime.fold import body_digest
from shared.runtime.work import Ask, Tell

AGENT: Final = "agent-1"
AGENT_LOOKS: Final = "an agent looks at"
ANSWERS: Final[Mapping[TaskKind, tuple[tuple[str, Mapping[str, Any]], ...]]] = {
    "late_payment": (("reopen", {}), ("refund", {})),
    "urge_shipment": (("out_of_stock", {}), ("cancel", {})),
    "call_about_payment": (("reached", {"result": "pays_soon"}), ("cancel", {})),
    "check_pickup": (("picked_up", {}), ("cancelled", {})),
    "check_with_carrier": (("lost", {}), ("moving", {}), ("returning", {})),
    "confirm_loss": (("lost", {}), ("found", {})),
    "resolve_exception": (("resolved", {}), ("return_to_sender", {})),
    "confirm_address_and_resend": (("refund", {}),),
    "decide_case": (
        ("approve", {}),
        ("refuse", {"reason": "used"}),
        ("offer", {"kind": "partial_refund", "amount": "3.00"}),
    ),
    "decide_inspection": (("accept", {}), ("refuse", {"reason": "worn"})),
    "verify_weight": (("matches", {}), ("unclear", {})),
    "answer_buyer": (("answered", {"text": "On its way."}), ("no_answer_needed", {})),
    "call_about_review": (("not_reached", {}),),
    "offer_choice": (("cancel_lines", {}),),
    "help_with_payment": (("helped", {}),),
    "chase_claim": (("given_up", {}),),
    "look_into": (("fixed", {}),),
}
"""What agents answer, by kind of task: the outcomes that they choose from. The first kind comes first."""
_FIRST: Final = {kind: place for place, kind in enumerate(ANSWERS)}


@dataclass(frozen=True, slots=True)
class Telling:
    """One thing that is told or asked, about which order and when."""

    id: str
    at: datetime
    order_id: str
    service: str
    name: str
    what: AnyFact | Sighting | Command | None
    """None: an agent looks for a task of the order."""
    draw: int = 0
    """Which answer an agent chooses."""

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.name} {self.order_id} ({self.id})"

    @property
    def subject(self) -> str:
        """The file that it is for."""
        return self.what.subject if isinstance(self.what, Sighting) else self.order_id

    def work(self, state: Any) -> list[Tell | Ask]:
        """What the service is to do, one after the other; an agent looks at the order's file first."""
        match self.what:
            case None:
                return list(_answer(self, state)) if isinstance(state, OrderFile) else []
            case Command():
                return [_ask(self.order_id, self.what, self.id)]
            case fact:
                return [Tell(self.subject, fact, body_digest(fact))]


def told(fact: AnyFact) -> Telling:
    """A fact, as it is told."""
    return Telling(fact.id, fact.at, fact.order_id, TAKEN_BY[fact.fact], fact.fact, fact)


def number_of(order_id: str) -> str:
    """The tracking number of an order's parcel."""
    return f"T{order_id}"


def tracking_file(order_id: str) -> str:
    """The file of that number."""
    return tracking_subject(number_of(order_id))


def _ask(order_id: str, command: Command, key: str) -> Ask:
    return Ask(order_id, command, key, body_digest(command))


def _answer(telling: Telling, file: OrderFile) -> tuple[Ask, ...]:
    free = [task for task in file.tasks if isinstance(task, OpenTask) and task.blocked_by is None]
    known = [task for task in free if task.kind in ANSWERS]
    if not known:
        return ()
    task = min(known, key=lambda each: (_FIRST[each.kind], each.task_id))
    return _asked(telling, task.task_id, task.kind)


@lru_cache(maxsize=4_096)
def _asked(telling: Telling, task_id: str, kind: TaskKind) -> tuple[Ask, ...]:
    """The same objects for every run, since rules are asked once for each."""
    answers = ANSWERS[kind]
    outcome, details = answers[telling.draw % len(answers)]
    claim = ClaimTask(at=telling.at, task_id=task_id, agent_id=AGENT)
    complete = CompleteTask(
        at=telling.at, task_id=task_id, agent_id=AGENT, outcome=outcome, details=dict(details)
    )
    return (
        _ask(telling.order_id, claim, f"{telling.id}/claim"),
        _ask(telling.order_id, complete, f"{telling.id}/complete"),
    )
