"""Local days and quiet hours. Pure: the zone and the moment come in as arguments."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from shared.contracts.base import Frozen

FIRST_MOMENT: Final = datetime.min.replace(tzinfo=UTC)
LAST_MOMENT: Final = datetime.max.replace(tzinfo=UTC)


class QuietHours(Frozen):
    """A daily span of local time in which buyers are left in peace; it may cross midnight."""

    start: time
    end: time


def later(moment: datetime, span: timedelta) -> datetime:
    """The moment that lies `span` after another (before it, when negative), kept within the calendar."""
    try:
        return moment + span
    except OverflowError:
        return LAST_MOMENT if span > timedelta(0) else FIRST_MOMENT


def utc_text(moment: datetime) -> str:
    """A moment as tasks, messages and answers write it: ISO 8601 in UTC, with a Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def local_date(moment: datetime, zone: str) -> date:
    """The calendar day on which `moment` falls in `zone`."""
    return moment.astimezone(ZoneInfo(zone)).date()


def local_days_after(first: datetime, later: datetime, zone: str) -> int:
    """How many local midnights lie between two moments: 0 on the same day, 1 on the next."""
    return (local_date(later, zone) - local_date(first, zone)).days


def at_local(day: date, wall: time, zone: str) -> datetime:
    """The moment at which the clock on the wall shows `wall` on `day`.

    A wall time that is skipped in spring becomes the same moment an hour later on the wall; one
    that comes twice in autumn is the first of the two.
    """
    return datetime.combine(day, wall, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def quiet_until(moment: datetime, quiet: QuietHours, zone: str) -> datetime | None:
    """The end of the quiet hours that `moment` is in, or None outside them.

    The span includes its start and excludes its end: at 09:00 exactly a message may go.
    """
    local = moment.astimezone(ZoneInfo(zone))
    wall, day = local.time(), local.date()
    crosses_midnight = quiet.start > quiet.end
    if crosses_midnight and wall >= quiet.start:
        day += timedelta(days=1)
    elif not (wall < quiet.end and (crosses_midnight or quiet.start <= wall)):
        return None
    end = at_local(day, quiet.end, zone)
    # Where the end's hour comes twice, they end with the first; in the second it is over.
    return end if end > moment else None
