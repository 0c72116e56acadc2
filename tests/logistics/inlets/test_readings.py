"""What each system's sample tells: which scans, when, where and what went wrong."""

from typing import Any

import pytest

from shared.contracts.facts import ShipmentScanned, Sighting
from shared.kernel.inlets import Read, Unreadable
from tests.logistics.inlets.letters import INLETS, NOW, delivery, sample

EXPECTED = {
    "aftership": [
        ("sf", "SF1020304050607", "picked_up", "2026-03-01T02:00:00", "Shenzhen, Guangdong", None),
        ("sf", "SF1020304050607", "in_transit", "2026-03-02T06:00:00", None, None),
        (
            "sf",
            "SF1020304050607",
            "exception",
            "2026-03-02T08:00:00",
            "Leipzig, Germany",
            "incorrect_address",
        ),
    ],
    "easypost": [
        ("usps", "9400111201080805483016", "in_transit", "2026-03-01T09:26:24", "OCEANSIDE, CA, US", None),
        ("usps", "9400111201080805483016", "exception", "2026-03-01T21:00:00", "RENO, NV, US", "weather"),
        ("usps", "9400111201080805483016", "out_for_delivery", "2026-03-02T16:10:00", "RENO, NV, US", None),
    ],
    "shippo": [
        ("ups", "1Z5R89390357567127", "picked_up", "2026-03-01T02:30:00", "San Francisco, CA, US", None),
        ("ups", "1Z5R89390357567127", "in_transit", "2026-03-01T05:30:00", "Reno, NV, US", None),
        ("ups", "1Z5R89390357567127", "exception", "2026-03-02T17:55:00", "Chicago, IL, US", "not_home"),
    ],
    "track17": [
        ("sf", "SF1020304050607", "picked_up", "2026-03-01T02:00:00", "Shenzhen", None),
        ("sf", "SF1020304050607", "exception", "2026-03-02T07:00:00", "Leipzig, DE", "customs_documentation"),
        ("sf", "SF1020304050607", "delivered", "2026-03-02T14:00:00", "Leipzig", None),
    ],
    "kuaidi100": [
        ("sf", "SF1020304050607", "picked_up", "2026-03-01T03:00:00", None, None),
        ("sf", "SF1020304050607", "in_transit", "2026-03-01T14:10:00", "江苏,苏州市", None),
        ("sf", "SF1020304050607", "out_for_delivery", "2026-03-02T00:04:25", None, None),
        ("sf", "SF1020304050607", "out_for_delivery", "2026-03-02T01:51:07", None, None),
        ("sf", "SF1020304050607", "delivered", "2026-03-02T08:20:38", None, None),
    ],
    "scans": [
        ("zto", "ZT1", "delivered", "2026-03-02T05:00:00", None, None),
        ("scans:Hofbote", "HB-0042", "picked_up", "2026-03-02T07:00:00", "Leipzig", None),
        ("scans:Hofbote", "HB-0042", "exception", "2026-03-02T12:00:00", None, "refused"),
    ],
}


def read(system: str, payload: Any, shop_id: str = "*") -> Read:
    reading = INLETS[system].read(delivery(system, payload, shop_id=shop_id))
    assert isinstance(reading, Read), reading
    return reading


def scans(reading: Read) -> list[Sighting]:
    assert all(isinstance(fact, Sighting) for fact in reading.facts)
    return [fact for fact in reading.facts if isinstance(fact, Sighting)]


@pytest.mark.parametrize("system", EXPECTED)
def test_a_sample_tells_its_scans_in_order_of_time_in_utc(system: str) -> None:
    told = [
        (
            fact.data.carrier,
            fact.data.tracking_no,
            fact.data.status,
            fact.data.scanned_at.strftime("%Y-%m-%dT%H:%M:%S"),
            fact.data.location,
            fact.reason,
        )
        for fact in scans(read(system, sample(system)))
    ]
    assert told == EXPECTED[system]


@pytest.mark.parametrize("system", EXPECTED)
def test_the_same_payload_has_the_same_ids_and_reaches_us_when_it_does(system: str) -> None:
    first, again = (read(system, sample(system)) for _ in range(2))
    assert [fact.id for fact in first.facts] == [fact.id for fact in again.facts]
    assert len({fact.id for fact in first.facts}) == len(first.facts)
    assert {fact.at for fact in first.facts} == {NOW}
    assert all(len(fact.id) <= 128 and fact.id.startswith(f"{system}/") for fact in first.facts)


