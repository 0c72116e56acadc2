"""How a file moves on: `evolve(state, event or note) -> state`. It never refuses and never raises."""

from services.notifications import commands as heard
from services.notifications.state import conversation, days, messages, notes, tasks
from services.notifications.state.files import (
    CASES_KEPT,
    PARCELS_KEPT,
    AnyFile,
    Blank,
    OrderFile,
    Reminded,
    Swept,
    put,
)
from services.notifications.state.knowledge import ContactErased, Knowledge, Parcel, Reachable
from services.notifications.state.messages import REMINDER, NeedsContact, OpenMessage, Sending, wanted
from shared.contracts.event import Event
from shared.contracts.events import notifications as said
from shared.contracts.events import reports
from shared.kernel.decision import Note

NO_LONGER_STALLED: frozenset[heard.ParcelStage] = frozenset(
    {"delivered", "returning", "returned", "lost", "cancelled"}
)


def evolve(state: AnyFile, what: Event | Note) -> AnyFile:
    """The file after one of its own events, or after something it learned."""
    if isinstance(what, Event):
        return _told(state, what)
    return _learned(state, what)


def opened(state: AnyFile, order_id: str) -> AnyFile:
    """A blank file becomes the order's; any other stays what it is."""
    return OrderFile(order_id=order_id) if isinstance(state, Blank) else state


def _learned(state: AnyFile, note: Note) -> AnyFile:
    if isinstance(note, notes.DayNote):
        return days.learned(state, note)
    if isinstance(note, notes.AddedUp):
        return days.added_up(state, note)
    if not isinstance(note, notes.OwnNote):
        return state
    file = opened(state, note.order_id)
    return _kept(file, note) if isinstance(file, OrderFile) else state


def _known(file: OrderFile, what: heard.Learned) -> OrderFile:
    match what:
        case heard.OrderKnown() | heard.OrderArrived():
            return _knowing(file, **what.model_dump())
        case heard.ContactKnown():
            # Who corrects an address often leaves out what was right.
            email = what.email or (file.contact.email if isinstance(file.contact, Reachable) else None)
            reachable = Reachable(name=what.name, email=email)
            known_shop = what.shop_id or file.knows.shop_id
            file = _knowing(file, shop_id=known_shop, buyer_id=what.buyer_id)
            return file.model_copy(update={"contact": reachable})
        case heard.OrderPaid(ship_by=ship_by):
            return _knowing(file, paid=True, ended=None, ship_by=ship_by)
        case heard.OrderRepriced(total=total):
            return _knowing(file, total=total)
        case heard.OrderEnded(how=how):
            return _knowing(file, ended=how)
        case heard.OrderLeft():
            return _knowing(file, all_dispatched=True)
        case heard.OrderOwes(ship_by=None):
            return _knowing(file, all_dispatched=True)
        case heard.OrderOwes(ship_by=ship_by):
            return _knowing(file, all_dispatched=False, ship_by=ship_by)
        case heard.ParcelReached() | heard.ParcelStood() | heard.ParcelMoved():
            return _of_parcel(file, what)
        case heard.CaseBegan() | heard.CaseDisputed() | heard.CaseEnded():
            return _of_case(file, what)
        case heard.Reviewed(review_id=review_id):
            return _knowing(file, reviewed=True, review_id=review_id)


def _of_parcel(
    file: OrderFile, what: heard.ParcelReached | heard.ParcelStood | heard.ParcelMoved
) -> OrderFile:
    match what:
        case heard.ParcelReached(parcel_id=parcel_id, stage=stage):
            known = file.parcel(parcel_id)
            if stage == "exception" and known is not None and known.stage == "returning":
                return file
            stalled = known is not None and known.stalled and stage not in NO_LONGER_STALLED
            return _with_parcel(file, Parcel(parcel_id=parcel_id, stage=stage, stalled=stalled))
        case heard.ParcelStood(parcel_id=parcel_id):
            return _stalled(file, parcel_id, stalled=True)
        case heard.ParcelMoved(parcel_id=parcel_id):
            return _stalled(file, parcel_id, stalled=False)


def _of_case(file: OrderFile, what: heard.CaseBegan | heard.CaseDisputed | heard.CaseEnded) -> OrderFile:
    match what:
        case heard.CaseBegan(case_id=case_id):
            others = tuple(each for each in file.knows.open_cases if each != case_id)
            return _knowing(file, open_cases=(*others, case_id)[-CASES_KEPT:], had_case=True)
        case heard.CaseDisputed(case_id=case_id):
            begun = _of_case(file, heard.CaseBegan(case_id=case_id))
            disputed = tuple(each for each in file.knows.disputed if each != case_id)
            return _knowing(begun, disputed=(*disputed, case_id)[-CASES_KEPT:])
        case heard.CaseEnded(case_id=case_id):
            left = tuple(each for each in file.knows.open_cases if each != case_id)
            disputed = tuple(each for each in file.knows.disputed if each != case_id)
            return _knowing(file, open_cases=left, disputed=disputed)


def _knowing(file: OrderFile, **learned: object) -> OrderFile:
    knows: Knowledge = file.knows.model_copy(update=learned)
    return file.model_copy(update={"knows": knows})


