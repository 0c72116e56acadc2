"""The texts of messages, as data: one YAML file a template, beside this module.

What a template is, and how it is filled in. Pure: `templates/reading.py` reads the files. Filling in
never fails: a value that is missing is replaced by what the template says instead.
"""

from collections.abc import Mapping
from datetime import datetime
from string import Template as Placeholders
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field, JsonValue, model_validator

from shared.contracts.base import Frozen, Id, Strict

While = Literal[
    "always",
    "unpaid",
    "not_dispatched",
    "not_ended",
    "on_its_way",
    "under_way",
    "out_for_delivery",
    "stalled",
    "case_open",
    "nothing_open",
]
"""When a message is still true; `decide/conditions.py` says what each means."""

ALWAYS_THERE: Final = ("name", "order_id", "shop_name")
"""Values that every text may use beside its own."""


class Value(Strict):
    """One value that a text needs."""

    otherwise: str
    """What stands there when it is missing."""
    form: Literal["plain", "moment", "lines"] = "plain"
    """A moment is shown in the shop's local time; of several lines each begins a new one."""


class Letter(Strict):
    """A subject and a text, with `${placeholders}`."""

    subject: Annotated[str, Field(min_length=1, max_length=200)]
    text: Annotated[str, Field(min_length=1, max_length=8000)]


class Template(Strict):
    """What a message says, what it needs for that, and when it is still true."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    id: Id
    holds_while: While = Field(alias="while")
    answers_buyer: bool = False
    """Whether it answers the buyer's own message: sent at once and not counted."""
    reminds: bool = False
    """Whether it reminds of a payment: what a profile says of reminders holds for it."""
    values: dict[str, Value] = Field(default_factory=dict)
    choose_by: str | None = None
    """The value that chooses among the texts; the first one serves where none fits."""
    texts: Annotated[dict[str, Letter], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        allowed = {*self.values, *ALWAYS_THERE}
        if self.choose_by is not None and self.choose_by not in self.values:
            raise ValueError(f"{self.id}: choose_by names {self.choose_by!r}, which is not among its values")
        for which, letter in self.texts.items():
            for text in (letter.subject, letter.text):
                if not Placeholders(text).is_valid():
                    raise ValueError(f"{self.id}, {which}: a placeholder is written wrongly; use ${{name}}")
                unknown = set(Placeholders(text).get_identifiers()) - allowed
                if unknown:
                    raise ValueError(f"{self.id}, {which}: unknown values {sorted(unknown)}")
        if any("name" in Placeholders(letter.subject).get_identifiers() for letter in self.texts.values()):
            raise ValueError(f"{self.id}: a subject names nobody; it is seen on locked screens")
        return self


class Written(Frozen):
    """A letter as the buyer reads it."""

    subject: str
    text: str


Templates = Mapping[str, Template]
"""All templates by their ids."""


def write(
    template: Template, params: Mapping[str, JsonValue], always: Mapping[str, str], zone: str
) -> Written:
    """The letter with its values filled in. Pure, and total: no value can make it fail."""
    shown = {name: _shown(value, params.get(name), zone) for name, value in template.values.items()}
    filled = {**shown, **always}
    chosen = str(params.get(template.choose_by)) if template.choose_by is not None else ""
    letter = template.texts.get(chosen) or next(iter(template.texts.values()))
    subject = Placeholders(letter.subject).safe_substitute(filled)
    text = Placeholders(letter.text).safe_substitute(filled)
    return Written(subject=" ".join(subject.split()), text=text)


def _shown(value: Value, given: JsonValue, zone: str) -> str:
    if given is None or given == "" or isinstance(given, (dict, bool)):
        return value.otherwise
    if isinstance(given, list):
        between = "\n" if value.form == "lines" else ", "
        return between.join(str(each) for each in given) or value.otherwise
    if value.form == "moment":
        return local_text(str(given), zone) or value.otherwise
    return str(given)


def local_text(text: str, zone: str) -> str | None:
    """A moment as a buyer reads it, in the shop's local time; None for what is no moment."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            return None
        local = moment.astimezone(ZoneInfo(zone))
    except (ValueError, OverflowError):
        return None
    return f"{local:%Y-%m-%d} at {local:%H:%M}"
