"""Orders: where an order stands between the buyer's click and its end.

Owns: one file an order, with its stage, lines, payment, the deadlines for paying, shipping and
completing, and what it heard of its parcels and cases.

Hears: `order.placed`, `order.paid` and `order.cancelled` from outside, and what shop platforms say of
parcels and refunds, which it passes on; `parcel.*` from logistics for what left, arrived, came back or
was lost; `case.*` from aftersales for what is open, stopped and paid back; `task.completed` from
notifications.

Says: `order.placed`, `order.payment_reminder_due`, `order.closed`, `order.paid`, `order.reopened`,
`order.cancelled`, `order.cancellation_requested`, `order.ship_overdue`, `order.dispatched`,
`order.delivered`, `order.deadline_changed`, `order.completed`, `order.refunded`,
`order.late_payment_refund_wanted` and `fact.passed_on`; on the contacts topic `contact.changed`; wants
the tasks `urge_shipment`, `late_payment`, `call_about_payment` and `look_into`, and the messages
`payment_reminder` and `confirm_address`.

Promises: an order ends once, and never completes after it was refunded. No reminder follows a payment
or the close. A payment that comes too late is never lost: somebody decides on it. `order.ship_overdue`
is said once an order. Completion stands still while a case of the order is open. No event says who
receives the order.
"""
