"""Commands over HTTP: under a key, guarded by a version, refused with the rule's slug."""

import re

import pytest

from shared.runtime.ports import Write
from tests.http.kit import AGENT, DEMO_SHOP, READER, Door, paid, placed, problem


@pytest.fixture(autouse=True)
async def _an_order(door: Door) -> None:
    await door.tell(placed())


async def test_a_command_answers_with_the_new_state(door: Door) -> None:
    response = await door.say("hello")
    assert response.status_code == 200
    assert response.json() == {"words": ["placed", "hello"], "duplicate": False}
    assert response.headers["etag"] == '"2"'


async def test_a_command_without_a_key_is_a_problem_that_names_the_header(door: Door) -> None:
    told = problem(await door.say("hello", key=None), 400, "idempotency-key-missing")
    assert told["detail"].startswith("Idempotency-Key:")
    assert await door.world.words() == ["placed"]


@pytest.mark.parametrize("key", ["x" * 129, " ", "a\tb", "\xe4"])
async def test_a_key_that_cannot_be_used_is_a_problem(door: Door, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode("latin-1")}
    response = await door.client.post(
        "/orders/A-1/say",
        json={"word": "hello"},
        headers=[*headers.items(), (b"Authorization", b"Bearer " + AGENT.encode())],
    )
    assert problem(response, 400, response.json()["slug"])["slug"].startswith("idempotency-key-")


async def test_asking_again_under_the_same_key_changes_nothing(door: Door) -> None:
    await door.say("hello")
    door.world.clock.advance(door.world.profile.values.claim_lease)
    again = await door.say("hello")
    assert (again.status_code, again.json()["duplicate"]) == (200, True)
    assert await door.world.words() == ["placed", "hello"]


async def test_the_same_key_with_another_body_is_a_problem(door: Door) -> None:
    await door.say("hello")
    problem(await door.say("goodbye"), 422, "key-reused")
    assert await door.world.words() == ["placed", "hello"]


async def test_two_actors_may_use_the_same_key(door: Door) -> None:
    from tests.http.kit import ADMIN

    await door.say("hello")
    await door.say("hello", token=ADMIN)
    assert await door.world.words() == ["placed", "hello", "hello"]


async def test_a_rules_no_is_a_conflict_whose_type_ends_in_its_slug(door: Door) -> None:
    assert problem(await door.say("no"), 409, "no")["detail"] == "the toy says no"


async def test_an_unknown_order_is_not_found(door: Door) -> None:
    problem(await door.say("hello", order_id="A-404"), 404, "not-found")


async def test_a_matching_version_lets_the_command_pass(door: Door) -> None:
    seen = await door.ask("GET", "/orders/A-1", READER)
    response = await door.say("hello", headers={"If-Match": seen.headers["etag"]})
    assert response.status_code == 200


@pytest.mark.parametrize("etag", ['"7"', 'W/"1"', "1", '"1", "2"', '"abc"'])
async def test_another_version_stops_the_command(door: Door, etag: str) -> None:
    problem(await door.say("hello", headers={"If-Match": etag}), 412, "version-mismatch")
    assert await door.world.words() == ["placed"]


async def test_any_version_is_matched_by_a_star(door: Door) -> None:
    assert (await door.say("hello", headers={"If-Match": "*"})).status_code == 200


async def test_without_the_scope_nothing_is_asked(door: Door) -> None:
    problem(await door.say("hello", token=READER), 403, "forbidden")


async def test_another_shops_order_is_not_found(door: Door) -> None:
    other = placed(id="f-3", order_id="A-2")
    other["data"]["shop_id"] = "other"
    await door.tell(other)
    assert (await door.ask("GET", "/orders/A-1", DEMO_SHOP)).status_code == 200
    problem(await door.ask("GET", "/orders/A-2", DEMO_SHOP), 404, "not-found")


async def test_a_rule_that_raises_is_our_fault_and_changes_nothing(door: Door) -> None:
    door.world.rules.broken.add("boom")
    problem(await door.say("boom"), 500, "internal")
    assert await door.world.words() == ["placed"]


async def test_what_would_make_a_file_too_large_is_refused_with_its_limit_and_its_size(door: Door) -> None:
    engine = door.world.engine
    engine.limits = engine.limits.model_copy(update={"document_max_bytes": 1000})
    told = problem(await door.say("hello"), 413, "file-too-large")["detail"]
    assert re.search(r"file A-1 would have [12]\d{3} bytes, more than the 1000 bytes that it may have", told)
    problem(await door.tell(paid()), 413, "file-too-large")
    assert await door.world.words() == ["placed"]


async def test_a_file_of_another_version_is_to_be_asked_for_again_and_never_our_fault(door: Door) -> None:
    await door.tell(placed(id="f-2", order_id="A-2"))
    (document,) = (await door.world.store.load(["A-1"])).values()
    document["state"] = {"placed": "perhaps"}
    await door.world.store.commit([Write({**document, "version": 2}, 1)])
    answers = [
        await door.ask("GET", "/orders/A-1", READER),
        await door.ask("GET", "/orders", READER),
        await door.say("hello"),
        await door.tell(paid()),
        await door.tell(paid(id="f-9"), token=DEMO_SHOP),
    ]
    for answer in answers:
        told = problem(answer, 503, "file-unreadable")
        assert "of another version" in told["detail"]
        assert int(answer.headers["retry-after"]) >= 1
    assert (await door.ask("GET", "/orders/A-2", READER)).status_code == 200


async def test_an_order_id_may_hold_a_slash(door: Door) -> None:
    await door.tell(placed(id="f-4", order_id="A/4 ü"))
    response = await door.ask("GET", "/orders/A%2F4%20%C3%BC", READER)
    assert (response.status_code, response.json()["id"]) == (200, "A/4 ü")


async def test_a_wrong_id_in_the_address_is_named(door: Door) -> None:
    told = problem(await door.ask("GET", "/orders/" + "x" * 129, READER), 422, "validation")
    assert told["errors"][0]["field"] == "order_id"
