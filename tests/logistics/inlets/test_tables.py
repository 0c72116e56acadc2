"""The tables: complete for what is documented, sourced, and refused where they contradict themselves."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.logistics.decide.check_digits import SCHEMES
from services.logistics.decide.faults import REASONS
from services.logistics.inlets.page import page
from services.logistics.inlets.reading import CARRIERS, CHINESE, read, read_carriers, status_table
from services.logistics.inlets.tables import Meaning, StatusTable, Words
from services.logistics.state.carriers import Carrier, Carriers, CarrierTable
from tests.logistics.inlets.letters import SAMPLES

PAGE = Path(__file__).parents[3] / "docs" / "inlets-carriers-tables.md"
SYSTEMS = ["aftership", "easypost", "kuaidi100", "shippo", "shopify_fulfillments", "track17"]
DOCUMENTED: dict[str, str] = {
    "aftership": "Pending InfoReceived InTransit OutForDelivery AttemptFail AvailableForPickup Delivered "
    "Exception Expired",
    "easypost": "unknown pre_transit in_transit out_for_delivery delivered available_for_pickup "
    "return_to_sender failure cancelled error",
    "shippo": "UNKNOWN PRE_TRANSIT TRANSIT DELIVERED RETURNED FAILURE",
    "track17": "NotFound InfoReceived InTransit Expired AvailableForPickup OutForDelivery DeliveryFailure "
    "Delivered Exception NotFound_Other NotFound_InvalidCode InTransit_PickedUp InTransit_Other "
    "InTransit_Departure InTransit_Arrival InTransit_CustomsProcessing InTransit_CustomsReleased "
    "InTransit_CustomsRequiringInformation DeliveryFailure_Other DeliveryFailure_NoBody "
    "DeliveryFailure_Security DeliveryFailure_Rejected DeliveryFailure_InvalidAddress Exception_Other "
    "Exception_Returning Exception_Returned Exception_NoBody Exception_Security Exception_Damage "
    "Exception_Rejected Exception_Delayed Exception_Lost Exception_Destroyed Exception_Cancel",
    "kuaidi100": "0 1 2 3 4 5 6 7 8 14 101 102 103 1001 1002 1003 301 302 303 304 401 501",
    "shopify_fulfillments": "label_purchased label_printed confirmed carrier_picked_up in_transit "
    "out_for_delivery ready_for_pickup attempted_delivery delayed delivered failure",
}
"""The main statuses of each system's documentation, written down apart from the tables."""


def every(system: str) -> list[Meaning]:
    table = status_table(system)
    return [*table.statuses, *table.details]


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_documented_status_has_a_meaning(system: str) -> None:
    table = status_table(system)
    assert [code for code in DOCUMENTED[system].split() if table.status(code) is None] == []


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_entry_names_a_source_that_is_given(system: str) -> None:
    table = status_table(system)
    assert all(len(source) > 10 for source in table.sources.values())
    assert {entry.source for entry in every(system)} == set(table.sources)


@pytest.mark.parametrize(
    ("code", "means"),
    [
        ("AvailableForPickup_001", "out_for_delivery"),
        ("Exception_010", "returning"),
        ("expired_001", "nothing"),
    ],
)
def test_a_sub_status_is_found_in_any_case(code: str, means: str) -> None:
    found = status_table("aftership").status(code, "InTransit")
    assert found is not None
    assert found.means == means


def test_a_detail_refines_its_status_but_takes_no_delivery_back() -> None:
    table = status_table("easypost")
    cases = {
        ("in_transit", "weather_delay"): "exception",
        ("in_transit", "departed_facility"): "in_transit",
        ("in_transit", "no_such_detail"): "in_transit",
        ("in_transit", None): "in_transit",
        ("delivered", "delivery_exception"): "delivered",
        ("return_to_sender", "return"): "returning",
    }
    for codes, means in cases.items():
        found = table.refined(*codes)
        assert found is not None
        assert found.means == means
    assert table.refined("no_such_status", "no_such_detail") is None