def _with_parcel(file: OrderFile, parcel: Parcel) -> OrderFile:
    parcels = put(file.knows.parcels, parcel, lambda each: each.parcel_id == parcel.parcel_id)
    return _knowing(file, parcels=parcels[-PARCELS_KEPT:])


def _stalled(file: OrderFile, parcel_id: str, *, stalled: bool) -> OrderFile:
    known = file.parcel(parcel_id) or Parcel(parcel_id=parcel_id, stage="dispatched")
    return _with_parcel(file, known.model_copy(update={"stalled": stalled}))


def _kept(file: OrderFile, note: notes.OwnNote) -> OrderFile:
    match note:
        case notes.Heard(what=what):
            return _known(file, what)
        case notes.MessageKept(message=message):
            return file.with_message(message)
        case notes.ContactAwaited(message_id=message_id, until=until):
            open_message = file.open_message(message_id)
            if open_message is None:
                return file
            return file.with_message(NeedsContact(**wanted(open_message), until=until))
        case notes.SendingBegun(message_id=message_id):
            open_message = file.open_message(message_id)
            if open_message is None:
                return file
            sending = Sending(
                **wanted(open_message),
                effect_id=note.effect_id,
                merged=note.merged,
                gathered_by=note.gathered_by,
            )
            return file.with_message(sending)
        case notes.SweepSet(at=at, times=times):
            return file.model_copy(update={"swept": Swept(at=at, times=times)})
        case notes.BuyerWrote(line=line):
            return file.with_lines((*file.conversation, line))
        case notes.AgentWrote(line=line):
            return file.with_lines((*file.conversation, line))
        case notes.BuyerErased():
            return file.model_copy(update={"contact": ContactErased()})
        case notes.TaskExplained(at=at, task_id=task_id, agent_id=agent_id, reason=reason):
            task = file.live_task(task_id)
            step = tasks.Step(at=at, what="explained", agent_id=agent_id, note=reason)
            return file if task is None else file.with_task(tasks.explained(task, step))


def _told(state: AnyFile, event: Event) -> AnyFile:
    match event.data:
        case said.MessageAllowed() | said.MessageCapped():
            return days.answered(state, event.data)
        case (
            reports.RemindersAddedUp()
            | reports.FindingsAddedUp()
            | reports.RemindersReported()
            | reports.DaySwept()
        ):
            return days.told(state, event)
        case _:
            file = opened(state, event.subject)
            return _told_order(file, event) if isinstance(file, OrderFile) else state


def _told_order(file: OrderFile, event: Event) -> OrderFile:
    match event.data:
        case (
            said.MessagePostponed(message_id=message_id)
            | said.MessageAsked(message_id=message_id)
            | said.MessageSent(message_id=message_id)
            | said.MessageSuppressed(message_id=message_id)
            | said.MessageFailed(message_id=message_id)
        ):
            message = file.open_message(message_id)
            return file if message is None else _message_moved(file, message, event)
        case said.MessageUnanswered(message_id=message_id, task_id=task_id) if task_id is not None:
            lines = [conversation.unanswered(line, message_id, task_id) for line in file.conversation]
            task = file.live_task(task_id)
            file = file.with_lines(lines)
            return file if task is None else file.with_task(tasks.with_line(task, message_id))
        case said.MessageAnswered(message_ids=message_ids, by=by):
            return file.with_lines(
                [conversation.answered(line, message_ids, by) for line in file.conversation]
            )
        case said.TaskCreated():
            return file.with_task(tasks.created(event, event.data))
        case (
            said.TaskClaimed(task_id=task_id)
            | said.TaskLeaseRenewed(task_id=task_id)
            | said.TaskReturned(task_id=task_id)
            | said.TaskOverdue(task_id=task_id)
            | said.TaskPriorityRaised(task_id=task_id)
            | said.TaskCompleted(task_id=task_id)
            | said.TaskClosed(task_id=task_id)
        ):
            task = file.live_task(task_id)
            return file if task is None else _unblocked(file.with_task(tasks.moved(task, event)), task_id)
        case _:
            return file


def _message_moved(file: OrderFile, message: OpenMessage, event: Event) -> OrderFile:
    """The file with the message in its next stage; a reminder that reached the buyer is remembered."""
    moved = file.with_message(messages.moved(message, event))
    merged = isinstance(event.data, said.MessageSuppressed) and event.data.reason == "merged_into"
    if message.template != REMINDER or not (merged or isinstance(event.data, said.MessageSent)):
        return moved
    reminded = Reminded(stage=messages.stage_of(message) or REMINDER, at=event.time)
    return moved.model_copy(update={"reminded": reminded})


def _unblocked(file: OrderFile, task_id: str) -> OrderFile:
    """Tasks that waited for one that has ended wait no longer."""
    if file.live_task(task_id) is not None:
        return file
    return file.model_copy(
        update={
            "tasks": tuple(
                each.model_copy(update={"blocked_by": None}) if each.blocked_by == task_id else each
                for each in file.tasks
            )
        }
    )
