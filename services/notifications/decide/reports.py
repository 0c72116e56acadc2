"""A shop's day added up: payment reminders and what they brought, and what lies open in the morning.

Orders' files tell parts of the day, and the parts tell the day. A part is of some slots only, so that as
many workers as there are parts write without meeting, and each remembers what it has taken in. A part
tells what it added up some minutes after the day or the sweep, and the day some minutes after that. What
is heard later still counts in the file; what was reported stays as it was reported.
"""

from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from hashlib import sha256
from typing import Final, assert_never

from services.notifications.commands import (
    AddFindings,
    AddReminders,
    NoteFindings,
    NoteReminder,
    OrderPaid,
    ReportCommand,
)
from services.notifications.decide.occasion import Occasion
from services.notifications.state import AnyFile, Blank, OrderFile, ReportDay
from services.notifications.state.messages import REMINDER, OpenMessage, stage_of
from services.notifications.state.notes import AddedUp
from services.notifications.state.reports import About, amount_in, with_amounts
from shared.contracts.events import reports
from shared.contracts.events.reports import (
    Finding,
    FindingKind,
    FindingsOfKind,
    Money,
    PaidWithin,
    ReminderRow,
)
from shared.kernel.calendar import at_local, later, local_date
from shared.kernel.decision import NOTHING, Decision, Outcome, Refused, SetTimer

PARTS: Final = 16
"""Files among which a shop's day is divided while it is added up."""
ADD_UP: Final = "add_up"
"""The timer at which a part of a day, or the day, tells what it has added up."""
GRACE: Final = timedelta(minutes=5)
"""How long a part waits for orders, and the day for its parts."""
ONE_DAY: Final = timedelta(days=1)
TWO_PLACES: Final = Decimal("0.01")
RULES: Final[dict[About, str]] = {"reminders": "reminder_report", "sweep": "daily_sweep_at"}


def report_of(about: About, shop_id: str, day: date, part: int | None = None) -> str:
    """The subject of a shop's day, or of a part of it: a digest, since a shop's id may be long."""
    key = "\x1f".join((about, shop_id, day.isoformat(), "" if part is None else str(part)))
    return f"report~{sha256(key.encode()).hexdigest()[:32]}"


def shifts_of(agent: str) -> str:
    """The file that remembers under which keys somebody began shifts; no order need be on the list."""
    return f"shifts~{sha256(agent.encode()).hexdigest()[:32]}"


def reminded(file: OrderFile, message: OpenMessage, occasion: Occasion, *, messages: int) -> Decision:
    """The shop's day hears that a reminder reached the buyer."""
    if message.template != REMINDER:
        return NOTHING
    row = ReminderRow(stage=stage_of(message) or REMINDER, messages=messages, reminded=1)
    return _noted(file, row, occasion)


def paid(file: OrderFile, paid: OrderPaid, occasion: Occasion) -> Decision:
    """The shop's day hears that an order was paid after a reminder, and how soon."""
    last = file.reminded
    if last is None or last.at > occasion.at:
        return NOTHING
    amounts: tuple[Money, ...] = ()
    if paid.amount is not None and file.knows.currency is not None:
        amounts = (Money(currency=file.knows.currency, amount=paid.amount),)
    within = _within(occasion.at - last.at)
    return _noted(file, ReminderRow(stage=last.stage, paid=1, paid_within=within, amounts=amounts), occasion)


def _within(span: timedelta) -> PaidWithin:
    if span <= timedelta(hours=1):
        return PaidWithin(one_hour=1)
    if span <= timedelta(hours=6):
        return PaidWithin(six_hours=1)
    return PaidWithin(one_day=1) if span <= ONE_DAY else PaidWithin(later=1)


def _noted(file: OrderFile, row: ReminderRow, occasion: Occasion) -> Decision:
    shop_id = file.knows.shop_id
    if shop_id is None or not occasion.profile.reports.reminders:
        return NOTHING
    day, part = local_date(occasion.at, occasion.profile.zone), part_of(file, occasion)
    noted = reports.ReminderNoted(
        report=report_of("reminders", shop_id, day, part), day=day, part=part, row=row
    )
    return Decision(rule=RULES["reminders"], events=(noted,))


def found(file: OrderFile, findings: tuple[Finding, ...], day: date, occasion: Occasion) -> Decision:
    """The shop's morning hears what lies open on an order."""
    shop_id = file.knows.shop_id
    if shop_id is None or not findings:
        return NOTHING
    part = part_of(file, occasion)
    noted = reports.FindingsNoted(
        report=report_of("sweep", shop_id, day, part), day=day, part=part, findings=findings
    )
    return Decision(rule=RULES["sweep"], events=(noted,))


def part_of(file: OrderFile, occasion: Occasion) -> int:
    """The part of its shop's days that an order tells."""
    return occasion.slot_of(file.order_id) % PARTS