def test_every_reason_that_a_table_gives_is_one_of_ours() -> None:
    given = {entry.reason for system in SYSTEMS for entry in every(system)} - {None}
    assert given <= set(REASONS)


ONE = {"code": "x", "means": "delivered", "source": "s"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"statuses": [{**ONE, "means": "gone"}]}, "means"),
        ({"statuses": [{**ONE, "reason": "refused"}]}, "only an exception"),
        ({"statuses": [{**ONE, "means": "exception", "reason": "boredom"}]}, "boredom"),
        ({"statuses": [{**ONE, "source": "hearsay"}]}, "hearsay"),
        ({"statuses": [ONE, {**ONE, "code": "X"}]}, "twice"),
        ({"statuses": [{**ONE, "means": "as_status"}]}, "status"),
        ({"statuses": [{**ONE, "means": "by_words"}]}, "otherwise"),
        ({"statuses": []}, "statuses"),
        ({"statuses": [ONE], "colour": "red"}, "colour"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused_by_its_name(wrong: dict[str, Any], said: str) -> None:
    text = yaml.safe_dump({"system": "s", "sources": {"s": "https://docs.example"}, **wrong})
    with pytest.raises(ValueError, match=f"table s.yaml: [^§]*{said}"):
        read("s.yaml", text, StatusTable)


def test_words_that_mean_two_things_are_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        read("w", "{source: s, words: {delivered: [签收], returned: [签收]}}", Words)
    with pytest.raises(ValueError, match="no scans"):
        read("w", "{source: s, words: {nothing: [签收]}}", Words)


def test_two_carriers_of_one_name_and_an_unwritten_scheme_are_refused() -> None:
    one = Carrier(id="a", name="A One", source="a source")
    with pytest.raises(ValueError, match="both called 'aone'"):
        Carriers((one, Carrier(id="b", name="B", names=("a-one",), source="a source")))
    strange = CarrierTable(carriers=(one.model_copy(update={"schemes": ("luhn",)}),))
    with pytest.raises(ValueError, match="luhn"):
        read_carriers(strange)


def test_a_few_dozen_carriers_are_known_by_the_names_of_all_systems() -> None:
    assert len(CARRIERS.all) >= 40
    names = {
        "sf": ["aftership:sf-express", "kuaidi100:shunfeng", "track17:100012", "easypost:SFExpress"],
        "dhl-express": ["aftership:dhl", "shippo:dhl_express", "easypost:DHLExpress", "track17:100001"],
        "canada-post": ["aftership:canada-post", "shippo:canada_post", "easypost:CanadaPost", "track17:3041"],
        "usps": ["aftership:usps", "shippo:usps", "easypost:USPS", "track17:21051", "USPS"],
        "zto": ["kuaidi100:zhongtong", "aftership:zto-express", "中通快递"],
    }
    for carrier, called in names.items():
        assert {name: CARRIERS.id_of(name) for name in called} == dict.fromkeys(called, carrier)
    assert CARRIERS.told_by("aftership", "my-courier") == "aftership:my-courier"
    assert CARRIERS.id_of("100012") is None
    assert all(scheme in SCHEMES for carrier in CARRIERS.all for scheme in carrier.schemes)


LINES = yaml.safe_load((SAMPLES / "chinese_lines.yaml").read_text(encoding="utf-8"))
SAID = [(status, line) for status, lines in LINES.items() for line in lines]


@pytest.mark.parametrize(("status", "line"), SAID)
def test_a_chinese_line_says_what_its_last_word_says(status: str, line: str) -> None:
    assert (CHINESE.status_of(line) or "nothing") == status


def test_the_page_of_tables_is_that_of_the_tables() -> None:
    assert PAGE.read_text("utf-8") == page(), (
        f"make it anew: python -m services.logistics.inlets.page > {PAGE}"
    )
