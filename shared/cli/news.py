"""What of an event is worth a line for somebody who watches, in plain words."""

from shared.contracts.event import Event
from shared.contracts.events import aftersales, incidents, logistics, notifications, orders


def news_of(event: Event) -> str | None:
    """A few words, without the order that it is about; None for what nobody waits for."""
    return (
        _of_orders(event) or _of_parcels(event) or _of_carriers(event) or _of_cases(event) or _of_work(event)
    )


def _of_orders(event: Event) -> str | None:
    match event.data:
        case orders.PaymentReminderDue(stage="first"):
            return "still unpaid: first reminder"
        case orders.PaymentReminderDue():
            return "still unpaid: last call"
        case orders.OrderClosed(reason=reason):
            return f"closed, {_words(reason)}"
        case orders.OrderReopened():
            return "reopened by an agent"
        case orders.ShipOverdue():
            return "not shipped as promised: the shop is urged"
        case _:
            return None


def _of_parcels(event: Event) -> str | None:
    match event.data:
        case logistics.ParcelPickupOverdue(carrier=carrier):
            return f"{carrier} has not picked its parcel up"
        case logistics.ParcelStalled(level=level):
            return f"its parcel stands still (level {level})"
        case logistics.ParcelMovingAgain():
            return "its parcel moves again"
        case logistics.ParcelException(fault=fault):
            return f"trouble on the way, fault: {fault}"
        case logistics.ParcelLost():
            return "its parcel is lost; the buyer chooses a new one or the money"
        case logistics.ParcelResurfaced():
            return "its lost parcel was scanned after all"
        case _:
            return None


def _of_carriers(event: Event) -> str | None:
    match event.data:
        case incidents.IncidentOpened(carrier=carrier, region=region, standing=standing):
            return f"an incident: {standing} parcels with {carrier} stand in {region}"
        case incidents.IncidentClosed(carrier=carrier, region=region):
            return f"the incident of {carrier} in {region} is over"
        case logistics.CarrierClaimOpened(carrier=carrier):
            return f"{carrier} is asked to pay for the loss"
        case logistics.CarrierClaimRefused(carrier=carrier):
            return f"{carrier} won't pay for the loss"
        case logistics.CarrierClaimReconciled(carrier=carrier, paid_by_carrier=paid, shortfall=shortfall):
            return f"{carrier} paid {paid} for the loss; the shop bears {shortfall}"
        case _:
            return None


def _of_cases(event: Event) -> str | None:
    match event.data:
        case aftersales.CaseApproved(decided_by=decider, kind=kind):
            return f"{_words(kind)}: approved ({decider})"
        case aftersales.CaseRefused(slug=slug, kind=kind):
            return f"{_words(kind)}: refused, {slug}"
        case aftersales.CaseRefunded(amount=amount, currency=currency):
            return f"{amount} {currency} paid back"
        case _:
            return None


def _of_work(event: Event) -> str | None:
    match event.data:
        case notifications.MessageUnanswered():
            return "the buyer wrote and has waited for 30 s"
        case notifications.MessageSuppressed(template=template, reason=reason):
            return f"message {_words(template)} dropped: {_words(reason)}"
        case notifications.TaskCompleted(kind=kind, outcome=outcome, agent_id=agent_id):
            return f"{agent_id} did {_words(kind)}: {_words(outcome)}"
        case notifications.TaskOverdue(kind=kind):
            return f"nobody did {_words(kind)} in time: to a supervisor"
        case _:
            return None


def _words(name: str) -> str:
    return name.replace("_", " ")
