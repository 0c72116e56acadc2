"""One plain sentence for every event, without personal data, for the order's timeline."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from string import Formatter
from types import MappingProxyType
from typing import Any, Final

from shared.contracts.event import Event

_ORDERS: Final = {
    "order.placed": "The order was placed: {said.lines:count line}, {said.total} {said.currency}.",
    "order.paid": "The order was paid: {said.amount}. It is to leave by {said.ship_by}.",
    "order.payment_reminder_due": "Still unpaid ({said.stage:words}); it closes at {said.closes_at}."
    "{said.withheld:kept}",
    "order.closed": "The order closed: {said.reason:words}.",
    "order.reopened": "The order was reopened with its late payment of {said.amount}.",
    "order.late_payment_refund_wanted": "A late payment of {said.amount} is to be given back.",
    "order.cancelled": "The order was cancelled by {said.by:words}: {said.reason:words}.",
    "order.cancellation_requested": "{said.by:words} wants the paid order off: {said.reason:words}.",
    "order.cancellation_undone": "{said.lines:count line} shall leave after all: {said.reason:words}.",
    "order.ship_overdue": "{said.lines:count line} had not left by {said.ship_by}.",
    "order.dispatched": "Everything that is still wanted has left.",
    "order.delivered": "Everything that is still wanted has arrived; completes at {said.completes_at}.",
    "order.deadline_changed": "The deadline for {said.deadline:words} is now {said.deadline_at}: "
    "{said.reason:words}.",
    "order.receipt_extended": "The buyer has {said.days} more days to confirm the receipt.",
    "order.urge_requested": "The platform urges the shipment; an answer is due at {said.deadline_at}.",
    "order.urge_answered": "The platform's urging was answered by {said.by:words}.",
    "order.completed": "The order is complete.",
    "order.offer_made": "The buyer was offered a {said.kind} for the next order: {said.what}.",
    "order.erased": "The buyer was erased: who he is and what he wrote is kept no more.",
    "order.refunded": "The order ended: {said.amount} {said.currency} were paid back.",
    "fact.passed_on": "The shop's platform told {said.fact.fact}, and it was passed on.",
    "contact.changed": "Who receives the order was confirmed.",
    "order.wish_made": "{said.by} took a wish: {said.kind:words} ({said.wish_id}).",
    "order.flagged": "{said.by} flagged the order {said.colour}.",
    "order.remarked": "{said.by} wrote a remark.",
    "order.wish_confirmed": "{said.wish_id} was confirmed with the buyer by {said.by}.",
    "order.wish_dropped": "{said.wish_id} was dropped: {said.reason:words}.",
    "order.instruction_given": "The warehouse and the label printer were told of {said.wish_id}.",
    "order.instruction_acknowledged": "{said.by} acknowledged {said.wish_id}.",
    "order.changed": "The order was changed; its total was {said.was_total} and is {said.total} "
    "{said.currency}.",
    "order.give_back_wanted": "{said.amount} {said.currency} are to be given back for {said.wish_id}.",
    "order.verified": "{said.by} checked the order: {said.good:count field} good, {said.wrong:count} wrong.",
    "order.release_blocked": "The order must not leave yet; it waits for {said.waits_for:names}.",
    "order.released": "The order was released to who ships it.",
    "order.payment_failed": "The buyer could not pay ({said.times} times): {said.reason:words}.",
    "order.stock_short": "Out of stock: {said.lines:count line}.",
    "order.choice_made": "About {said.shortage_id} was chosen: {said.choice:words}.",
    "order.supplemented": "Order {said.by_order} adds to this one.",
    "freight.merge_due": "{said.orders:count order} may leave as one; {said.give_back} {said.currency} of "
    "freight are too much.",
}

_LOGISTICS: Final = {
    "parcel.dispatched": "Parcel {said.parcel_id} left with {said.carrier}.",
    "parcel.picked_up": "{said.carrier} has parcel {said.parcel_id}.",
    "parcel.in_transit": "Parcel {said.parcel_id} is on its way.",
    "parcel.out_for_delivery": "Parcel {said.parcel_id} is in the van.",
    "parcel.delivered": "Parcel {said.parcel_id} arrived.",
    "parcel.exception": "Trouble with parcel {said.parcel_id}: {said.reason:words}, fault: {said.fault}.",
    "parcel.exception_resolved": "The trouble with parcel {said.parcel_id} is over.",
    "parcel.returning": "Parcel {said.parcel_id} is on its way back.",
    "parcel.returned": "Parcel {said.parcel_id} is back at the sender.",
    "parcel.pickup_overdue": "Nobody has seen parcel {said.parcel_id} since it was dispatched.",
    "parcel.stalled": "Parcel {said.parcel_id} has stood still since {said.since} (level {said.level}).",
    "parcel.moving_again": "Parcel {said.parcel_id} moves again.",
    "parcel.movement_confirmed": "{said.carrier} confirmed that it has parcel {said.parcel_id}.",
    "parcel.lost_suspected": "Parcel {said.parcel_id} may be lost: no scan since {said.since}.",
    "parcel.lost": "Parcel {said.parcel_id} is lost.",
    "parcel.resurfaced": "Parcel {said.parcel_id}, which counts as lost, was scanned after all: {said.how}.",
    "parcel.found": "Parcel {said.parcel_id} was found.",
    "parcel.pickup_cancelled": "Parcel {said.parcel_id} never left; its lines are to be dispatched again.",
    "parcel.deadline_changed": "Parcel {said.parcel_id} is expected to move by {said.deadline_at} now: "
    "{said.reason:words}.",
    "parcel.rebooked": "{said.carrier} will collect parcel {said.parcel_id} instead of {said.was_carrier}.",
    "parcel.delay_announced": "{said.carrier} announced parcel {said.parcel_id} for {said.until}.",
    "parcel.return_ordered": "{said.carrier} was told to bring parcel {said.parcel_id} back.",
    "parcel.address_corrected": "{said.carrier} has a corrected address for parcel {said.parcel_id}.",
    "parcel.resend_wanted": "Parcel {said.parcel_id} is to go out again to a confirmed address.",
    "parcel.refund_wanted": "The goods of returned parcel {said.parcel_id} are to be paid back.",
    "shipment.stopped": "The warehouse was told to keep {said.lines:count line}: {said.reason:words}.",
    "shipment.resumed": "The warehouse is to send {said.lines:count line} after all: {said.reason:words}.",
    "parcel.number_doubted": "The tracking number of parcel {said.parcel_id} may be mistyped.",
    "sighting.recorded": "A scan of {said.tracking_no} waits for its parcel.",
    "sighting.matched": "A scan of {said.tracking_no} belongs to parcel {said.parcel_id}.",
    "sighting.unmatched": "A scan of {said.tracking_no} belongs to no parcel: {said.reason:words}.",
    "carrier_claim.opened": "{said.carrier} was asked to pay for lost parcel {said.parcel_id}.",
    "carrier_claim.evidence_added": "For the claim about {said.parcel_id}: {said.evidence:words}.",
    "carrier_claim.submitted": "A claim of {said.amount} for {said.parcel_id} went to {said.carrier}.",
    "carrier_claim.approved": "{said.carrier} will pay {said.amount} for {said.parcel_id}.",
    "carrier_claim.refused": "{said.carrier} won't pay for {said.parcel_id}: {said.reason:words}.",
    "carrier_claim.appealed": "The refusal of {said.carrier} for {said.parcel_id} was appealed.",
    "carrier_claim.overdue": "The {said.awaited} of the claim for {said.parcel_id} is overdue.",
    "carrier_claim.deadline_changed": "The claim for {said.parcel_id} now waits until {said.deadline_at}.",
    "carrier_claim.paid": "{said.carrier} paid {said.amount} for {said.parcel_id}.",
    "carrier_claim.closed": "The claim for {said.parcel_id} ended: {said.reason:words}.",
    "carrier_claim.reconciled": "For {said.parcel_id} the carrier paid {said.paid_by_carrier}; "
    "the shop bears {said.shortfall}.",
    "parcel.watched": "Parcel {said.parcel_id} counts as {said.now:words} in {said.region}.",
    "parcel.weighed": "The weights of {said.parcel_id} speak for: {said.verdict} ({said.reason:words}).",
    "parcel.joined_incident": "Parcel {said.parcel_id} belongs to an incident of {said.carrier}.",
    "parcel.left_incident": "The incident is over; parcel {said.parcel_id} still stands.",
    "parcel.refused": "The buyer does not take parcel {said.parcel_id}: {said.reason:words}.",
    "parcel.complained_of": "Case {said.case_id} is about how {said.parcel_id} was carried.",
    "parcel.measured": "Parcel {said.parcel_id} counts for {said.carrier}: {said.what:words}.",
    "enquiry.registered": "The buyer asked about parcel {said.parcel_id}; he hears by {said.deadline_at}.",
    "enquiry.answered": "The buyer was told what the carrier says of parcel {said.parcel_id}.",
    "enquiry.followed_up": "The enquiry about parcel {said.parcel_id} was followed up: {said.result:words}.",
    "enquiry.closed": "The enquiry about parcel {said.parcel_id} ended: {said.reason:words}.",
    "incident.opened": "{said.standing} parcels with {said.carrier} stand in {said.region}.",
    "incident.parcels_joined": "The incident has {said.parcels:count more parcel}.",
    "incident.deadline_changed": "The incident is looked at again {said.deadline_at}: {said.reason:words}.",
    "incident.closed": "The incident is over ({said.reason:words}); {said.still_standing} still stand.",
    "incident.ruled_out": "No incident of {said.carrier} in {said.region}: {said.parcels:count parcel}.",
    "incident.parcels_released": "Looked after one by one again: {said.parcels:count parcel}.",
}

_AFTERSALES: Final = {
    "case.opened": "Case {said.case_id} ({said.kind:words}) was opened: {said.reason:words}.",
    "case.deadline_changed": "Case {said.case_id} now waits until {said.deadline_at}: {said.reason:words}.",
    "case.approved": "Case {said.case_id} was approved ({said.decided_by}).",
    "case.refused": "Case {said.case_id} was refused ({said.decided_by}): {said.slug}.",
    "case.offered": "The shop offered {said.offer:words} in case {said.case_id}.",
    "case.offer_declined": "The buyer declined the offer in case {said.case_id}.",
    "case.return_shipped": "The goods of case {said.case_id} are on their way back with {said.carrier}.",
    "case.return_received": "The goods of case {said.case_id} came back: {said.condition:words}.",
    "case.inspected": "The goods of case {said.case_id} were judged: {said.result:words}.",
    "case.refund_started": "{said.amount} {said.currency} are being paid back for case {said.case_id}.",
    "case.refunded": "{said.amount} {said.currency} were paid back for case {said.case_id}.",
    "case.refund_failed": "The refund of case {said.case_id} failed: {said.reason:words}.",
    "case.reship_wanted": "The goods of case {said.case_id} are to be sent again.",
    "case.closed": "Case {said.case_id} was closed: {said.reason:words}.",
    "case.weight_verified": "The weights of case {said.case_id} were compared: {said.result}.",
    "case.negotiated": "Shop and buyer talked about case {said.case_id}.",
    "case.disputed": "The buyer brought in the platform for case {said.case_id}.",
    "case.evidence_submitted": "The shop handed in its evidence for case {said.case_id}.",
    "case.evidence_missed": "No evidence came in time for case {said.case_id}.",
    "case.dispute_settled": "The platform decided case {said.case_id} for the {said.winner}.",
    "refund.paid_elsewhere": "The platform itself paid {said.amount} {said.currency} back.",
    "review.received": "The buyer gave {said.stars} of 5 stars.",
    "quality.signal": "Product {said.sku} got the same complaint again: {said.reason:words}.",
}

_NOTIFICATIONS: Final = {
    "message.wanted": "The buyer is to get the message {said.template:words}.",
    "message.asked": "The buyer's day was asked for room for {said.template:words}.",
    "message.allowed": "There is room for {said.template:words}.",
    "message.capped": "There is no room for {said.template:words} on this day.",
    "message.sent": "The buyer was sent {said.template:words} by {said.channel}.",
    "message.suppressed": "The message {said.template:words} was dropped: {said.reason:words}.",
    "message.postponed": "The message {said.template:words} waits until {said.until}.",
    "message.withdrawn": "The reminder {said.template:words} does not go out now.",
    "message.merged": "The message {said.template:words} told of {said.others:count other order} too.",
    "reminder.noted": "The day's report heard of the reminder ({said.row.stage:words}).",
    "reminders.added_up": "A part of {said.day} was added up.",
    "reminders.reported": "On {said.day} {said.reminded} orders were reminded of and {said.paid} were paid.",
    "findings.noted": "The morning's sweep found {said.findings:count open thing}.",
    "findings.added_up": "A part of the sweep of {said.day} was added up.",
    "day.swept": "The sweep of {said.day} made {said.new_tasks} tasks.",
    "message.failed": "The message {said.template:words} could not be sent: {said.reason:words}.",
    "message.received": "The buyer wrote by {said.channel}.",
    "message.unanswered": "Nobody had answered the buyer's message of {said.waiting_since} in time.",
    "message.answered": "The buyer's messages were dealt with by {said.by} ({said.message_ids:count}).",
    "task.created": "Task {said.kind:words}: {said.summary}",
    "task.claimed": "{said.agent_id} took the task {said.kind:words}.",
    "task.lease_renewed": "{said.agent_id} is still at the task {said.kind:words}.",
    "task.returned": "The task {said.kind:words} is back in the queue: {said.reason:words}.",
    "task.overdue": "The task {said.kind:words} is overdue; it went to the {said.level}.",
    "task.priority_raised": "The task {said.kind:words} is now {said.priority}: {said.reason:words}.",
    "task.completed": "{said.agent_id} completed the task {said.kind:words}: {said.outcome:words}.",
    "task.closed": "The task {said.kind:words} closed itself: {said.reason:words}.",
    "task.wanted": "Somebody is to see to {said.kind:words}.",
    "task.raised": "The task {said.kind:words} is to be {said.priority}.",
    "task.withdrawn": "The task {said.kind:words} is no longer needed: {said.reason:words}.",
    "fact.out_of_stage": "A fact {said.fact} did not fit: {said.slug}.",
}

SENTENCES: Final[Mapping[str, str]] = MappingProxyType(_ORDERS | _LOGISTICS | _AFTERSALES | _NOTIFICATIONS)


class _Plain(Formatter):
    """Shows values as people write them: moments in UTC, slugs as words, lists by their length or names."""

    def format_field(self, value: Any, format_spec: str) -> str:
        match value, format_spec:
            case (None, "kept"):
                return ""
            case (_, "kept"):
                return f" Kept from the buyer: {str(value).replace('_', ' ')}."
            case (None, _):
                return "none"
            case (datetime(), _):
                return f"{value:%Y-%m-%d %H:%M} UTC"
            case (Decimal(), _):
                return f"{value:f}"
            case (_, "words"):
                return str(value).replace("_", " ")
            case (_, "count"):
                return str(len(value))
            case (_, "names"):
                return ", ".join(str(one).replace("_", " ") for one in value)
            case (_, spec) if spec.startswith("count "):
                return f"{len(value)} {spec.removeprefix('count ')}{'' if len(value) == 1 else 's'}"
            case _:
                return str(value)


_PLAIN: Final = _Plain()


def sentence(event: Event) -> str:
    """What the event says, in one sentence. An event that this version has no words for is named."""
    words = SENTENCES.get(event.name)
    if words is None:
        return f"{event.name} happened."
    text = _PLAIN.format(words, said=event.data)
    return text[:1].upper() + text[1:]
