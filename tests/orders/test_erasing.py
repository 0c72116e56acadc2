"""Rule `erasure`: an order forgets its buyer when nothing needs him any more, or when somebody insists."""

from decimal import Decimal

import pytest

from services.orders.commands import AddressChange, MakeChange, MakeRequest, WriteRemark
from services.orders.state import Unknown
from shared.contracts.events import aftersales
from shared.contracts.events.orders import ContactChanged, OrderErased
from shared.contracts.facts import Receiver
from shared.contracts.wishes import InvoiceRequest
from shared.kernel.decision import Contact, Decision
from shared.kernel.erasure import EraseBuyer
from tests.kit.rules import after, heard
from tests.orders.play import OrderPlay, order_placed

pytestmark = pytest.mark.promise("forgotten")


ANOTHER_TOMBSTONE = Decision(rule="erasure", contacts=(Contact(payload=None),))


def completed() -> OrderPlay:
    play = OrderPlay().placed().do(WriteRemark(at=after(minutes=5), text="Anna calls back", by="mia"))
    play.do(MakeRequest(at=after(minutes=6), request=InvoiceRequest(title="Anna Roth"), by="mia"))
    return play.paid().left("P-1", after(days=1)).arrived("P-1", after(days=2)).run_until(after(days=13))


def erase(at: float = 20, *, insisting: bool = False) -> EraseBuyer:
    return EraseBuyer(at=after(days=at), even_though_open=insisting)


def dispute(which: type[aftersales.CaseDisputed | aftersales.CaseRefused]) -> aftersales.CaseDisputed:
    told = {"case_id": "c-1", "kind": "return_and_refund", "decided_by": "agent", "slug": "x"}
    return which.model_validate(told)  # type: ignore[return-value]  # both are of a case


def test_an_order_that_is_over_forgets_its_buyer_and_says_so() -> None:
    play = completed()
    assert [kept.text for kept in play.state.order.texts] == ["Anna calls back", "Anna Roth"]
    play.do(erase())
    assert play.said[-1] == OrderErased(was_open=False)
    assert play.contacts[-1] is None
    assert play.state.order.texts == ()
    assert "Anna" not in play.state.model_dump_json() + play.view.model_dump_json()


def test_asked_twice_it_says_nothing_new_and_gives_the_contact_another_tombstone() -> None:
    play = completed().do(erase(), erase(21))
    assert play.last == ANOTHER_TOMBSTONE
    assert play.names().count("order.erased") == 1


@pytest.mark.parametrize(
    ("play", "why"),
    [
        (OrderPlay().placed(), "the order is unpaid"),
        (OrderPlay().placed().paid(), "the order is paid"),
        (OrderPlay().placed().paid().left("P-1", after(days=1)), "dispatched, parcel P-1 is under way"),
        (completed().case_opened("c-9", after(days=14)), "case c-9 is open"),
    ],
)
def test_while_the_trade_needs_the_buyer_it_is_refused_by_name(play: OrderPlay, why: str) -> None:
    said = len(play.said)
    play.do(erase(15))
    assert play.refused.slug == "order-open"
    assert why in play.refused.detail
    assert len(play.said) == said
    assert not play.erased


def test_a_dispute_about_a_refused_case_keeps_it_open_until_the_platform_decided() -> None:
    play = completed().case_opened("c-1", after(days=14))
    play.hear(dispute(aftersales.CaseRefused), after(days=15))
    play.hear(dispute(aftersales.CaseDisputed), after(days=16)).do(erase(17))
    assert "case c-1 is open" in play.refused.detail
    settled = aftersales.CaseDisputeSettled(case_id="c-1", kind="return_and_refund", winner="shop")
    play.hear(settled, after(days=18)).do(erase(19))
    assert play.names()[-1] == "order.erased"


def test_who_insists_erases_an_open_order_and_that_is_said() -> None:
    play = OrderPlay().placed().paid().do(erase(2, insisting=True))
    assert play.said[-1] == OrderErased(was_open=True)
    assert play.state.stage == "paid"


def test_an_order_that_was_never_placed_is_unknown_unless_somebody_insists() -> None:
    play = OrderPlay().do(erase())
    assert (play.refused.slug, play.refused.missing) == ("order-unknown", True)
    play.do(erase(insisting=True))
    assert play.said == [OrderErased()]
    assert play.state == Unknown(erased=True)
    play.do(order_placed(after(days=21))).do(erase(22, insisting=True))
    assert play.last == ANOTHER_TOMBSTONE
    assert play.state.order.erased


def test_nothing_new_about_the_buyer_stays_in_an_erased_order() -> None:
    play = OrderPlay().placed().do(erase(0.1, insisting=True))
    play.do(WriteRemark(at=after(hours=3), text="Anna calls back", by="mia"))
    change = AddressChange(receiver=Receiver(name="Anna Roth", address="Main Street 1"))
    play.do(MakeChange(at=after(hours=4), change=change, by="mia"))
    assert "Anna" not in play.state.model_dump_json() + play.view.model_dump_json()
    contact = play.contacts[-1]
    assert isinstance(contact, ContactChanged)
    assert "Anna" not in contact.model_dump_json()


def test_its_own_word_erases_a_file_that_was_restored_to_before_it() -> None:
    play = completed()
    for subject, command in play.service.react(heard(OrderErased(), after(days=20), source="orders")):
        assert subject == "A-1"
        play.do(command)
    assert play.state.order.texts == ()
    assert play.state.order.total == Decimal("30.00")
