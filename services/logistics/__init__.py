"""Logistics: where an order's parcels are.

Owns: one file an order, with its parcels, their scans, stages and clocks, the lines that shall not
leave, and the receiver for parcels that go out again; and one file a tracking number, with the parcels
that left under it and what carriers told of it.

Hears: `shipment.dispatched` and `shipment.scanned` from outside, and through its inlets what carriers
and their aggregators tell by tracking number; its own `parcel.dispatched` and `sighting.matched`;
`order.placed`, `order.cancellation_requested` and `order.refunded` from orders; `case.approved`,
`case.refunded` and `case.reship_wanted` from aftersales; `task.completed` from notifications;
`contact.changed`.

Says: `parcel.*` for everything that happens to a parcel, `sighting.*` for what carriers tell by tracking
number, `shipment.stopped`, `carrier_claim.opened`; wants the tasks `check_pickup`, `check_with_carrier`,
`confirm_loss`, `resolve_exception`, `confirm_address_and_resend`, and the messages `parcel_dispatched`,
`parcel_out_for_delivery`, `parcel_delivered` and `delay_notice`.

Promises: a parcel's stage only moves forward, and its end is said once. Every clock runs from the
carrier's own time of the newest scan. A loss is confirmed by an agent before anybody pays for it,
and the carrier pays only after the buyer was served. A line is stopped once; what left all the same
is looked into. A scan by tracking number is put on the one parcel that it fits, or on none. No event
says who receives a parcel, or what words a carrier wrote.
"""
