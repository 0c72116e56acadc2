"""Others' events, and those of our own other files, as commands. The only place that knows them."""

from collections.abc import Sequence

from services.notifications import commands as ours
from shared.contracts.event import Event
from shared.contracts.events import aftersales, common, handling, logistics, notifications, orders, reports

Reaction = Sequence[tuple[str, ours.AnyCommand]]


def react(event: Event) -> Reaction:
    """What an event asks of which file. Everything that nothing follows from asks nothing."""
    if isinstance(event.data, orders.OrderErased):
        return ((event.subject, ours.ForgetBuyer(at=event.time, order_id=event.subject)),)
    learned = _of_orders(event) or _of_logistics(event) or _of_aftersales(event)
    if learned is not None:
        return ((event.subject, ours.Learn(at=event.time, order_id=event.subject, what=learned)),)
    return _wanted(event) or _between_files(event) or _of_reports(event)


def _wanted(event: Event) -> Reaction:
    """What services want said or judged, whoever they are."""
    at, said = event.time, event.data
    match said:
        case common.MessageWanted(order_id=order_id):
            command = ours.WantMessage(at=at, order_id=order_id, wanted=said, rule=event.rule)
            return ((order_id, command),)
        case common.TaskWanted(order_id=order_id):
            task = ours.WantTask(
                at=at, order_id=order_id, wanted=said, wanted_by=event.source, rule=event.rule
            )
            return ((order_id, task),)
        case common.TaskRaised(order_id=order_id):
            return ((order_id, ours.RaiseTask(at=at, order_id=order_id, raised=said)),)
        case common.TaskWithdrawn(order_id=order_id):
            return ((order_id, ours.WithdrawTask(at=at, order_id=order_id, withdrawn=said)),)
        case _:
            return ()


def _between_files(event: Event) -> Reaction:
    """An order's file asks a buyer's day, the day answers the order, and one order tells another."""
    at = event.time
    match event.data:
        case notifications.MessageAsked(buyer_day=day) as asked:
            reserve = ours.ReserveMessage(
                at=at,
                order_id=event.subject,
                message_id=asked.message_id,
                template=asked.template,
                reminder=asked.reminder,
            )
            return ((day, reserve),)
        case notifications.MessageWithdrawn(message_id=message_id, template=template, buyer_day=day):
            gone = ours.WithdrawMessage(
                at=at, order_id=event.subject, message_id=message_id, template=template
            )
            return ((day, gone),)
        case notifications.MessageAllowed(message_id=message_id, order_id=order_id, merged=merged):
            yes = ours.TakeDaysYes(
                at=at, order_id=order_id, message_id=message_id, buyer_day=event.subject, merged=merged
            )
            return ((order_id, yes),)
        case notifications.MessageMerged(message_id=into, others=others):
            return tuple((each.order_id, _merged(each, into, event)) for each in others)
        case notifications.MessageCapped(message_id=message_id, order_id=order_id):
            no = ours.TakeDaysNo(at=at, order_id=order_id, message_id=message_id, buyer_day=event.subject)
            return ((order_id, no),)
        case _:
            return ()


def _merged(other: notifications.MergedReminder, into: str, event: Event) -> ours.TakeMerged:
    return ours.TakeMerged(
        at=event.time,
        order_id=other.order_id,
        message_id=other.message_id,
        into=into,
        into_order=event.subject,
    )


def _of_reports(event: Event) -> Reaction:
    """An order's file tells a part of its shop's day, and the part tells the day."""
    at, shop_id = event.time, event.shop_id
    if shop_id is None:
        return ()
    match event.data:
        case reports.ReminderNoted(report=report, day=day, part=part, row=row):
            noted = ours.NoteReminder(at=at, shop_id=shop_id, day=day, part=part, row=row)
            return ((report, noted),)
        case reports.FindingsNoted(report=report, day=day, part=part, findings=findings):
            found = ours.NoteFindings(
                at=at, shop_id=shop_id, day=day, part=part, order_id=event.subject, findings=findings
            )
            return ((report, found),)
        case reports.RemindersAddedUp(report=report, day=day, rows=rows):
            return ((report, ours.AddReminders(at=at, shop_id=shop_id, day=day, rows=rows)),)
        case reports.FindingsAddedUp(report=report, day=day, found=kinds):
            return ((report, ours.AddFindings(at=at, shop_id=shop_id, day=day, found=kinds)),)
        case _:
            return ()


