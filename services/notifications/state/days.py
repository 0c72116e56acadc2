"""How a buyer's day and a shop's day move on."""

from typing import assert_never

from services.notifications.state.files import (
    CARRIERS_KEPT,
    AnyFile,
    Blank,
    BuyerDay,
    Carrier,
    Gathered,
    Reserved,
)
from services.notifications.state.notes import AddedUp, DayNote, ReminderGathered, ReminderLeft
from services.notifications.state.reports import ReportDay, with_found, with_rows
from shared.contracts.event import Event
from shared.contracts.events import notifications as said
from shared.contracts.events import reports


def answered(state: AnyFile, answer: said.MessageAllowed | said.MessageCapped) -> AnyFile:
    """A buyer's day after it let a message go, or refused one."""
    day = BuyerDay() if isinstance(state, Blank) else state
    if not isinstance(day, BuyerDay):
        return day
    match answer:
        case said.MessageCapped(message_id=message_id):
            return _without(day, {message_id})
        case said.MessageAllowed(order_id=order_id, message_id=message_id, merged=merged):
            reserved = Reserved(order_id=order_id, message_id=message_id)
            allowed = day.allowed if reserved in day.allowed else (*day.allowed, reserved)
            others = tuple(Gathered(reminder=each, template=answer.template) for each in merged)
            carriers = day.carriers
            if others:
                carriers = (*carriers, Carrier(message_id=message_id, others=others))[-CARRIERS_KEPT:]
            day = _without(day, {message_id, *(each.message_id for each in merged)})
            return day.model_copy(update={"allowed": allowed, "carriers": carriers})
        case _:
            assert_never(answer)


def learned(state: AnyFile, note: DayNote) -> AnyFile:
    """A buyer's day after it learned of a reminder."""
    day = BuyerDay() if isinstance(state, Blank) else state
    if not isinstance(day, BuyerDay):
        return day
    match note:
        case ReminderGathered(reminder=reminder, template=template):
            gathered = Gathered(reminder=reminder, template=template)
            return day.model_copy(update={"gathering": (*day.gathering, gathered)})
        case ReminderLeft(message_id=message_id):
            left = _without(day, {message_id})
            carriers = tuple(
                each.model_copy(update={"others": _others(each.others, {message_id})})
                for each in day.carriers
                if each.message_id != message_id
            )
            allowed = tuple(each for each in day.allowed if each.message_id != message_id)
            return left.model_copy(update={"allowed": allowed, "carriers": carriers})
        case _:
            assert_never(note)


def _without(day: BuyerDay, message_ids: set[str]) -> BuyerDay:
    """The day with these reminders gathered no longer."""
    return day.model_copy(update={"gathering": _others(day.gathering, message_ids)})


def _others(gathered: tuple[Gathered, ...], message_ids: set[str]) -> tuple[Gathered, ...]:
    return tuple(each for each in gathered if each.reminder.message_id not in message_ids)


def added_up(state: AnyFile, note: AddedUp) -> AnyFile:
    """A shop's day with what it was told."""
    if isinstance(state, Blank):
        state = ReportDay(about=note.about, shop_id=note.shop_id, day=note.day, part=note.part)
    if not isinstance(state, ReportDay):
        return state
    return state.model_copy(
        update={
            "rows": with_rows(state.rows, note.rows),
            "found": with_found(state.found, note.found),
            "closes_at": note.closes_at,
        }
    )


def told(state: AnyFile, event: Event) -> AnyFile:
    """A shop's day after it told what it has added up. A part begins anew, the whole keeps it."""
    if not isinstance(state, ReportDay):
        return state
    match event.data:
        case reports.RemindersReported() | reports.DaySwept():
            return state.model_copy(update={"closes_at": None, "reported_at": event.time})
        case _:
            return state.model_copy(update={"closes_at": None, "rows": (), "found": ()})
