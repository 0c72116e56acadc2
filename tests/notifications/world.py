"""A shop in memory: the files of notifications, their events to each other, timers and the mail."""

from datetime import datetime
from itertools import count
from typing import Any

from services.notifications.app import SERVICE
from services.notifications.commands import ClaimTask, CompleteTask
from services.notifications.state import OrderFile
from services.notifications.state.tasks import AnyTask
from services.notifications.views import OrderView
from shared.contracts.event import Event, Payload
from shared.contracts.events import common, orders
from shared.contracts.events import notifications as said
from shared.contracts.facts import BuyerMessage, BuyerMessageBody, Line, Receiver
from shared.contracts.tasks import Priority, TaskKind
from shared.kernel.decision import Decision, EffectDone, EffectFailed, Outcome, TimerDue
from shared.kernel.profiles import Profile
from tests.kit.rules import START, Play, default_profile, heard

ORDER = "A-1"
BUYER = "buyer-1"
RECEIVER = Receiver(name="Ada Example", email="ada@buyers.example", city="Testville")
LINE = Line.model_validate({"line_id": "1", "sku": "S-1", "name": "Lamp", "quantity": 1, "amount": "10.00"})


class Shop:
    """All files of one shop under one clock; what one file says, the others hear at once."""

    def __init__(self, zone: str = "UTC", profile: Profile | None = None, **values: Any) -> None:
        self.profile = profile or default_profile(zone, **values)
        self.files: dict[str, Play] = {}
        self.now = START
        self.mails: list[tuple[datetime, dict[str, Any]]] = []
        self.refusals: list[str] = []
        """Reasons with which the channel refuses the next letters."""
        self.channel_up = True
        self.days_answer = True
        """Whether what a buyer's day says reaches the orders."""
        self.held: list[tuple[str, EffectDone]] = []
        self.contacts: list[orders.ContactChanged] = []
        self.events: list[Event] = []
        self._numbers = count(1)

    def file(self, subject: str = ORDER) -> Play:
        """The file of that subject."""
        if subject not in self.files:
            self.files[subject] = Play(SERVICE, subject, self.profile)
        return self.files[subject]

    def state(self, subject: str = ORDER) -> OrderFile:
        """The state of an order's file."""
        state = self.file(subject).state
        assert isinstance(state, OrderFile), state
        return state

    def view(self, subject: str = ORDER) -> OrderView:
        """What is seen of an order."""
        view = self.file(subject).view
        assert isinstance(view, OrderView), view
        return view

    def do(self, command: Any, subject: str = ORDER, now: datetime | None = None) -> Outcome:
        """Ask a file, and let everybody hear what it says."""
        self.now = max(self.now, now or command.at)
        file = self.file(subject)
        already = len(file.said)
        file.do(command, now=self.now)
        outcome = file.last
        for payload in file.said[already:]:
            self._say(payload, command.at, subject, SERVICE.name)
        if isinstance(outcome, Decision):
            for contact in outcome.contacts:
                if contact.payload is None:
                    continue
                assert isinstance(contact.payload, orders.ContactChanged)
                self.contacts.append(contact.payload)
                self._say(contact.payload, command.at, subject, "notifications-contacts")
            for effect in outcome.effects:
                self._mail(effect.effect_id, dict(effect.request), subject)
        return outcome

    def hear(self, payload: Payload, at: datetime = START, subject: str = ORDER, source: str = "") -> None:
        """Another service says something."""
        self.now = max(self.now, at)
        self._say(payload, at, subject, source or payload.service)

    def _say(self, payload: Payload, at: datetime, subject: str, source: str) -> None:
        event = heard(payload, at, subject, source, next(self._numbers))
        self.events.append(event)
        if source != SERVICE.name:
            file = self.file(subject)
            file.view = SERVICE.project(file.view, event)
        silent = isinstance(payload, said.MessageAllowed | said.MessageCapped) and not self.days_answer
        for about, command in () if silent else SERVICE.react(event):
            self.do(command, about, now=self.now)

    def _mail(self, effect_id: str, request: dict[str, Any], subject: str) -> None:
        if self.refusals:
            reason = self.refusals.pop(0)
            self.do(EffectFailed(at=self.now, effect_id=effect_id, kind="mail", reason=reason), subject)
            return
        self.mails.append((self.now, request))
        done = EffectDone(at=self.now, effect_id=effect_id, kind="mail")
        if self.channel_up:
            self.do(done, subject)
        else:
            self.held.append((subject, done))

    def run_until(self, moment: datetime, *, late: bool = False) -> None:
        """Fire all timers due by then; `late`: after an outage, when the clock shows `moment` already."""
        while due := min(
            (
                (at, number, subject, which)
                for number, (subject, file) in enumerate(self.files.items())
                for which, at in file.timers.items()
                if at <= moment
            ),
            default=None,
        ):
            at, _, subject, (name, key) = due
            del self.files[subject].timers[(name, key)]
            command = TimerDue(name=name, key=key, due_at=at, at=at)
            self.do(command, subject, now=moment if late else max(at, self.now))
        self.now = max(self.now, moment)

    def order(self, order_id: str = ORDER, at: datetime = START, buyer: str = BUYER) -> "Shop":
        """An order is placed, and its contact known."""
        self.hear(placed(buyer), at, order_id)
        self.hear(orders.ContactChanged(buyer_id=buyer, receiver=RECEIVER), at, order_id, "orders-contacts")
        return self

    def names(self, subject: str = ORDER) -> list[str]:
        """The names of what a file said, in order."""
        return self.file(subject).names()

    def of(self, name: str, subject: str = ORDER) -> list[Any]:
        """What a file said under that name."""
        return self.file(subject).of(name)

    def task(self, kind: TaskKind, subject: str = ORDER) -> AnyTask:
        """The newest task of that kind."""
        return next(each for each in reversed(self.state(subject).tasks) if each.kind == kind)

    def claim(self, task_id: str, agent: str = "mia", at: datetime | None = None) -> Outcome:
        """An agent takes a task."""
        return self.do(ClaimTask(at=at or self.now, task_id=task_id, agent_id=agent))

    def complete(
        self,
        task_id: str,
        outcome: str,
        details: dict[str, Any] | None = None,
        agent: str = "mia",
        at: datetime | None = None,
    ) -> Outcome:
        """An agent completes a task."""
        command = CompleteTask(
            at=at or self.now, task_id=task_id, agent_id=agent, outcome=outcome, details=details or {}
        )
        return self.do(command)


