"""Plain scans in JSON of our own, for carriers and systems that have no inlet: one, or a list as `scans`."""

from typing import Any, Final, get_args

from services.logistics.decide.faults import REASONS
from services.logistics.inlets.checkpoints import (
    Checkpoint,
    Json,
    entries,
    kind,
    moment,
    number,
    payload,
    sightings,
    word,
)
from services.logistics.inlets.reading import CHINESE
from services.logistics.inlets.tables import Meaning
from shared.contracts.facts import Fault, ScanStatus
from shared.kernel.inlets import Delivery, Inlet, Read, Reading, Unreadable
from shared.kernel.signatures import standard_webhooks

SYSTEM: Final = "scans"
SCANS_MAX: Final = 200
"""Scans of one delivery; one with more is refused."""
_GRAMS_MAX: Final = 100_000_000


def read(delivery: Delivery) -> Reading:
    """All scans of the delivery, or the first field that is wrong in one of them."""
    told = payload(delivery.body, delivery.depth_max)
    if isinstance(told, Unreadable):
        return told
    listed = entries(told, "scans") if "scans" in told else [told]
    if isinstance(listed, Unreadable):
        return listed
    if len(listed) > SCANS_MAX:
        return Unreadable(field="scans", expected=f"at most {SCANS_MAX}", got=str(len(listed)))
    facts: list[Any] = []
    left: list[str] = []
    for scan in listed:
        reading = _one(delivery, scan)
        if isinstance(reading, Unreadable):
            return reading
        facts.extend(reading.facts)
        left.extend(reading.left)
    facts.sort(key=lambda fact: fact.data.scanned_at)
    return Read(facts=tuple(dict.fromkeys(facts)), left=tuple(dict.fromkeys(left)))


def _one(delivery: Delivery, of: Json) -> Reading:
    tracking_no, carrier = number(of, "tracking_no"), word(of, "carrier")
    if isinstance(tracking_no, Unreadable):
        return tracking_no
    scanned_at = moment(word(of, "scanned_at"))
    if scanned_at is None:
        return Unreadable(
            field="scanned_at",
            expected="RFC 3339, such as 2026-03-02T12:00:00Z",
            got=kind(of.get("scanned_at")),
        )
    meaning = _meaning(of)
    if isinstance(meaning, Unreadable):
        return meaning
    grams = of.get("weight_grams")
    if grams is not None and not (type(grams) is int and 0 <= grams <= _GRAMS_MAX):
        return Unreadable(field="weight_grams", expected=f"0 to {_GRAMS_MAX}", got=kind(grams))
    point = Checkpoint(
        meaning=meaning,
        code=word(of, "status") or "",
        scanned_at=scanned_at,
        text=word(of, "text") or "",
        location=word(of, "location"),
        weight_grams=grams,
    )
    return sightings(SYSTEM, delivery, carrier, tracking_no, [point])


def _meaning(of: Json) -> Meaning | Unreadable | None:
    """The status that is told, in our words; without one, the text says it."""
    status, fault, reason = word(of, "status"), word(of, "fault"), word(of, "reason")
    if fault is not None and fault not in get_args(Fault):
        return Unreadable(field="fault", expected=f"one of {', '.join(get_args(Fault))}", got="another")
    if reason is not None and reason not in REASONS:
        return Unreadable(field="reason", expected=f"one of {', '.join(REASONS)}", got="another")
    if status is None:
        said = CHINESE.status_of(word(of, "text") or "")
        if said is None:
            return None
        status = said
    if status not in get_args(ScanStatus):
        return Unreadable(field="status", expected=f"one of {', '.join(get_args(ScanStatus))}", got="another")
    about = {"reason": reason, "fault": fault} if status == "exception" else {}
    return Meaning.model_validate({"code": status, "means": status, "source": "ours", **about})


INLET: Final = Inlet(system=SYSTEM, signed=standard_webhooks, read=read)