def _of_orders(event: Event) -> ours.Learned | None:
    match event.data:
        case orders.OrderPlaced(shop_id=shop_id, buyer_id=buyer_id, currency=currency):
            return ours.OrderKnown(
                shop_id=shop_id, buyer_id=buyer_id, placed_at=event.time, currency=currency
            )
        case orders.ContactChanged(buyer_id=buyer_id, receiver=receiver):
            return ours.ContactKnown(
                shop_id=event.shop_id, buyer_id=buyer_id, name=receiver.name, email=receiver.email
            )
        case (
            orders.OrderPaid(amount=amount, ship_by=ship_by)
            | orders.OrderReopened(amount=amount, ship_by=ship_by)
        ):
            return ours.OrderPaid(amount=amount, ship_by=ship_by)
        case handling.OrderChanged(total=total):
            return ours.OrderRepriced(total=total)
        case orders.OrderClosed():
            return ours.OrderEnded(how="closed")
        case orders.OrderCancelled():
            return ours.OrderEnded(how="cancelled")
        case orders.OrderRefunded():
            return ours.OrderEnded(how="refunded")
        case orders.OrderCompleted():
            return ours.OrderEnded(how="completed")
        case orders.OrderDispatched():
            return ours.OrderLeft()
        case orders.OrderDeadlineChanged(deadline="ship", deadline_at=deadline_at):
            return ours.OrderOwes(ship_by=deadline_at)
        case orders.OrderDelivered(delivered_at=delivered_at):
            return ours.OrderArrived(delivered_at=delivered_at)
        case _:
            return None


STAGES: dict[type, ours.ParcelStage] = {
    logistics.ParcelDispatched: "dispatched",
    logistics.ParcelPickedUp: "picked_up",
    logistics.ParcelInTransit: "in_transit",
    logistics.ParcelOutForDelivery: "out_for_delivery",
    logistics.ParcelException: "exception",
    logistics.ParcelDelivered: "delivered",
    logistics.ParcelReturnOrdered: "returning",
    logistics.ParcelReturning: "returning",
    logistics.ParcelReturned: "returned",
    logistics.ParcelLost: "lost",
    logistics.ParcelPickupCancelled: "cancelled",
}


def _of_logistics(event: Event) -> ours.Learned | None:
    match event.data:
        case (
            logistics.ParcelDispatched(parcel_id=parcel_id)
            | logistics.ParcelPickedUp(parcel_id=parcel_id)
            | logistics.ParcelInTransit(parcel_id=parcel_id)
            | logistics.ParcelOutForDelivery(parcel_id=parcel_id)
            | logistics.ParcelException(parcel_id=parcel_id)
            | logistics.ParcelDelivered(parcel_id=parcel_id)
            | logistics.ParcelReturnOrdered(parcel_id=parcel_id)
            | logistics.ParcelReturning(parcel_id=parcel_id)
            | logistics.ParcelReturned(parcel_id=parcel_id)
            | logistics.ParcelLost(parcel_id=parcel_id)
            | logistics.ParcelPickupCancelled(parcel_id=parcel_id)
        ):
            return ours.ParcelReached(parcel_id=parcel_id, stage=STAGES[type(event.data)])
        case logistics.ParcelStalled(parcel_id=parcel_id):
            return ours.ParcelStood(parcel_id=parcel_id)
        case (
            logistics.ParcelMovingAgain(parcel_id=parcel_id)
            | logistics.ParcelMovementConfirmed(parcel_id=parcel_id)
            | logistics.ParcelFound(parcel_id=parcel_id)
        ):
            return ours.ParcelMoved(parcel_id=parcel_id)
        case _:
            return None


def _of_aftersales(event: Event) -> ours.Learned | None:
    match event.data:
        case aftersales.CaseOpened(case_id=case_id):
            return ours.CaseBegan(case_id=case_id)
        case aftersales.CaseDisputed(case_id=case_id):
            return ours.CaseDisputed(case_id=case_id)
        case (
            aftersales.CaseRefunded(case_id=case_id)
            | aftersales.CaseRefused(case_id=case_id)
            | aftersales.CaseClosed(case_id=case_id)
        ):
            return ours.CaseEnded(case_id=case_id)
        case aftersales.CaseDisputeSettled(case_id=case_id, winner="shop"):
            return ours.CaseEnded(case_id=case_id)
        case aftersales.ReviewReceived(review_id=review_id):
            return ours.Reviewed(review_id=review_id)
        case _:
            return None
