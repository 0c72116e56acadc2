"""The parcel's chart: what each stage means, who acts in it, and what its deadline brings."""

from typing import Final

from shared.kernel.charts import Chart, Stage

_ENDS = ("returning", "returned", "lost")
_AFTER_PICKUP = ("in_transit", "out_for_delivery", "delivered", "exception", *_ENDS)


def _standing(stage: str, meaning: str, leads_to: tuple[str, ...], acts: str = "carrier") -> Stage:
    raw = {
        "stage": stage,
        "meaning": meaning,
        "acts": acts,
        "deadline": "stall_levels",
        "at_deadline": "parcel.stalled",
        "leads_to": leads_to,
    }
    return Stage.model_validate(raw)


PARCEL_CHART: Final = Chart(
    document="parcel",
    stages=(
        Stage(
            stage="dispatched",
            meaning="The warehouse handed the parcel over; the carrier has not scanned it yet.",
            acts="carrier",
            deadline="pickup_overdue_after",
            at_deadline="parcel.pickup_overdue",
            leads_to=("picked_up", *_AFTER_PICKUP, "pickup_cancelled"),
        ),
        _standing("picked_up", "The carrier has the parcel.", _AFTER_PICKUP),
        _standing("in_transit", "The parcel is on its way.", _AFTER_PICKUP[1:]),
        _standing("out_for_delivery", "The parcel is in the van.", _AFTER_PICKUP[2:]),
        _standing(
            "exception",
            "Something went wrong; an agent or a later scan resolves it.",
            ("dispatched", "picked_up", "in_transit", "out_for_delivery", "delivered", *_ENDS),
            acts="shop",
        ),
        _standing(
            "returning",
            "The parcel is on its way back to the sender.",
            ("returned", "delivered", "lost"),
        ),
        Stage(stage="delivered", meaning="The parcel arrived.", acts="nobody", final=True),
        Stage(
            stage="returned",
            meaning="The parcel is back; the shop settles with the buyer to send it again or pay back.",
            acts="shop",
            final=True,
        ),
        Stage(
            stage="lost",
            meaning="The loss is confirmed; the buyer chooses, then the carrier is asked to pay.",
            acts="buyer",
            final=True,
        ),
        Stage(
            stage="pickup_cancelled",
            meaning="The parcel never left; its lines are to be dispatched again. Where a carrier scans it "
            "or it is dispatched once more, it has left after all.",
            acts="shop",
            leads_to=(
                "dispatched",
                "picked_up",
                "in_transit",
                "out_for_delivery",
                "delivered",
                "returning",
                "returned",
            ),
        ),
    ),
)

CLAIM_CHART: Final = Chart(
    document="carrier_claim",
    stages=(
        Stage(
            stage="gathering",
            meaning="The buyer was served; what the carrier wants to see is being gathered.",
            acts="shop",
            money_moved=True,
            deadline="claims",
            at_deadline="carrier_claim.overdue",
            leads_to=("submitted", "reconciled"),
        ),
        Stage(
            stage="submitted",
            meaning="The carrier has the claim, for the first time or after the appeal, and decides.",
            acts="carrier",
            money_moved=True,
            deadline="claims",
            at_deadline="carrier_claim.overdue",
            leads_to=("approved", "refused", "reconciled"),
        ),
        Stage(
            stage="refused",
            meaning="The carrier won't pay; the shop may appeal once.",
            acts="shop",
            money_moved=True,
            deadline="claims",
            at_deadline="carrier_claim.closed",
            leads_to=("submitted", "reconciled"),
        ),
        Stage(
            stage="approved",
            meaning="The carrier will pay.",
            acts="carrier",
            money_moved=True,
            deadline="claims",
            at_deadline="carrier_claim.overdue",
            leads_to=("reconciled",),
        ),
        Stage(
            stage="reconciled",
            meaning="What the carrier paid stands beside what the buyer got.",
            acts="nobody",
            final=True,
            money_moved=True,
        ),
    ),
)

ENQUIRY_CHART: Final = Chart(
    document="enquiry",
    stages=(
        Stage(
            stage="registered",
            meaning="The buyer asks where his parcel is; somebody asks the carrier.",
            acts="shop",
            deadline="enquiry_answer_within",
            at_deadline="task.overdue",
            leads_to=("answered", "settled"),
        ),
        Stage(
            stage="answered",
            meaning="The buyer has the carrier's word; somebody sees whether it helped.",
            acts="shop",
            deadline="enquiry_follow_up_after",
            at_deadline="task.overdue",
            leads_to=("registered", "settled"),
        ),
        Stage(stage="settled", meaning="It helped, or the parcel's way ended.", acts="nobody", final=True),
    ),
)

INCIDENT_CHART: Final = Chart(
    document="incident",
    stages=(
        Stage(
            stage="open",
            meaning="Many parcels of one carrier and region stand; one task is about all of them.",
            acts="shop",
            deadline="incidents",
            at_deadline="incident.deadline_changed",
            leads_to=("closed",),
        ),
        Stage(
            stage="closed",
            meaning="They move again; what still stands is looked after parcel by parcel.",
            acts="nobody",
            final=True,
        ),
    ),
)