@pytest.mark.parametrize("system", EXPECTED)
def test_an_inlet_of_one_shop_tells_of_that_shop(system: str) -> None:
    assert {fact.shop_id for fact in scans(read(system, sample(system), "demo"))} == {"demo"}
    assert {fact.shop_id for fact in scans(read(system, sample(system)))} == {None}


def test_what_is_no_scan_is_left_and_said() -> None:
    assert read("aftership", sample("aftership")).left == (
        "status 'InfoReceived_001' is no scan of the parcel",
    )
    assert read("kuaidi100", sample("kuaidi100")).left == ("status '101' is no scan of the parcel",)


def test_a_word_that_no_table_knows_moves_no_parcel() -> None:
    payload = sample("aftership")
    payload["msg"]["checkpoints"] = [
        {**point, "tag": "Teleported", "subtag": "Teleported_001"} for point in payload["msg"]["checkpoints"]
    ]
    reading = read("aftership", payload)
    assert (reading.facts, reading.left) == ((), ("status 'Teleported_001' is not known",))


def test_a_new_sub_status_is_read_by_its_known_status() -> None:
    payload = sample("aftership")
    payload["msg"]["checkpoints"] = [
        {"tag": "Exception", "subtag": "Exception_099", "checkpoint_time": "2026-03-02T09:00:00Z"}
    ]
    assert [fact.data.status for fact in scans(read("aftership", payload))] == ["exception"]


def test_the_carriers_weight_comes_with_the_first_scan_in_grams() -> None:
    told = scans(read("easypost", sample("easypost")))
    assert [fact.data.weight_grams for fact in told] == [499, None, None]


def test_an_unknown_carrier_is_kept_as_the_system_calls_it() -> None:
    payload = sample("aftership")
    payload["msg"]["slug"] = "my-courier"
    assert {fact.data.carrier for fact in scans(read("aftership", payload))} == {"aftership:my-courier"}


def test_a_carrier_that_is_not_told_is_nobody() -> None:
    payload = sample("track17")
    payload["data"]["carrier"] = None
    assert {fact.data.carrier for fact in scans(read("track17", payload))} == {"track17:"}


def test_kuaidi100_tells_the_carrier_that_it_found_out() -> None:
    payload = {**sample("kuaidi100"), "comOld": "shunfeng", "comNew": "zhongtong"}
    assert {fact.data.carrier for fact in scans(read("kuaidi100", payload))} == {"zto"}


def test_a_line_without_a_state_is_read_by_its_words_and_the_newest_by_the_whole() -> None:
    payload = sample("kuaidi100")
    for line in payload["lastResult"]["data"]:
        line.pop("status")
        line.pop("statusCode", None)
    payload["lastResult"]["data"][0]["context"] = "谢谢惠顾"
    told = [fact.data.status for fact in scans(read("kuaidi100", payload))]
    assert told == ["picked_up", "in_transit", "out_for_delivery", "out_for_delivery", "delivered"]


def test_a_subscription_without_a_trace_tells_nothing() -> None:
    reading = read("kuaidi100", {"status": "abort", "message": "3天查询无记录", "comNew": ""})
    assert (reading.facts, reading.left) == ((), ("status 'abort' without a trace",))


def test_17tracks_latest_event_serves_where_there_are_no_others() -> None:
    payload = sample("track17")
    payload["data"]["track_info"]["tracking"]["providers"] = []
    assert [fact.data.status for fact in scans(read("track17", payload))] == ["delivered"]


def test_shopify_names_the_order_and_the_parcel_by_its_fulfillment() -> None:
    reading = read("shopify_fulfillments", sample("shopify_fulfillments"), "demo")
    (fact,) = reading.facts
    assert isinstance(fact, ShipmentScanned)
    assert (fact.order_id, fact.data.tracking_no, fact.data.status) == ("450789469", "255858046", "exception")
    assert fact.data.scanned_at.isoformat() == "2026-03-02T16:47:57+00:00"


@pytest.mark.parametrize(
    ("system", "change"),
    [
        ("aftership", {"event": "edd_revise"}),
        ("easypost", {"description": "batch.updated"}),
        ("shippo", {"event": "transaction_created"}),
        ("track17", {"event": "TRACKING_STOPPED"}),
        ("shopify_fulfillments", {"status": "label_printed"}),
    ],
)
def test_an_event_that_is_no_parcels_way_is_left(system: str, change: dict[str, Any]) -> None:
    reading = read(system, {**sample(system), **change})
    assert reading.facts == ()
    assert len(reading.left) == 1


