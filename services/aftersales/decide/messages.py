"""What a buyer is told of his case: read off what is said of it, in one place for all rules."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final, get_args

from pydantic import JsonValue

from services.aftersales.decide.terms import (
    NOT_SENT_BACK,
    OFFER_NOT_ANSWERED,
    PAID_BY_ANOTHER_WAY,
    SERVICE,
)
from services.aftersales.state import File, Unknown
from shared.contracts.event import Payload
from shared.contracts.events import aftersales as says
from shared.contracts.events.common import MessageWanted
from shared.contracts.facts import RefundKind
from shared.kernel.calendar import utc_text
from shared.kernel.decision import Decision, task_id
from shared.kernel.money import plain

ASKED_BY_BUYER: Final = frozenset(get_args(RefundKind))
"""Kinds of case that a buyer opens. Nobody is refused what the course of things opened."""
GIVEN_UP: Final = frozenset({NOT_SENT_BACK, OFFER_NOT_ANSWERED})
"""Why a case is closed in which the buyer was to do something, and did not."""


def with_messages(after: File, decision: Decision) -> Decision:
    """Rule `case_messages`: add to a decision the messages that its events call for, each thing told once.

    An approval that pays at once has none of its own: the buyer is told when the money has moved, and his
    day has room for few messages. `after` is the file as the decision leaves it.
    """
    if isinstance(after.order, Unknown):
        return decision
    return decision + Decision(messages=tuple(_wanted(after, after.order.order_id, decision.events)))


def _wanted(file: File, order_id: str, events: Iterable[Payload]) -> Iterator[MessageWanted]:
    for said in events:
        match said:
            case says.CaseApproved(deadline_at=datetime() as until):
                values = {"case_id": said.case_id, "until": _text(until)}
                yield _message(order_id, "case_approved", values, stale_at=until)
            case says.CaseOffered(deadline_at=until):
                yield _message(order_id, "case_offered", _offer(file, said), stale_at=until)
            case says.CaseRefused(kind=kind) if kind in ASKED_BY_BUYER:
                yield _message(order_id, "case_refused", _refusal(said))
            case says.CaseReshipWanted(case_id=case_id):
                yield _message(order_id, "case_reship", {"case_id": case_id})
            case says.CaseRefunded(refund_id=refund_id, amount=amount, currency=currency):
                money = {"refund_id": refund_id, "amount": plain(amount), "currency": currency}
                yield _message(order_id, "case_refunded", {"case_id": said.case_id, **money})
            case says.CaseClosed(reason=reason) if reason == PAID_BY_ANOTHER_WAY:
                yield _message(order_id, "case_refunded", _paid_otherwise(said))
            case says.CaseClosed(case_id=case_id, reason=reason) if reason in GIVEN_UP:
                yield _message(order_id, "case_closed", {"case_id": case_id, "reason": reason})
            case _:
                pass


def _offer(file: File, said: says.CaseOffered) -> dict[str, JsonValue]:
    case = file.case_of(said.case_id)
    return {
        "case_id": said.case_id,
        "offer": said.offer,
        "amount": plain(said.amount),
        "currency": None if case is None else case.about.currency,
        "until": _text(said.deadline_at),
    }


def _refusal(said: says.CaseRefused) -> dict[str, JsonValue]:
    return {"case_id": said.case_id, "reason": said.slug, "until": _text(said.dispute_until)}


def _paid_otherwise(said: says.CaseClosed) -> dict[str, JsonValue]:
    amount = None if said.served_with is None else plain(said.served_with)
    return {"case_id": said.case_id, "amount": amount, "currency": said.currency}


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)


def _message(
    order_id: str, template: str, values: Mapping[str, JsonValue], stale_at: datetime | None = None
) -> MessageWanted:
    """A case may be decided and offered something more than once: what is told makes the message's id."""
    told = (f"{name}={value}" for name, value in sorted(values.items()))
    return MessageWanted(
        message_id=task_id(SERVICE, order_id, template, *told),
        template=template,
        order_id=order_id,
        params=dict(values),
        stale_at=stale_at,
    )
