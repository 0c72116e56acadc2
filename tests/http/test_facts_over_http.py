"""Facts over HTTP: accepted once, told what became of them, refused when malformed."""

from datetime import timedelta

import pytest

from tests.http.kit import ADMIN, DEMO_SHOP, READER, Door, paid, placed, problem
from tests.http.town import Town
from tests.kit.rules import START


async def test_a_fact_is_accepted_and_says_that_it_fits(door: Door) -> None:
    response = await door.tell(placed())
    assert response.status_code == 202
    assert response.json() == {
        "id": "f-1",
        "order_id": "A-1",
        "fits": True,
        "slug": None,
        "detail": None,
        "duplicate": False,
        "waiting": False,
        "version": 1,
        "state": None,
    }


async def test_the_new_state_is_told_to_who_may_read_it(door: Door) -> None:
    response = await door.tell(placed(), token=ADMIN)
    assert response.json()["state"] == {"said": 1, "poked": 0}


@pytest.mark.promise("once")
async def test_telling_a_fact_twice_changes_nothing(door: Door) -> None:
    await door.tell(placed())
    again = await door.tell(placed())
    assert again.status_code == 202
    assert again.json()["duplicate"] is True
    assert await door.world.words() == ["placed"]


async def test_the_same_fact_id_with_another_body_is_a_problem(door: Door) -> None:
    await door.tell(placed())
    problem(await door.tell(placed(at=(START + timedelta(seconds=1)).isoformat())), 422, "key-reused")


async def test_a_fact_that_comes_too_early_is_kept(door: Door) -> None:
    early = await door.tell(paid())
    assert (early.status_code, early.json()["fits"], early.json()["waiting"]) == (202, False, True)
    assert early.json()["slug"] == "not-placed"
    await door.tell(placed())
    assert await door.world.words() == ["placed", "paid"]


async def test_a_fact_that_does_not_fit_is_accepted_and_says_why(door: Door) -> None:
    await door.tell(placed())
    response = await door.tell(placed(id="f-9"))
    assert (response.status_code, response.json()["fits"], response.json()["waiting"]) == (202, False, False)
    assert response.json()["slug"] == "placed-already"


@pytest.mark.parametrize(
    ("change", "field", "expected", "got"),
    [
        ({"total": 16.45}, "data.total", "decimal number written as a string", "16.45"),
        ({"total": "-1"}, "data.total", "zero or more", "'-1'"),
        ({"total": "9" * 40}, "data.total", "at most 15 digits", "'9999"),
        ({"total": "1e999999"}, "data.total", "digits", "'1e999999'"),
        ({"total": "NaN"}, "data.total", "", "'NaN'"),
        ({"currency": "euro"}, "data.currency", "[A-Z]{3}", "'euro'"),
        ({"lines": []}, "data.lines", "at least 1 item", "an array"),
        ({"lines": {}}, "data.lines", "an array", "an object"),
        ({"shop_id": ""}, "data.shop_id", "at least 1 character", "''"),
        ({"shop_id": "x" * 129}, "data.shop_id", "at most 128 characters", "(129 characters)"),
        ({"shop_id": "a\nb"}, "data.shop_id", "no control characters", "'a\\nb'"),
        ({"colour": "red"}, "data.colour", "no field of this name", "a string of 3 characters"),
    ],
)
async def test_a_wrong_field_is_named_with_what_was_expected_and_what_came(
    door: Door, change: dict[str, object], field: str, expected: str, got: str
) -> None:
    fact = placed()
    fact["data"].update(change)
    told = problem(await door.tell(fact), 422, "validation")["errors"]
    assert [error["field"] for error in told] == [field]
    assert expected in told[0]["expected"]
    assert got in told[0]["got"]
    assert await door.world.store.load(["A-1"]) == {}


async def test_a_field_inside_a_list_is_named_by_its_place(door: Door) -> None:
    fact = placed()
    fact["data"]["lines"][0]["amount"] = 5
    told = problem(await door.tell(fact), 422, "validation")
    assert told["errors"] == [
        {
            "field": "data.lines.0.amount",
            "expected": "a decimal number written as a string, for example '16.45'",
            "got": "5",
        }
    ]


async def test_an_order_is_not_named_as_a_file_of_ours_is(door: Door) -> None:
    told = problem(await door.tell(placed(order_id="tracking/1Z999")), 422, "validation")["errors"]
    assert [(error["field"], error["got"]) for error in told] == [("order_id", "'tracking/1Z999'")]
    assert told[0]["expected"].startswith("an id that does not begin with 'buyer/', ")
    assert await door.world.store.load(["tracking/1Z999"]) == {}


