"""A play of one service's rules on one file, without engine, store or broker: given, when, then."""

from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Self

import yaml

from shared.contracts.event import Event, Payload, event_id
from shared.kernel.decision import CancelTimer, Decision, Outcome, Refused, SetTimer, TimerDue
from shared.kernel.erasure import without_personal
from shared.kernel.profiles import Profile
from shared.runtime.service import Service

PROFILE_FILE = Path(__file__).parents[2] / "shared" / "profiles" / "default.yaml"
START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def default_profile(zone: str = "UTC", **values: Any) -> Profile:
    """The default profile, with its zone and some values changed."""
    profile = Profile.model_validate(yaml.safe_load(PROFILE_FILE.read_text()))
    changed = profile.values.model_copy(update=values)
    return profile.model_copy(update={"zone": zone, "values": changed})


def after(**span: float) -> datetime:
    """A moment after the start of every play, such as `after(hours=12)`."""
    return START + timedelta(**span)


def heard(
    payload: Payload, at: datetime, subject: str = "A-1", source: str | None = None, n: int = 1
) -> Event:
    """Another service's event as it arrives."""
    says = source or payload.service
    return Event(
        id=event_id(says, subject, n),
        source=says,
        name=payload.name,
        version=payload.version,
        subject=subject,
        time=at,
        sequence=n,
        correlation_id="test",
        causation_id="test",
        shop_id="demo",
        data=payload,
    )


class Play:
    """One file of a service: commands in, a folded state and everything said out."""

    def __init__(self, service: Service, subject: str = "A-1", profile: Profile | None = None) -> None:
        self.service = service
        self.subject = subject
        self.profile = profile or default_profile()
        self.state: Any = service.initial
        self.view: Any = service.initial_view
        self.said: list[Payload] = []
        self.timers: dict[tuple[str, str], datetime] = {}
        self.outcomes: list[Outcome] = []
        self.contacts: list[Payload | None] = []
        """What went to the contacts topic; None for a tombstone."""
        self.erased = False
        self._set_order: dict[tuple[str, str], int] = {}
        self._numbers = count(1)
        self._heard = count(1)

    def do(self, *commands: Any, now: datetime | None = None) -> Self:
        """Ask the file; fold a yes into it, keep a no in `outcomes`.

        `now` is the command's time unless told.
        """
        for asked in commands:
            command = without_personal(asked) if self.erased else asked
            outcome = self.service.decide(command, self.state, now or command.at, self.profile)
            self.outcomes.append(outcome)
            if isinstance(outcome, Decision):
                self._fold(outcome, command.at)
        return self

    def hear(self, payload: Payload, at: datetime, subject: str | None = None) -> Self:
        """Let the service react to another service's event, for this file."""
        event = heard(payload, at, subject or self.subject, n=next(self._heard))
        for about, command in self.service.react(event):
            if about == self.subject:
                self.do(command)
        self.view = self.service.project(self.view, event)
        return self

    def run_until(self, moment: datetime) -> Self:
        """Fire every timer that is due by then, in order of due time and of being set."""
        while due := sorted(
            (at, self._set_order[which], which) for which, at in self.timers.items() if at <= moment
        ):
            at, _, which = due[0]
            del self.timers[which]
            self.do(TimerDue(name=which[0], key=which[1], due_at=at, at=at))
        return self

    def names(self) -> list[str]:
        """The names of all that was said, in order."""
        return [payload.name for payload in self.said]

    def of(self, name: str) -> list[Any]:
        """The payloads of that name, in order."""
        return [payload for payload in self.said if payload.name == name]

    @property
    def last(self) -> Outcome:
        """The answer to the last command."""
        return self.outcomes[-1]

    @property
    def refused(self) -> Refused:
        """The last answer, which must be a no."""
        assert isinstance(self.last, Refused), self.last
        return self.last

    def _fold(self, decision: Decision, at: datetime) -> None:
        for note in decision.notes:
            self.state = self.service.evolve(self.state, note)
        for payload in (*decision.events, *decision.tasks, *decision.messages):
            self.said.append(payload)
            number = next(self._numbers)
            event = heard(payload, at, self.subject, self.service.name, number)
            self.state = self.service.evolve(self.state, event)
            self.view = self.service.project(self.view, event)
        for change in decision.timers:
            which = (change.name, change.key)
            match change:
                case SetTimer():
                    self.timers[which] = change.due_at
                    self._set_order[which] = next(self._numbers)
                case CancelTimer():
                    self.timers.pop(which, None)
        self.contacts += [contact.payload for contact in decision.contacts]
        if decision.erases:
            self.erased = True
            self.state, self.view = without_personal(self.state), without_personal(self.view)
