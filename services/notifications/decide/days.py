"""The buyer's day: one file for each buyer of a shop and local date. It counts his messages.

Where the profile says so it also gathers his reminders: the first one waits for others, then one message
goes and takes them along. Which order's message carries the others is settled by its own file, which
looks whether everything still holds. One that can't go says so (`message.withdrawn`), and the next takes
its place; so a reminder is sent, told by another's message, or dropped with its reason, and never lost.
"""

from datetime import date
from hashlib import sha256
from typing import Final

from services.notifications.commands import ReserveMessage, WithdrawMessage
from services.notifications.decide.occasion import Occasion
from services.notifications.state import AnyFile, Blank, BuyerDay
from services.notifications.state.files import Gathered, Reserved
from services.notifications.state.notes import ReminderGathered, ReminderLeft
from shared.contracts.events.notifications import MergedReminder, MessageAllowed, MessageCapped, ReminderAsked
from shared.kernel.calendar import later
from shared.kernel.decision import NOTHING, CancelTimer, Decision, Outcome, Refused, SetTimer

GATHER: Final = "gather"
"""The timer at which a day lets the reminders go that it has gathered."""
MERGED_MAX: Final = 50
"""Reminders that one message takes along. So many don't wait for more: it goes at once."""
CAP: Final = "buyer_daily_cap"
MERGE: Final = "payment_reminder_merge_within"
NOT_A_DAY: Final = Refused(slug="not-a-day", detail="This file is no buyer's day.")


def buyer_day(shop_id: str | None, buyer_id: str, day: date) -> str:
    """The subject of a buyer's day. A digest, so that it names nobody."""
    about = "\x1f".join((shop_id or "", buyer_id, day.isoformat()))
    return f"day~{sha256(about.encode()).hexdigest()[:32]}"


def reserve(command: ReserveMessage, state: AnyFile, occasion: Occasion) -> Outcome:
    """Rule `buyer_daily_cap`: room for one message more, or none. Asking twice reserves once."""
    if not isinstance(state, Blank | BuyerDay):
        return NOT_A_DAY
    day = state if isinstance(state, BuyerDay) else BuyerDay()
    reserved = Reserved(order_id=command.order_id, message_id=command.message_id)
    if command.reminder is not None and reserved not in day.allowed:
        return _gather(command, command.reminder, day, occasion)
    fits = reserved in day.allowed or _has_room(day, occasion)
    answer = MessageAllowed if fits else MessageCapped
    return Decision(
        rule=CAP,
        events=(answer(message_id=command.message_id, template=command.template, order_id=command.order_id),),
    )


def _has_room(day: BuyerDay, occasion: Occasion) -> bool:
    return len(day.allowed) < occasion.values.buyer_daily_cap


def _gather(command: ReserveMessage, asked: ReminderAsked, day: BuyerDay, occasion: Occasion) -> Decision:
    """Rule `payment_reminder_merge_within`: the first one waits so long, those that come join it."""
    if any(each.reminder.message_id == command.message_id for each in day.gathering):
        return NOTHING
    reminder = MergedReminder(**asked.model_dump(), order_id=command.order_id, message_id=command.message_id)
    noted = Decision(rule=MERGE, notes=(ReminderGathered(reminder=reminder, template=command.template),))
    together = (*day.gathering, Gathered(reminder=reminder, template=command.template))
    if len(together) >= MERGED_MAX:
        return noted + _gone(together, day, occasion) + Decision(timers=(CancelTimer(name=GATHER),))
    if day.gathering:
        return noted
    until = later(command.at, occasion.values.payment_reminder_merge_within)
    return noted + Decision(timers=(SetTimer(name=GATHER, due_at=until),))


def let_go(day: BuyerDay, occasion: Occasion) -> Decision:
    """Rule `payment_reminder_merge_within`: they have waited long enough."""
    return _gone(day.gathering, day, occasion) if day.gathering else NOTHING


def _gone(together: tuple[Gathered, ...], day: BuyerDay, occasion: Occasion) -> Decision:
    """One message for all that were gathered, if the day has room."""
    if _has_room(day, occasion):
        return Decision(rule=MERGE, events=(_carried(together),))
    capped = tuple(
        MessageCapped(
            message_id=each.reminder.message_id, template=each.template, order_id=each.reminder.order_id
        )
        for each in together
    )
    return Decision(rule=CAP, events=capped)


def _carried(together: tuple[Gathered, ...]) -> MessageAllowed:
    """The first of them goes and takes the others along."""
    first, *others = together
    return MessageAllowed(
        message_id=first.reminder.message_id,
        template=first.template,
        order_id=first.reminder.order_id,
        merged=tuple(each.reminder for each in others),
    )


def withdrawn(command: WithdrawMessage, state: AnyFile) -> Outcome:
    """A reminder won't go out now: it is not waited for, and what it was to carry goes with the next."""
    if not isinstance(state, BuyerDay):
        return NOT_A_DAY
    left = Decision(rule=MERGE, notes=(ReminderLeft(message_id=command.message_id),))
    carrier = state.carrier(command.message_id)
    if carrier is not None and carrier.others:
        return left + Decision(events=(_carried(carrier.others),))
    stays = any(each.reminder.message_id != command.message_id for each in state.gathering)
    return left if stays else left + Decision(timers=(CancelTimer(name=GATHER),))