async def test_a_missing_field_is_named(door: Door) -> None:
    fact = placed()
    del fact["at"]
    assert problem(await door.tell(fact), 422, "validation")["errors"][0]["field"] == "at"


async def test_a_fact_of_another_service_is_told_which_are_taken(door: Door) -> None:
    told = problem(await door.tell(placed(fact="shipment.scanned")), 422, "validation")["errors"][0]
    assert told["field"] == "fact"
    assert "'order.placed', 'order.paid', 'order.cancelled'" in told["expected"]
    assert told["got"] == "'shipment.scanned'"


@pytest.mark.parametrize(
    "at", [1_700_000_000, "1700000000", "2026-03-02", "yesterday", "2026-03-02T12:00:00", None]
)
async def test_a_moment_is_rfc_3339_with_an_offset(door: Door, at: object) -> None:
    assert problem(await door.tell(placed(at=at)), 422, "validation")["errors"][0]["field"] == "at"


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_a_moment_outside_of_the_calendar_is_a_problem(door: Door, at: str) -> None:
    assert problem(await door.tell(placed(at=at)), 422, "validation")["errors"][0]["field"] == "at"


@pytest.mark.parametrize(("at", "status"), [(300, 202), (301, 422)])
async def test_a_moment_far_ahead_of_the_clock_is_implausible(door: Door, at: int, status: int) -> None:
    response = await door.tell(placed(at=(START + timedelta(seconds=at)).isoformat()))
    assert response.status_code == status


@pytest.mark.parametrize(("days", "status"), [(400, 202), (401, 422)])
async def test_a_moment_long_before_the_clock_is_implausible(door: Door, days: int, status: int) -> None:
    response = await door.tell(placed(at=(START - timedelta(days=days)).isoformat()))
    assert response.status_code == status
    if status == 422:
        assert problem(response, 422, "time-implausible")["errors"][0]["field"] == "at"


async def test_personal_values_are_told_by_their_type_only(door: Door) -> None:
    fact = placed()
    fact["data"]["receiver"] = {
        "name": 5,
        "phone": "call Jane",
        "email": "jane at home",
        "shoe": "Jane's size",
    }
    response = await door.tell(fact)
    problem(response, 422, "validation")
    for personal in ("Jane", "jane", "home", "size"):
        assert personal not in response.text
    assert "a string of 9 characters" in response.text


async def test_a_shops_token_tells_facts_of_its_shop_only(door: Door) -> None:
    fact = placed()
    fact["data"]["shop_id"] = "other"
    told = problem(await door.tell(fact, DEMO_SHOP), 403, "shop-not-allowed")
    assert "data.shop_id" in told["detail"]
    await door.tell(fact)
    problem(await door.tell(paid(), DEMO_SHOP), 403, "shop-not-allowed")
    assert await door.world.words() == ["placed"]


async def test_without_the_scope_no_fact_is_taken(door: Door) -> None:
    response = await door.tell(placed(), READER)
    assert "facts:write" in problem(response, 403, "forbidden")["detail"]
    assert "insufficient_scope" in response.headers["www-authenticate"]


@pytest.mark.promise("kept")
async def test_a_database_that_is_away_is_said_with_a_time_to_come_again(door: Door) -> None:
    door.world.store.away = True
    response = await door.tell(placed())
    problem(response, 503, "unavailable")
    assert int(response.headers["retry-after"]) > 0


@pytest.mark.promise("resumed")
async def test_a_broker_that_is_away_keeps_nobody_from_telling(door: Door) -> None:
    door.world.publisher.away = True
    assert (await door.tell(placed())).status_code == 202


async def test_a_fact_of_a_token_for_one_shop_waits_until_it_is_known_whose_order_it_is() -> None:
    town = Town()
    await town.start()
    written = {
        "id": "m-1",
        "at": town.clock.now().isoformat(),
        "order_id": "Z-1",
        "fact": "buyer.message",
        "data": {"text": "Please send it elsewhere."},
    }
    told = await town.ask("notifications", "POST", "/facts", DEMO_SHOP, json=written)
    assert (told.status_code, told.json()["waiting"], told.json()["state"]) == (202, True, None)
    await town.place("Z-1", shop_id="fashion")
    await town.settle()
    assert (await town.see("notifications", "/orders/Z-1/conversation"))["lines"] == []
    ours = {**written, "id": "m-2", "order_id": "Z-2"}
    assert (await town.ask("notifications", "POST", "/facts", DEMO_SHOP, json=ours)).json()["waiting"]
    await town.place("Z-2")
    await town.settle()
    assert len((await town.see("notifications", "/orders/Z-2/conversation"))["lines"]) == 1
    await town.close()