def take(command: ReportCommand, state: AnyFile, occasion: Occasion) -> Outcome:
    """A part hears an order, or the day hears a part."""
    if not isinstance(state, Blank | ReportDay):
        return Refused(slug="not-a-report", detail="This file is no report of a shop's day.")
    match command:
        case NoteReminder(shop_id=shop_id, day=day, part=part, row=row):
            return _add("reminders", shop_id, day, part, state, occasion, rows=(row,))
        case AddReminders(shop_id=shop_id, day=day, rows=rows):
            return _add("reminders", shop_id, day, None, state, occasion, rows=rows)
        case NoteFindings(shop_id=shop_id, day=day, part=part):
            kinds = _by_kind(command.order_id, command.findings)
            return _add("sweep", shop_id, day, part, state, occasion, found=kinds)
        case AddFindings(shop_id=shop_id, day=day, found=kinds):
            return _add("sweep", shop_id, day, None, state, occasion, found=kinds)
        case _:
            assert_never(command)


def _by_kind(order_id: str, findings: tuple[Finding, ...]) -> tuple[FindingsOfKind, ...]:
    kinds: dict[FindingKind, int] = {}
    for finding in findings:
        kinds[finding.kind] = kinds.get(finding.kind, 0) + finding.new_task
    return tuple(
        FindingsOfKind(kind=kind, count=1, new_tasks=new_tasks, orders=(order_id,))
        for kind, new_tasks in kinds.items()
    )


def _add(
    about: About,
    shop_id: str,
    day: date,
    part: int | None,
    state: Blank | ReportDay,
    occasion: Occasion,
    rows: tuple[ReminderRow, ...] = (),
    found: tuple[FindingsOfKind, ...] = (),
) -> Decision:
    closes_at = state.closes_at if isinstance(state, ReportDay) else None
    is_reported = isinstance(state, ReportDay) and state.reported_at is not None
    timers: tuple[SetTimer, ...] = ()
    if closes_at is None and not is_reported:
        ends_at = _ends_at(about, day, occasion)
        # What comes late, after an outage, waits for the others that come late.
        closes_at = max(later(ends_at, GRACE if part is not None else 2 * GRACE), later(occasion.now, GRACE))
        timers = (SetTimer(name=ADD_UP, due_at=closes_at),)
    added = AddedUp(
        about=about, shop_id=shop_id, day=day, part=part, rows=rows, found=found, closes_at=closes_at
    )
    return Decision(rule=RULES[about], notes=(added,), timers=timers)


def _ends_at(about: About, day: date, occasion: Occasion) -> datetime:
    zone = occasion.profile.zone
    if about == "reminders":
        return at_local(day + ONE_DAY, time(0), zone) if day < date.max else occasion.now
    return at_local(day, occasion.values.daily_sweep_at, zone)


def tell(state: ReportDay, occasion: Occasion) -> Decision:
    """A part tells the day; the day tells everybody, once."""
    if state.closes_at is None:
        return NOTHING
    rule = RULES[state.about]
    whole = report_of(state.about, state.shop_id, state.day)
    match state.about:
        case "reminders" if state.part is not None:
            return Decision(
                rule=rule, events=(reports.RemindersAddedUp(report=whole, day=state.day, rows=state.rows),)
            )
        case "reminders":
            return Decision(rule=rule, events=(reminders_reported(state, occasion),))
        case "sweep" if state.part is not None:
            return Decision(
                rule=rule, events=(reports.FindingsAddedUp(report=whole, day=state.day, found=state.found),)
            )
        case "sweep":
            return Decision(rule=rule, events=(day_swept(state),))
        case _:
            assert_never(state.about)


def reminders_reported(state: ReportDay, occasion: Occasion) -> reports.RemindersReported:
    """The reminders of a shop's day, their cost, and what was paid for each unit of it.

    Source of the measure: CCMS trade centre of 2013, amount over messages times the price of one.
    """
    prices = occasion.profile.reports
    messages = sum(row.messages for row in state.rows)
    amounts: tuple[Money, ...] = ()
    for row in state.rows:
        amounts = with_amounts(amounts, row.amounts)
    cost = messages * prices.message_price
    roi = None
    if cost and prices.message_currency is not None:
        earned = amount_in(amounts, prices.message_currency)
        roi = (earned / cost).quantize(TWO_PLACES, ROUND_HALF_EVEN)
    return reports.RemindersReported(
        day=state.day,
        rows=state.rows,
        messages=messages,
        reminded=sum(row.reminded for row in state.rows),
        paid=sum(row.paid for row in state.rows),
        amounts=amounts,
        cost=cost,
        cost_currency=prices.message_currency,
        message_price=prices.message_price,
        roi=roi,
    )


def day_swept(state: ReportDay) -> reports.DaySwept:
    """What lies open in a shop in a morning."""
    return reports.DaySwept(
        day=state.day, found=state.found, new_tasks=sum(kind.new_tasks for kind in state.found)
    )