def placed(buyer: str = BUYER, shop: str = "demo") -> orders.OrderPlaced:
    """An order of one lamp."""
    return orders.OrderPlaced.model_validate(
        {
            "shop_id": shop,
            "platform": "default",
            "buyer_id": buyer,
            "currency": "EUR",
            "total": "10.00",
            "lines": [LINE.model_dump()],
            "ship_service": "Standard",
            "closes_at": "2026-03-03T12:00:00Z",
        }
    )


def wanted(
    template: str = "parcel_delivered",
    message_id: str = "m-1",
    order_id: str = ORDER,
    stale_at: datetime | None = None,
    **params: Any,
) -> common.MessageWanted:
    """A service wants the buyer told. Without values given, each message says something of its own."""
    return common.MessageWanted(
        message_id=message_id,
        template=template,
        order_id=order_id,
        params=params or {"tracking_no": message_id},
        stale_at=stale_at,
    )


def task_wanted(
    kind: TaskKind = "check_with_carrier",
    task_id: str = "t-1",
    due_at: datetime | None = None,
    priority: Priority = "normal",
    blocked_by: str | None = None,
) -> common.TaskWanted:
    """A service wants judgement."""
    return common.TaskWanted(
        task_id=task_id,
        kind=kind,
        order_id=ORDER,
        due_at=due_at,
        priority=priority,
        summary="Somebody has to look.",
        details={"parcel_id": "P-1"},
        blocked_by=blocked_by,
    )


def wrote(fact_id: str = "f-1", at: datetime = START, text: str = "Where is my parcel?") -> BuyerMessage:
    """The buyer writes."""
    return BuyerMessage(id=fact_id, at=at, order_id=ORDER, data=BuyerMessageBody(channel="chat", text=text))
