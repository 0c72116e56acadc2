"""Orders: where an order stands between the buyer's click and its end.

Owns: one file an order, with its stage, lines, payment, the deadlines for paying, shipping and
completing, what it heard of its parcels and cases, and how the service team handles it: wishes, flags,
remarks, checks, shortages and the release. One file a buyer, with the orders for which he pays freight.

Hears: `order.placed`, `order.paid`, `order.cancelled`, `payment.failed`, `stock.short` and
`instruction.acknowledged` from outside, and what shop platforms say of parcels and refunds, which it passes
on; its own `order.placed` and `freight.merge_due`, by which one file reaches another; `parcel.*` from
logistics for what left, arrived, came back or was lost; `case.*` from aftersales for what is open, stopped
and paid back; `task.completed` from notifications.

Says: `order.placed`, `order.payment_reminder_due`, `order.closed`, `order.paid`, `order.reopened`,
`order.cancelled`, `order.cancellation_requested`, `order.cancellation_undone`, `order.ship_overdue`,
`order.dispatched`, `order.delivered`, `order.deadline_changed`, `order.completed`, `order.offer_made`,
`order.refunded`, `order.late_payment_refund_wanted`, `order.erased` and `fact.passed_on`; of the handling
all that `shared/contracts/events/handling.py` lists; on the contacts topic `contact.changed`; wants the
tasks `urge_shipment`, `late_payment`, `look_into`, `confirm_wish`, `call_warehouse`, `verify_order`,
`offer_choice`, `help_with_payment`, `merge_freight` and `call_about_payment`, and the messages
`payment_reminder`, `confirm_address`, `confirm_wish`, `out_of_stock`, `payment_help` and `offer`.

Promises: an order ends once, and never completes after it was refunded. No reminder follows a payment
or the close. A payment that comes too late is never lost: somebody decides on it. `order.ship_overdue`
is said once an order. A wish is made, flagged, confirmed, told to the warehouse and acknowledged, and no
step comes before another; while one is open the order is not released. Completion stands still while a case
of the order is open. No event says who receives the order.
"""
