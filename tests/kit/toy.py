"""A toy service for tests of the engine: small rules that touch every organ of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import JsonValue, TypeAdapter

from shared.contracts import facts
from shared.contracts.base import Frozen
from shared.contracts.event import Event, Payload, says
from shared.kernel.decision import (
    NOTHING,
    CancelTimer,
    Command,
    Decision,
    Effect,
    EffectDone,
    EffectDue,
    EffectFailed,
    EffectRecalled,
    Outcome,
    Refused,
    SetTimer,
    TimerDue,
)
from shared.kernel.profiles import Profile
from shared.runtime.service import Service


@says("toy.said", "toy")
class ToySaid(Payload):
    """The toy says a word."""

    word: str


@says("toy.poked", "other")
class ToyPoked(Payload):
    """Another service pokes the toy. `about` names the file, if it is another than the subject."""

    word: str
    about: str | None = None


@says("toy.passed", "other")
class ToyPassed(Payload):
    """Another service passes a fact on to the toy."""

    fact: dict[str, JsonValue]


class Poke(Command):
    """A poke, as the toy understands it."""

    word: str


class Say(Command):
    """Say a word, asked over HTTP."""

    word: str


class ToyState(Frozen):
    """What the toy remembers."""

    placed: bool = False
    paid: bool = False
    words: tuple[str, ...] = ()


class ToyView(Frozen):
    """What can be seen of the toy."""

    said: int = 0
    poked: int = 0


class Rules:
    """The toy's rules. `broken` holds words at which a rule raises, until somebody mends it.

    `unwanted` holds effects that are recalled when they are about to be tried.
    """

    def __init__(self) -> None:
        self.broken: set[str] = set()
        self.unwanted: set[str] = set()

    def decide(self, command: Any, state: ToyState, now: datetime, profile: Profile) -> Outcome:
        """One word for each thing that happens."""
        match command:
            case facts.OrderPlaced(at=at):
                return _place(state, at)
            case facts.OrderPaid():
                if "paid" in self.broken:
                    raise RuntimeError("the rule breaks at paid")
                return _pay(state)
            case facts.OrderCancelled():
                return _cancel(command)
            case Poke(word=word) | Say(word=word):
                if word in self.broken:
                    raise RuntimeError(f"the rule breaks at {word}")
                if word == "no":
                    return Refused(slug="no", detail="the toy says no")
                if word == "later":
                    return _say(word, SetTimer(name="nudge", due_at=command.at + timedelta(hours=2)))
                return _say(word)
            case TimerDue(name=name):
                if name in self.broken:
                    raise RuntimeError(f"the rule breaks at {name}")
                return _say(name)
            case EffectDue(effect_id=effect_id):
                return self._about_to_go(effect_id)
            case EffectDone() if "effect-done" in self.broken:
                raise RuntimeError("the rule breaks at effect-done")
            case EffectDone() | EffectFailed() | EffectRecalled():
                return _say(_became(command))
            case _:
                return NOTHING

    def _about_to_go(self, effect_id: str) -> Decision:
        if "effect-due" in self.broken:
            raise RuntimeError("the rule breaks at effect-due")
        return _say("not-now") + Decision(recalls=(effect_id,)) if effect_id in self.unwanted else NOTHING

    def react(self, event: Event) -> Sequence[tuple[str, Any]]:
        """A poke is for its subject, or for another file that it names."""
        match event.data:
            case ToyPassed(fact=fact):
                return ((event.subject, facts.fact_from(fact)),)
            case ToyPoked(word="unread"):
                return ()
            case ToyPoked(word=word, about=about):
                if f"react:{word}" in self.broken:
                    raise RuntimeError("the reaction breaks")
                return ((about or event.subject, Poke(at=event.time, word=word)),)
            case _:
                return ()


def _cancel(fact: facts.OrderCancelled) -> Decision:
    effect_id = f"effect-{fact.order_id.removeprefix('A-')}"
    if fact.data.paid_back:
        return Decision(rule="paid_back", recalls=(effect_id,))
    effect = Effect(effect_id=effect_id, kind="mail", request={"text": "off"})
    return Decision(rule="cancel", effects=(effect,))


def _became(effect: EffectDone | EffectFailed | EffectRecalled) -> str:
    match effect:
        case EffectDone():
            return "effect-done"
        case EffectFailed(reason=reason):
            return f"effect-failed:{reason}"
        case EffectRecalled(in_time=in_time):
            return "recalled" if in_time else "recalled-too-late"


def _place(state: ToyState, at: datetime) -> Outcome:
    if state.placed:
        return Refused(slug="placed-already", detail="the order is there")
    return _say("placed", SetTimer(name="nudge", due_at=at + timedelta(hours=1)))


def _pay(state: ToyState) -> Outcome:
    if not state.placed:
        return Refused(slug="not-placed", detail="the order is not there yet", early=True)
    if state.paid:
        return Refused(slug="paid-already", detail="the order is paid")
    return _say("paid", CancelTimer(name="nudge"))


def _say(word: str, *timers: SetTimer | CancelTimer) -> Decision:
    times = 11 if word == "eleven" else 1
    return Decision(rule=f"toy_{word}", events=(ToySaid(word=word),) * times, timers=timers)


def evolve(state: ToyState, event: Event) -> ToyState:
    """Remember the words."""
    match event.data:
        case ToySaid(word=word):
            return state.model_copy(
                update={
                    "placed": state.placed or word == "placed",
                    "paid": state.paid or word == "paid",
                    "words": (*state.words, word),
                }
            )
        case _:
            return state


def project(view: ToyView, event: Event) -> ToyView:
    """Count what was said and heard."""
    match event.data:
        case ToySaid():
            return view.model_copy(update={"said": view.said + 1})
        case ToyPoked():
            return view.model_copy(update={"poked": view.poked + 1})
        case _:
            return view


def toy(rules: Rules, *, watches: bool = False) -> Service:
    """The toy as a service."""
    return Service(
        name="toy",
        decide=rules.decide,
        evolve=evolve,
        react=rules.react,
        project=project,
        initial=ToyState(),
        state=TypeAdapter(ToyState),
        view=TypeAdapter(ToyView),
        indexed=("state.words",),
        initial_view=ToyView(),
        watches=watches,
        effects=("mail",),
        rechecked=("mail",),
    )
