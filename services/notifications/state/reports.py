"""A shop's day as it is added up: in parts, each of some of its orders, and in one file for the whole."""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import Final, Literal, TypeVar

from shared.contracts.base import Frozen, Id, Utc
from shared.contracts.events.reports import FindingsOfKind, Money, PaidWithin, ReminderRow

About = Literal["reminders", "sweep"]
ORDERS_NAMED_MAX: Final = 50
"""How many orders a report names for each kind of finding; lists have the rest."""
STAGES_MAX: Final = 50
"""Stages that a day tells apart; profiles have at most ten."""

Item = TypeVar("Item")


class ReportDay(Frozen):
    """One shop on one local day, or the part of it that some of the shop's orders tell."""

    stage: Literal["report"] = "report"
    about: About
    shop_id: Id
    day: date
    part: int | None = None
    """Which part; None for the whole day."""
    rows: tuple[ReminderRow, ...] = ()
    found: tuple[FindingsOfKind, ...] = ()
    closes_at: Utc | None = None
    """When it tells what it has added up."""
    reported_at: Utc | None = None
    """When the whole day was told. What comes later is in the file and in no event."""


def with_rows(rows: Iterable[ReminderRow], more: Iterable[ReminderRow]) -> tuple[ReminderRow, ...]:
    """Both, stage by stage."""
    return _added(rows, more, lambda row: row.stage, _row)[:STAGES_MAX]


def with_found(found: Iterable[FindingsOfKind], more: Iterable[FindingsOfKind]) -> tuple[FindingsOfKind, ...]:
    """Both, kind by kind."""
    return _added(found, more, lambda one: one.kind, _kind)


def with_amounts(amounts: Iterable[Money], more: Iterable[Money]) -> tuple[Money, ...]:
    """Both, currency by currency."""
    return _added(amounts, more, lambda one: one.currency, _money)


def amount_in(amounts: Iterable[Money], currency: str | None) -> Decimal:
    """What of them is in a currency."""
    return sum((one.amount for one in amounts if one.currency == currency), Decimal(0))


def _added(
    items: Iterable[Item],
    more: Iterable[Item],
    name: Callable[[Item], str],
    both: Callable[[Item, Item], Item],
) -> tuple[Item, ...]:
    by_name: dict[str, Item] = {}
    for item in (*items, *more):
        known = by_name.get(name(item))
        by_name[name(item)] = item if known is None else both(known, item)
    return tuple(by_name[key] for key in sorted(by_name))


def _row(one: ReminderRow, other: ReminderRow) -> ReminderRow:
    return ReminderRow(
        stage=one.stage,
        messages=one.messages + other.messages,
        reminded=one.reminded + other.reminded,
        paid=one.paid + other.paid,
        paid_within=PaidWithin(
            one_hour=one.paid_within.one_hour + other.paid_within.one_hour,
            six_hours=one.paid_within.six_hours + other.paid_within.six_hours,
            one_day=one.paid_within.one_day + other.paid_within.one_day,
            later=one.paid_within.later + other.paid_within.later,
        ),
        amounts=with_amounts(one.amounts, other.amounts),
    )


def _kind(one: FindingsOfKind, other: FindingsOfKind) -> FindingsOfKind:
    return FindingsOfKind(
        kind=one.kind,
        count=one.count + other.count,
        new_tasks=one.new_tasks + other.new_tasks,
        orders=tuple(dict.fromkeys((*one.orders, *other.orders)))[:ORDERS_NAMED_MAX],
    )


def _money(one: Money, other: Money) -> Money:
    return Money(currency=one.currency, amount=one.amount + other.amount)
