"""The rules of notifications: messages, the conversation, tasks, a buyer's day, a shop's day. Pure."""

from collections.abc import Callable
from datetime import datetime
from typing import assert_never

from services.notifications.commands import (
    AnyCommand,
    BeginShift,
    ClaimTask,
    CompleteTask,
    ForgetBuyer,
    Heartbeat,
    Learn,
    OrderCommand,
    RaiseTask,
    ReplyToBuyer,
    ReportCommand,
    ReserveMessage,
    ReturnTask,
    ScanOrder,
    TakeDaysNo,
    TakeDaysYes,
    TakeMerged,
    WantMessage,
    WantTask,
    WithdrawMessage,
    WithdrawTask,
)
from services.notifications.decide import (
    agents,
    conversation,
    days,
    erasing,
    knowledge,
    messages,
    reports,
    sweeping,
    tasks,
)
from services.notifications.decide.occasion import Occasion
from services.notifications.state import AnyFile, BuyerDay, OrderFile, ReportDay, opened
from services.notifications.templates import Templates
from shared.contracts.facts import BuyerMessage
from shared.kernel.decision import NOTHING, EffectDone, EffectDue, EffectFailed, Outcome, Refused, TimerDue
from shared.kernel.profiles import Profile


def decide(
    command: AnyCommand,
    state: AnyFile,
    now: datetime,
    profile: Profile,
    templates: Templates,
    slot_of: Callable[[str], int],
) -> Outcome:
    """What follows from a command, in this file, at this moment."""
    occasion = Occasion(at=command.at, now=now, profile=profile, templates=templates, slot_of=slot_of)
    if isinstance(command, ReserveMessage):
        return days.reserve(command, state, occasion)
    if isinstance(command, WithdrawMessage):
        return days.withdrawn(command, state)
    if isinstance(command, ReportCommand):
        return reports.take(command, state, occasion)
    if isinstance(command, BeginShift):
        return NOTHING
    if isinstance(state, BuyerDay | ReportDay):
        return _of_day(command, state, occasion)
    file = _file(command, state)
    return _about_nothing(command) if file is None else _of_order(command, file, occasion)


def _of_day(command: OrderCommand, state: BuyerDay | ReportDay, occasion: Occasion) -> Outcome:
    """What a buyer's day or a shop's day does when its timer comes; it is asked nothing else here."""
    match command, state:
        case TimerDue(name=days.GATHER), BuyerDay():
            return days.let_go(state, occasion)
        case TimerDue(name=reports.ADD_UP), ReportDay():
            return reports.tell(state, occasion)
        case _:
            return Refused(slug="not-an-order", detail="This file is of a day, not of an order.")


def _file(command: OrderCommand, state: AnyFile) -> OrderFile | None:
    """The order's file; a blank one is opened by a command that names its order."""
    if isinstance(state, OrderFile):
        return state
    order_id = getattr(command, "order_id", None)
    file = opened(state, order_id) if isinstance(order_id, str) else None
    return file if isinstance(file, OrderFile) else None


def _about_nothing(command: OrderCommand) -> Outcome:
    """A command to a file of which nothing is known yet."""
    if isinstance(command, ClaimTask | Heartbeat | ReturnTask | CompleteTask):
        return agents.unknown_task(command.task_id)
    return NOTHING


def _of_order(command: OrderCommand, file: OrderFile, occasion: Occasion) -> Outcome:
    match command:
        case BuyerMessage():
            return conversation.received(command, file, occasion)
        case ReplyToBuyer():
            return conversation.reply(command, file, occasion)
        case Learn() | ForgetBuyer():
            return _heard(command, file, occasion)
        case WantMessage():
            return messages.want(command, file, occasion)
        case TakeDaysYes():
            return messages.days_yes(command, file, occasion)
        case TakeDaysNo():
            return messages.days_no(command, file, occasion)
        case TakeMerged():
            return messages.told_by_another(command, file, occasion)
        case ScanOrder():
            return sweeping.scan(file, occasion)
        case WantTask() | RaiseTask() | WithdrawTask():
            return tasks.told(command, file) + sweeping.taken_over(command, file)
        case ClaimTask() | Heartbeat() | ReturnTask() | CompleteTask():
            return agents.act(command, file, occasion)
        case TimerDue():
            return _timer(command, file, occasion)
        case EffectDue() | EffectDone() | EffectFailed():
            return _of_channel(command, file, occasion)
        case _:
            assert_never(command)


def _of_channel(
    command: EffectDue | EffectDone | EffectFailed, file: OrderFile, occasion: Occasion
) -> Outcome:
    match command:
        case EffectDue():
            return messages.about_to_go(command, file, occasion)
        case EffectDone():
            return messages.channel_took(command, file, occasion)
        case EffectFailed():
            return messages.channel_refused(command, file, occasion)


def _heard(command: Learn | ForgetBuyer, file: OrderFile, occasion: Occasion) -> Outcome:
    match command:
        case Learn():
            return knowledge.learn(command, file, occasion)
        case ForgetBuyer():
            return erasing.erased(file)
        case _:
            assert_never(command)


def _timer(command: TimerDue, file: OrderFile, occasion: Occasion) -> Outcome:
    match command.name:
        case messages.SEND:
            return messages.look_again(command, file, occasion)
        case conversation.FIRST_RESPONSE:
            return conversation.nobody_answered(command, file) + sweeping.moved(file, occasion)
        case tasks.DUE:
            return tasks.overdue(command, file)
        case tasks.LEASE:
            return tasks.lease_ran_out(command, file)
        case sweeping.SWEEP:
            return sweeping.sweep(command, file, occasion)
        case knowledge.REVIEW_INVITATION:
            return knowledge.invite(file)
        case _:
            return NOTHING
