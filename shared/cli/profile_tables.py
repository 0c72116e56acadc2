"""Profiles laid side by side: what differs, what contradicts itself, and the tables of docs/profiles.md."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from pydantic import JsonValue

from shared.adapters.profile_files import Written
from shared.adapters.profiles import DEFAULT
from shared.cli.settings import meanings
from shared.kernel.platforms import Confidence, Facts
from shared.kernel.profiles import Profile, Values

NOTHING_SAID: Final = "–"
BEGIN: Final = "<!-- made by `orderlink profiles document`: from here -->\n"
END: Final = "<!-- made by `orderlink profiles document`: to here -->\n"


class Change(NamedTuple):
    """One value of a profile beside what another one has."""

    name: str
    was: str
    now: str
    source: str
    confidence: str


def contents(profile: Profile) -> dict[str, str]:
    """Everything that a profile says, by name: values, `facts.<name>` and `may.<name>`."""
    said = {name: plain(value) for name, value in profile.values.model_dump(mode="json").items()}
    facts = profile.facts.model_dump(mode="json", exclude_none=True)
    may = profile.may.model_dump(mode="json")
    return {
        **said,
        **{f"facts.{name}": plain(value) for name, value in facts.items()},
        **{f"may.{name}": plain(value) for name, value in may.items()},
    }


def differences(before: Profile, after: Profile) -> list[Change]:
    """What the one has otherwise than the other, with the source of what it is now."""
    was, now = contents(before), contents(after)
    return [
        Change(
            name, was.get(name, NOTHING_SAID), now.get(name, NOTHING_SAID), *founded(after, name, name in now)
        )
        for name in dict.fromkeys((*now, *was))
        if was.get(name) != now.get(name)
    ]


def founded(profile: Profile, name: str, given: bool = True) -> tuple[str, str]:
    """Where a value was found, and how well it is founded."""
    found = profile.sources.get(name)
    if found is None:
        return ("no source given", words("unverified")) if given else ("", "")
    return found.source, words(found.confidence)


def words(confidence: Confidence) -> str:
    """A confidence as people read it."""
    return confidence.replace("_", " ")


def hints(profile: Profile) -> Iterator[str]:
    """What is allowed and probably not meant."""
    values = profile.values
    yield from _reminder_hints(values)
    for name, clocks in (
        ("", values),
        *(
            (f"thresholds.{number}: ", values.model_copy(update=threshold.changes))
            for number, threshold in enumerate(values.thresholds)
        ),
    ):
        first, second = clocks.stall_levels
        if first >= second:
            yield f"{name}stall_levels: the first is not below the second, which alone is told"
        if clocks.lost_suspected_after <= second:
            yield f"{name}lost_suspected_after: not after the second stall level, which is then not told"
    valid = profile.facts.payment_valid_for
    if valid is not None and valid < values.close_unpaid_after:
        yield f"close_unpaid_after: later than the platform's payment is valid ({plain_span(profile)})"


def _reminder_hints(values: Values) -> Iterator[str]:
    """Reminders that no order reaches between its placing and its close."""
    if not values.payment_reminder_stages:
        if values.payment_reminder_after >= values.close_unpaid_after:
            yield "payment_reminder_after: not before close_unpaid_after, so there is no first reminder"
        if values.payment_last_call_before_close >= values.close_unpaid_after:
            yield "payment_last_call_before_close: not after the placing, so there is no last call"
    for stage in values.payment_reminder_stages:
        span = stage.after if stage.before_close is None else stage.before_close
        if span is not None and span >= values.close_unpaid_after:
            yield f"payment_reminder_stages: {stage.name} is not between the placing and close_unpaid_after"


def plain_span(profile: Profile) -> str:
    """How long the platform's payment is valid, as the file writes it."""
    return contents(profile)["facts.payment_valid_for"]


def plain(value: JsonValue) -> str:
    """A value in a table."""
    match value:
        case dict():
            return ", ".join(f"{key} {plain(each)}" for key, each in value.items() if each is not None)
        case list() if any(isinstance(each, dict) for each in value):
            return "; ".join(plain(each) for each in value)
        case list():
            return ", ".join(plain(each) for each in value) or "none"
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def pages(written: Mapping[str, Written]) -> str:
    """The tables of docs/profiles.md, made from the profiles."""
    newest = _newest(written)
    parts = [_overview(newest), _facts_meant()]
    for each in newest:
        parts.append(_section(each))
        older = [one for one in written.values() if one.profile.id == each.profile.id and one is not each]
        parts.extend(_older(one, each) for one in sorted(older, key=lambda one: -one.profile.version))
    return "\n".join(parts)


def _newest(written: Mapping[str, Written]) -> list[Written]:
    """The newest version of every profile, the default first."""
    newest: dict[str, Written] = {}
    for each in sorted(written.values(), key=lambda one: one.profile.version):
        newest[each.profile.id] = each
    return sorted(newest.values(), key=lambda one: (one.profile.id != DEFAULT, one.profile.id))


def _overview(newest: Sequence[Written]) -> str:
    refs = [each.profile.ref for each in newest]
    said = [(contents(each.profile), each) for each in newest]
    names = dict.fromkeys(name for content, _ in said for name in content)
    rows = [
        (
            f"`{name}`",
            *(
                content.get(name, "") if name in one.given or one is newest[0] else ""
                for content, one in said
            ),
        )
        for name in names
    ]
    return "### All profiles\n\nWhat is empty is the default's.\n\n" + _table(("", *refs), rows)


def _facts_meant() -> str:
    told = meanings(Facts)
    rows = [(f"`facts.{name}`", told[name]) for name in Facts.model_fields]
    return "### What facts are for\n\n" + _table(("fact", "means"), rows)


def _section(each: Written) -> str:
    profile = each.profile
    said = contents(profile)
    rows = [
        (f"`{name}`", said[name], *reversed(founded(profile, name))) for name in said if name in each.given
    ]
    since = "" if profile.effective is None else f" In force from {profile.effective}."
    table = _table(("value", "is", "confidence", "source"), rows)
    return f"### `{profile.ref}`\n\n{profile.about}{since}\n\n{table}"


def _older(each: Written, newer: Written) -> str:
    rows = [
        (f"`{change.name}`", change.now, change.confidence, change.source)
        for change in differences(newer.profile, each.profile)
    ]
    table = _table(("value", "was", "confidence", "source"), rows)
    return f"#### `{each.profile.ref}`, before\n\nWhere it differs from `{newer.profile.ref}`:\n\n{table}"


def _table(head: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    titles = list(head)
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)
