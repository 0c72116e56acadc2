"""Reactions to every event, charts that match the stages, and the one value that wires the service."""

from typing import Any, get_args

import pytest

from services.notifications.app import SERVICE
from services.notifications.state import messages, tasks
from services.notifications.state.charts import CHARTS
from services.notifications.state.conversation import Answered, Unanswered, Waiting
from shared.contracts.event import Payload, payloads
from shared.contracts.examples import example_of
from shared.kernel.decision import Decision, Refused
from tests.kit.rules import START, default_profile

EVERY = [cls for cls in payloads().values() if cls.__module__.startswith("shared.contracts.events")]
KINDS = {
    "message": get_args(get_args(messages.Message)[0]),
    "task": get_args(tasks.AnyTask),
    "buyer_message": (Waiting, Unanswered, Answered),
}


@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.name)
def test_every_event_can_be_heard_by_any_file(cls: type[Payload]) -> None:
    event = example_of(cls)
    for subject, command in SERVICE.react(event):
        assert 1 <= len(subject) <= 128
        assert command.at == event.time
        state: Any = SERVICE.initial
        for _ in range(2):
            outcome = SERVICE.decide(command, state, event.time, default_profile())
            assert isinstance(outcome, Decision | Refused)
    evolved = SERVICE.evolve(SERVICE.initial, event)
    assert SERVICE.state.validate_python(SERVICE.state.dump_python(evolved, mode="json")) == evolved


def test_the_events_that_say_what_notifications_does_ask_nothing_of_it_again() -> None:
    own = [cls for cls in EVERY if cls.service == "notifications"]
    asking = {cls.name for cls in own if SERVICE.react(example_of(cls))}
    assert asking == {
        "message.asked",
        "message.allowed",
        "message.capped",
        "message.withdrawn",
        "message.merged",
        "reminder.noted",
        "reminders.added_up",
        "findings.noted",
        "findings.added_up",
    }


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.document)
def test_a_chart_has_every_stage_of_its_models_and_leads_nowhere_else(chart: Any) -> None:
    stages = {kind.model_fields["stage"].default for kind in KINDS[chart.document]}
    charted = {stage.stage: stage for stage in chart.stages}
    assert set(charted) == stages
    for stage in chart.stages:
        assert set(stage.leads_to) <= stages
        assert stage.final == (not stage.leads_to)


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.document)
def test_a_charts_deadlines_are_values_of_the_profile_and_its_events_exist(chart: Any) -> None:
    values = type(default_profile().values).model_fields
    names = {cls.name for cls in EVERY}
    for stage in chart.stages:
        assert stage.deadline is None or stage.deadline in values
        assert stage.at_deadline is None or stage.at_deadline in names


def test_the_service_sends_mail_and_watches_everybody() -> None:
    assert SERVICE.name == "notifications"
    assert SERVICE.effects == ("mail",)
    assert SERVICE.watches
    assert START.tzinfo is not None
