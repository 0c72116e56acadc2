"""How events change what is kept of a parcel beside its stage."""

from typing import Any

from services.logistics.state.care import Watch
from services.logistics.state.parcels import Parcel
from shared.contracts.event import Payload
from shared.contracts.events import incidents
from shared.contracts.events import logistics as said


def cared(parcel: Parcel, data: Payload) -> Parcel:
    """The parcel after an event about it."""
    changed = _changes(parcel, data)
    return parcel.model_copy(update=changed) if changed else parcel


def _changes(parcel: Parcel, data: Payload) -> dict[str, Any]:
    match data:
        case said.ParcelStalled():
            return {"has_stalled": True}
        case said.ParcelDispatched(weight_grams=int() as grams):
            return {"weights": parcel.weights.model_copy(update={"warehouse": grams})}
        case incidents.ParcelWeighed():
            return {"weights": parcel.weights.model_copy(update={"carrier": data.carrier_grams})}
        case incidents.ParcelWatched():
            return {"watch": _watch(parcel.watch, data)}
        case incidents.ParcelJoinedIncident():
            watch = parcel.watch or Watch(carrier=data.carrier, region=data.region)
            joined = {"incident_id": data.incident_id, "region": data.region, "held_from": data.held_from}
            return {"watch": watch.model_copy(update=joined)}
        case incidents.ParcelLeftIncident() if parcel.watch is not None:
            left = {"incident_id": None, "held_from": None}
            return {"watch": parcel.watch.model_copy(update=left)}
        case incidents.ParcelRefused():
            return {"refused_because": data.reason}
        case incidents.ParcelComplainedOf():
            return {"complaints": (*parcel.complaints, data.case_id)}
        case _ if isinstance(data, _ENQUIRY) and parcel.enquiry is not None:
            return {"enquiry": parcel.enquiry.model_copy(update=_enquiry(parcel.enquiry.asked, data))}
        case _:
            return {}


def _watch(was: Watch | None, data: incidents.ParcelWatched) -> Watch | None:
    same = was is not None and (was.carrier, was.region) == (data.carrier, data.region)
    if data.now == "over":
        return None if same else was
    if same and was is not None and data.now == "standing":
        return was.model_copy(update={"standing": True})
    return Watch(carrier=data.carrier, region=data.region, standing=data.now == "standing")


_ENQUIRY = (incidents.EnquiryAnswered, incidents.EnquiryFollowedUp, incidents.EnquiryClosed)


def _enquiry(
    asked: int, data: incidents.EnquiryAnswered | incidents.EnquiryFollowedUp | incidents.EnquiryClosed
) -> dict[str, Any]:
    match data:
        case incidents.EnquiryAnswered():
            return {"stage": "answered", "deadline_at": data.deadline_at}
        case incidents.EnquiryFollowedUp(settled=False):
            return {"stage": "registered", "asked": asked + 1, "deadline_at": data.deadline_at}
        case incidents.EnquiryFollowedUp() | incidents.EnquiryClosed():
            return {"stage": "settled", "deadline_at": None}
