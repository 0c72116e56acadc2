"""Aftersales: what a buyer is owed after he paid.

Owns: one file an order, with its cases (requests for money, goods or repair, lost and returned
parcels, cancellations of paid orders, late payments, bad reviews, disputes), the account of what was
given back for each line, and the texts of reviews and negotiations.

Hears: `refund.requested`, `return.shipped`, `return.received`, `refund.paid` and `review.posted` from
outside; `order.placed`, `order.paid`, `order.reopened`, `order.cancellation_requested`, `order.erased` and
`order.late_payment_refund_wanted` from orders; `parcel.dispatched`, `parcel.pickup_cancelled`,
`parcel.delivered`, `parcel.lost`, `parcel.returned` and `parcel.refund_wanted` from logistics;
`task.completed` from notifications.

Says: `case.*` for everything that happens to a case, `refund.paid_elsewhere` for what a platform gave
back itself, `review.received`, `quality.signal`; wants the tasks `decide_case`, `verify_weight`,
`decide_inspection`, `call_about_review` and `look_into`; asks the payment provider for refunds.

Promises: whatever mix of cases an order has, no line is paid for twice, and what a platform paid back
counts. `case.refunded` is said only when money of ours moved. A request that nobody answers decides
itself, so that every case ends. Goods that are sent again leave in time or are looked into, and what of
them strays is owed as before. The text of a review or a negotiation is on no topic.
"""