LACKING: list[tuple[str, Any, str]] = [
    ("aftership", [], "body"),
    ("aftership", {"event": "tracking_update"}, "msg"),
    ("aftership", {"msg": {"checkpoints": [], "slug": "ups"}}, "tracking_number"),
    ("aftership", {"msg": {"checkpoints": {}, "tracking_number": "1"}}, "checkpoints"),
    ("easypost", {"description": "tracker.updated", "result": "x"}, "result"),
    ("easypost", {"description": "tracker.updated", "result": {"tracking_code": ""}}, "tracking_code"),
    ("shippo", {"event": "track_updated"}, "data"),
    ("track17", {"data": {}}, "event"),
    ("track17", {"event": "TRACKING_UPDATED", "data": {}}, "number"),
    ("kuaidi100", {"lastResult": {"com": "zto"}}, "nu"),
    ("kuaidi100", {"lastResult": {"nu": "1", "data": 4}}, "data"),
    ("shopify_fulfillments", {"fulfillment_id": 1}, "order_id"),
    ("shopify_fulfillments", {"order_id": 1}, "fulfillment_id"),
    ("shopify_fulfillments", {"order_id": 1, "fulfillment_id": 2, "status": "delivered"}, "happened_at"),
    ("scans", {"tracking_no": "1", "status": "delivered"}, "scanned_at"),
    ("scans", {"tracking_no": "1", "status": "gone", "scanned_at": "2026-03-02T12:00:00Z"}, "status"),
    ("scans", {"tracking_no": "1\n2", "scanned_at": "2026-03-02T12:00:00Z"}, "tracking_no"),
    ("scans", {"scans": [{}] * 201}, "scans"),
    (
        "scans",
        {
            "tracking_no": "1",
            "status": "delivered",
            "scanned_at": "2026-03-02T12:00:00Z",
            "weight_grams": -1,
        },
        "weight_grams",
    ),
    ("scans", {"tracking_no": "1", "fault": "me", "scanned_at": "2026-03-02T12:00:00Z"}, "fault"),
]


@pytest.mark.parametrize(("system", "payload", "field"), LACKING)
def test_a_payload_that_lacks_what_is_needed_names_the_field(system: str, payload: Any, field: str) -> None:
    reading = INLETS[system].read(delivery(system, payload))
    assert isinstance(reading, Unreadable)
    assert reading.field == field


def test_a_long_trace_is_cut_to_its_newest_checkpoints() -> None:
    payload = sample("aftership")
    point = payload["msg"]["checkpoints"][0]
    payload["msg"]["checkpoints"] = [
        {**point, "checkpoint_time": f"2026-02-{day:02d}T{hour:02d}:00:00Z"}
        for day in range(1, 15)
        for hour in range(24)
    ]
    reading = read("aftership", payload)
    assert len(reading.facts) == 200
    assert scans(reading)[-1].data.scanned_at.isoformat() == "2026-02-14T23:00:00+00:00"
    assert reading.left == ("136 older checkpoints, beyond 200",)


@pytest.mark.parametrize(
    ("sub_status", "stage", "status"),
    [
        ("InTransit_TransportArrived", None, "in_transit"),
        ("InTransit_OfTomorrow", "PickedUp", "picked_up"),
        (None, "Returning", "returning"),
        ("Exception_OfTomorrow", None, "exception"),
    ],
)
def test_a_sub_status_that_no_table_has_means_what_its_stage_or_its_status_does(
    sub_status: str | None, stage: str | None, status: str
) -> None:
    event = {"time_utc": "2026-03-02T14:00:00Z", "description": "?", "stage": stage, "sub_status": sub_status}
    track = {"tracking": {"providers": [{"events": [event]}]}}
    payload = {"event": "TRACKING_UPDATED", "data": {"number": "X1", "carrier": 100012, "track_info": track}}
    assert [fact.data.status for fact in scans(read("track17", payload))] == [status]


def test_what_two_shops_inlets_tell_of_one_number_is_told_by_each_of_them() -> None:
    payload = sample("aftership")
    ours, theirs = ({fact.id for fact in scans(read("aftership", payload, shop))} for shop in ("a", "b"))
    assert ours
    assert not ours & theirs
