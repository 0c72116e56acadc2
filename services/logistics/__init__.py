"""Logistics: where an order's parcels are.

Owns: one file an order, with its parcels, their scans, stages and clocks, the lines that shall not
leave, and the receiver for parcels that go out again; one file a tracking number, with the parcels
that left under it and what carriers told of it; for each shop, one file a carrier and region, with how
many parcels stand and their incident; and one a carrier, route and week, with what was measured.

Hears: `shipment.dispatched` and `shipment.scanned` from outside, and through its inlets what carriers and
their aggregators tell by tracking number; its own `parcel.dispatched` and `sighting.matched`, and what
orders' files and those of carriers say to each other; `order.placed`, `order.cancellation_requested`,
`order.cancellation_undone`, `order.refunded` and `order.erased` from orders; `case.opened`,
`case.approved`, `case.refused`, `case.refunded`, `case.reship_wanted`, `case.closed` and
`refund.paid_elsewhere` from aftersales; `task.completed` from notifications; `contact.changed`.

Says: `parcel.*` for everything that happens to a parcel, `sighting.*` for what carriers tell by tracking
number, `shipment.stopped`, `shipment.resumed`, `carrier_claim.*` for the claim about a lost parcel,
`incident.*` for many parcels at once, `enquiry.*` for buyers who ask; wants the tasks `check_pickup`,
`check_with_carrier`, `confirm_loss`, `resolve_exception`, `confirm_address_and_resend`, `chase_claim`,
`work_incident`, `answer_enquiry` and `follow_up_enquiry`, and the messages `parcel_dispatched`,
`parcel_out_for_delivery`, `parcel_delivered`, `delay_notice` and `incident_notice`.

Promises: a parcel's stage only moves forward, and its end is said once. Every clock runs from the carrier's
own time of the newest scan. A buyer hears of a delay once, from his parcel or from its incident. A loss is
confirmed by an agent before anybody pays for it, and the carrier pays only after the buyer was served; a
lost parcel that is scanned after all is looked into. A line is stopped once, and resumed when nothing stops
it any more; what left all the same is looked into. A scan by tracking number is put on the one parcel that
it fits, or on none. No event says who receives a parcel, or what words a carrier wrote.
"""
