"""Rule `parcel_enquiry`: where is my parcel? Registered, answered with the carrier's word, followed up."""

from datetime import datetime
from typing import assert_never

from services.logistics import commands as ask
from services.logistics.decide.tasks import SERVICE, named, want
from services.logistics.state import Parcel, Placed
from services.logistics.state.care import Enquiry, EnquiryKept
from shared.contracts.events import incidents as said
from shared.kernel.calendar import later
from shared.kernel.decision import Decision, Outcome, Refused, TaskChange, task_id
from shared.kernel.profiles import Profile

_RULE = "parcel_enquiry"


def registered(command: ask.RegisterEnquiry, state: Placed, profile: Profile) -> Outcome:
    """The buyer asks: it is written down, and somebody asks the carrier. One at a time for each parcel."""
    parcel = state.parcel(command.parcel_id)
    if parcel is None:
        return Refused(
            slug="parcel-unknown", detail=f"The order has no parcel {command.parcel_id}.", missing=True
        )
    was = parcel.enquiry
    if was is not None and was.open:
        return Refused(
            slug="enquiry-open",
            detail=f"Enquiry {was.enquiry_id} about this parcel is {was.stage}; it is answered first.",
        )
    number = 1 if was is None else was.number + 1
    until = later(command.at, profile.values.enquiry_answer_within)
    enquiry = Enquiry(
        enquiry_id=task_id(SERVICE, state.order_id, "enquiry", parcel.parcel_id, number),
        number=number,
        about=command.about,
        channel=command.channel,
        text=command.text,
        deadline_at=until,
    )
    event = said.EnquiryRegistered(
        **named(parcel),
        enquiry_id=enquiry.enquiry_id,
        about=enquiry.about,
        channel=enquiry.channel,
        lines=parcel.lines,
        deadline_at=until,
    )
    return Decision(
        rule=_RULE,
        notes=(EnquiryKept(parcel_id=parcel.parcel_id, enquiry=enquiry),),
        events=(event,),
        tasks=_ask(state, parcel, enquiry, until),
        result={"enquiry_id": enquiry.enquiry_id},
    )


def answered(answer: ask.EnquiryAnswer, parcel: Parcel, state: Placed, profile: Profile) -> Decision | None:
    """Tasks `answer_enquiry` and `follow_up_enquiry`; None where the enquiry is over."""
    enquiry = parcel.enquiry
    if enquiry is None or not enquiry.open:
        return None
    match answer:
        case ask.GiveFeedback():
            return _feedback(answer, parcel, enquiry, state, profile)
        case ask.SettleEnquiry():
            over = said.EnquiryFollowedUp(
                **named(parcel), enquiry_id=enquiry.enquiry_id, result=answer.result, settled=True
            )
            return Decision(rule=_RULE, events=(over,))
        case ask.AskAgain():
            until = later(answer.at, profile.values.enquiry_answer_within)
            again = said.EnquiryFollowedUp(
                **named(parcel),
                enquiry_id=enquiry.enquiry_id,
                result="ask_again",
                settled=False,
                deadline_at=until,
            )
            once_more = enquiry.model_copy(update={"asked": enquiry.asked + 1})
            return Decision(rule=_RULE, events=(again,), tasks=_ask(state, parcel, once_more, until))
        case _:
            assert_never(answer)


def _feedback(
    answer: ask.GiveFeedback, parcel: Parcel, enquiry: Enquiry, state: Placed, profile: Profile
) -> Decision:
    until = later(answer.at, profile.values.enquiry_follow_up_after)
    event = said.EnquiryAnswered(**named(parcel), enquiry_id=enquiry.enquiry_id, deadline_at=until)
    summary = "The buyer was told what the carrier says of his parcel: see whether that helped."
    follow_up = want(
        state,
        parcel,
        "follow_up_enquiry",
        summary,
        more={"enquiry_id": enquiry.enquiry_id},
        due_at=until,
    )
    return Decision(rule=_RULE, events=(event,), tasks=follow_up)


def _ask(state: Placed, parcel: Parcel, enquiry: Enquiry, until: datetime) -> tuple[TaskChange, ...]:
    urging = "The buyer urges" if enquiry.about == "urge" else "The buyer asks where his parcel is"
    return want(
        state,
        parcel,
        "answer_enquiry",
        f"{urging}: ask {parcel.carrier} and tell him what it says.",
        "high" if enquiry.about == "urge" or enquiry.asked > 1 else "normal",
        {"enquiry_id": enquiry.enquiry_id, "about": enquiry.about},
        until,
    )
