"""Rule `erasure`: logistics forgets who receives an order and what was written about its parcels."""

import pytest

from services.logistics.app import SERVICE
from services.logistics.commands import RegisterEnquiry
from services.logistics.state import NotPlaced
from shared.contracts.events.orders import OrderErased
from shared.kernel.decision import NOTHING
from tests.kit.rules import START, Play, after
from tests.logistics.story import ORDER, contact, parcel_of, placed, scan, shipping

pytestmark = pytest.mark.promise("forgotten")


def written_about() -> Play:
    play = shipping().hear(contact("Anna Roth"), START)
    play.do(scan("delivered", after(days=1), text="Anna Roth signed for it"))
    asked = RegisterEnquiry(
        at=after(days=2), parcel_id="P-1", about="lookup", channel="chat", text="Where is it? Anna"
    )
    return play.do(asked)


def test_receiver_carriers_words_and_enquiries_are_gone() -> None:
    play = written_about()
    assert "Anna" in play.state.model_dump_json()
    play.hear(OrderErased(), after(days=30))
    assert play.state.contact is None
    assert "Anna" not in play.state.model_dump_json() + play.view.model_dump_json()
    assert parcel_of(play).stage == "delivered"


def test_a_contact_that_comes_after_it_is_not_kept() -> None:
    play = written_about().hear(OrderErased(), after(days=30)).hear(contact("Anna Roth"), after(days=31))
    assert play.last is NOTHING
    assert play.state.contact is None


def test_a_scan_after_it_moves_the_parcel_without_its_words() -> None:
    play = shipping().hear(OrderErased(), after(hours=1))
    play.do(scan("in_transit", after(hours=2), text="asked Anna Roth"))
    assert parcel_of(play).stage == "in_transit"
    assert "Anna" not in play.state.model_dump_json()


def test_an_order_that_is_not_known_yet_is_erased_before_it_comes() -> None:
    play = Play(SERVICE, ORDER).hear(contact("Anna Roth"), START).hear(OrderErased(), after(hours=1))
    assert play.state == NotPlaced(erased=True)
    play.hear(placed(), after(hours=2)).hear(contact("Anna Roth"), after(hours=3))
    assert (play.state.stage, play.state.erased) == ("placed", True)
    assert "Anna" not in play.state.model_dump_json()


def test_heard_twice_it_changes_nothing() -> None:
    play = written_about().hear(OrderErased(), after(days=30)).hear(OrderErased(), after(days=31))
    assert play.last is NOTHING
