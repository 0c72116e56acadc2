"""Inlets over HTTP: who may post, what is read of it, and what its sender is told."""

import hmac
import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, TypeAdapter

from shared.adapters.inlet_settings import inlets_from
from shared.adapters.settings import CommonSettings, SettingsWrong
from shared.contracts.facts import AnyFact, OrdersFact, Sighting
from shared.kernel.inlets import Delivery, Inlet, Read, Reading, Unreadable, read_json, same
from shared.runtime.desk import Desk, Taken
from tests.http.kit import DEMO_SHOP, Door, paid, placed, problem, raw_request
from tests.kit.rules import START

SECRET, NEXT_SECRET = "first-secret-1", "next-secret-22"
ENTRIES = [
    {"name": "demo-shop", "system": "plain", "shop_id": "demo", "secrets": [SECRET, NEXT_SECRET]},
    {"name": "everybody", "system": "plain", "shop_id": "*", "secrets": [SECRET]},
    {"name": "elsewhere", "system": "of-another-service", "shop_id": "*", "secrets": [SECRET]},
    {"name": "polite", "system": "polite", "shop_id": "demo", "secrets": [SECRET]},
]
_FACT: TypeAdapter[AnyFact] = TypeAdapter(OrdersFact)


def signature(body: bytes, secret: str = SECRET) -> str:
    """As the plain system signs."""
    return hmac.new(secret.encode(), body, sha256).hexdigest()


def _signed(delivery: Delivery, secret: str) -> bool:
    return same(delivery.headers.get("x-signature", ""), signature(delivery.body, secret))


def _read(delivery: Delivery) -> Reading:
    payload = read_json(delivery.form.get("payload", delivery.body), delivery.depth_max)
    if not isinstance(payload, dict):
        return Unreadable("body", "an object", "something else")
    facts = tuple(_told(raw) for raw in payload.get("facts", ()))
    return Read(facts, tuple(payload.get("left", ())))


def _told(raw: Any) -> AnyFact | Sighting:
    return _FACT.validate_python(raw) if "fact" in raw else Sighting.model_validate(raw)


PLAIN = Inlet("plain", _signed, _read)
POLITE = Inlet(
    "polite",
    _signed,
    _read,
    answer=b"success",
    greet=lambda delivery: delivery.query.get("echo", "").encode(),
    tries=lambda delivery: delivery.form.get("ping") == "1",
    one_shop=True,
)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    """The toy's application with two systems' inlets."""
    it = Door((PLAIN, POLITE), inlets=json.dumps(ENTRIES))
    yield it
    await it.client.aclose()


async def deliver(
    door: Door, *facts: Any, to: str = "demo-shop", secret: str = SECRET, **rest: Any
) -> httpx.Response:
    """Post facts, signed."""
    return await post(door, json.dumps({"facts": facts, **rest}).encode(), to, secret)


async def post(
    door: Door, body: bytes, to: str = "demo-shop", secret: str = SECRET, **headers: str
) -> httpx.Response:
    """Post a body, signed."""
    headers = {"x-signature": signature(body, secret), **headers}
    return await door.ask("POST", f"/inlets/{to}", None, content=body, headers=headers)


def counted(door: Door, system: str, outcome: str) -> bool:
    """Whether a delivery of the system was counted with the outcome."""
    line = f'orderlink_inlet_deliveries_total{{outcome="{outcome}",service="toy",system="{system}"}}'
    return line in door.metrics.exposition().decode()


async def test_a_delivery_that_is_signed_needs_no_token_and_tells_what_became_of_each_fact(
    door: Door,
) -> None:
    answer = await deliver(door, placed(), paid(), left=["a note: nobody reads it"])
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [(fact["fact"], fact["order_id"], fact["fits"]) for fact in told["facts"]] == [
        ("order.placed", "A-1", True),
        ("order.paid", "A-1", True),
    ]
    assert told["left"] == ["a note: nobody reads it"]
    assert await door.world.words() == ["placed", "paid"]
    assert counted(door, "plain", "taken")


async def test_what_is_delivered_again_changes_nothing_even_where_its_time_is_another(door: Door) -> None:
    await deliver(door, placed())
    again = await deliver(door, placed(at=(START + timedelta(seconds=30)).isoformat()))
    assert again.json()["facts"][0]["duplicate"] is True
    assert await door.world.words() == ["placed"]
    assert counted(door, "plain", "duplicate")


@pytest.mark.parametrize("secret", [SECRET, NEXT_SECRET])
async def test_each_secret_of_an_inlet_opens_it_while_they_are_rotated(door: Door, secret: str) -> None:
    assert (await deliver(door, placed(), secret=secret)).status_code == 200


@pytest.mark.parametrize("to", ["demo-shop", "everybody"])
async def test_a_wrong_signature_is_401_and_nothing_is_read(door: Door, to: str) -> None:
    wrong = await deliver(door, placed(), to=to, secret="another-secret")
    problem(wrong, 401, "signature-wrong")
    body = json.dumps({"facts": [placed()]}).encode()
    changed = await door.ask(
        "POST", f"/inlets/{to}", None, content=body + b" ", headers={"x-signature": signature(body)}
    )
    problem(changed, 401, "signature-wrong")
    unsigned = await door.ask("POST", f"/inlets/{to}", content=b"no json at all")
    problem(unsigned, 401, "signature-wrong")
    assert await door.world.state() is None
    assert counted(door, "plain", "signature-wrong")


@pytest.mark.parametrize("name", ["nobody", "elsewhere", "a%2Fb", "demo-shop%2F", "%2e%2e", "x" * 300])
async def test_an_inlet_that_is_not_open_here_is_404(door: Door, name: str) -> None:
    problem(await post(door, b"{}", to=name), 404, "not-found")


async def test_only_what_is_below_inlets_goes_without_a_token(door: Door) -> None:
    for path in ("/orders", "/facts", "/inlets", "//inlets/demo-shop", "/inlet/", "/orders/inlets/"):
        assert (await door.ask("POST", path, None, json={})).status_code == 401, path
    with_token = await door.ask("POST", "/inlets/demo-shop", DEMO_SHOP, json={"facts": [placed()]})
    problem(with_token, 401, "signature-wrong")


async def test_a_system_that_tries_the_address_by_get_is_greeted_once_it_has_signed(door: Door) -> None:
    headers = {"x-signature": signature(b"")}
    greeted = await door.ask("GET", "/inlets/polite?echo=4375120948", None, headers=headers)
    assert (greeted.status_code, greeted.text) == (200, "4375120948")
    with_body = await door.ask(
        "GET", "/inlets/polite?echo=1", None, headers=headers, content=b"x" * 5_000_000
    )
    assert (with_body.status_code, with_body.text) == (200, "1"), "a body of a GET is not read"
    problem(await door.ask("GET", "/inlets/polite?echo=1", None), 401, "signature-wrong")
    problem(await door.ask("GET", "/inlets/demo-shop", None, headers=headers), 405, "method-not-allowed")


async def test_a_ping_that_its_system_does_not_sign_is_answered_and_tells_nothing(door: Door) -> None:
    pinged = await door.ask("POST", "/inlets/polite", None, data={"ping": "1"})
    assert (pinged.status_code, pinged.text) == (200, "success")
    assert counted(door, "polite", "greeted")


async def test_a_system_that_wants_a_certain_answer_gets_it(door: Door) -> None:
    answer = await deliver(door, placed(), to="polite")
    assert (answer.status_code, answer.text) == (200, "success")
    assert answer.headers["content-type"].startswith("text/plain")


async def test_a_form_is_read_as_well_as_json_and_no_content_type_at_all(door: Door) -> None:
    form = httpx.QueryParams({"payload": json.dumps({"facts": [placed()]}), "x": "1"})
    kind = "application/x-www-form-urlencoded; charset=UTF-8"
    answer = await post(door, str(form).encode(), **{"content-type": kind})
    assert answer.status_code == 200, answer.text
    assert (await post(door, json.dumps({"facts": [paid()]}).encode())).status_code == 200
    assert await door.world.words() == ["placed", "paid"]
    crowded = "&".join(f"a{number}=1" for number in range(200)).encode()
    problem(await post(door, crowded, **{"content-type": kind}), 400, "malformed-request")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<xml>",
        b"\xff\xfe",
        b'{"a": NaN}',
        b'{"a": 1' + b"0" * 60 + b"}",
        b'{"a": 1e99999999999999999999}',
        b"[" * 100_000,
        b'{"a":' + b"[" * 40 + b"]" * 40 + b"}",
    ],
)
async def test_a_signed_body_that_is_no_json_as_we_take_it_is_400(door: Door, body: bytes) -> None:
    problem(await post(door, body), 400, "malformed-json")


async def test_what_a_sender_may_write_beside_what_we_read_is_let_through(door: Door) -> None:
    extra = b'{"facts": [], "price": 16.45, "cut": "\\ud83d", "a": 1, "a": 2, "big": 98765432109876543210}'
    answer = await post(door, extra)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"facts": [], "left": []}
    assert counted(door, "plain", "left")


async def test_a_payload_that_can_not_be_used_names_the_field_and_repeats_no_value(door: Door) -> None:
    wrong = placed()
    wrong["data"]["lines"][0]["sku"] = {"secret": "Jane Roe"}
    body = problem(await deliver(door, placed(), wrong), 422, "validation")
    assert body["errors"][0]["field"] == "data.lines.0.sku"
    assert body["errors"][0]["got"] == "an object"
    long = placed(id="Jane Roe " * 20)
    body = problem(await deliver(door, long), 422, "validation")
    assert body["errors"][0]["got"] == "a string of 180 characters"
    assert await door.world.state() is None, "a delivery is taken as a whole or not at all"
    assert counted(door, "plain", "validation")


async def test_too_large_a_body_and_too_many_facts_are_refused() -> None:
    door = Door((PLAIN,), inlets=json.dumps(ENTRIES[:1]), body_max_bytes=20_000, inlet_facts_max=3)
    problem(await post(door, b" " * 20_001), 413, "body-too-large")
    many = [placed(id=f"f-{number}") for number in range(4)]
    problem(await deliver(door, *many), 422, "validation")
    await door.client.aclose()


async def test_a_body_that_comes_too_slowly_is_given_up() -> None:
    door = Door((PLAIN,), inlets=json.dumps(ENTRIES[:1]), body_read_max_seconds=0.02)
    scope = {"method": "POST", "path": "/inlets/demo-shop", "headers": [], "query_string": b""}
    first = {"type": "http.request", "body": b"{", "more_body": True}
    status, _ = await raw_request(door.app, scope, first, stalls=True)
    assert status == 408
    await door.client.aclose()


async def test_an_order_of_another_shop_is_refused_and_nothing_of_the_delivery_is_taken(door: Door) -> None:
    other = placed(order_id="B-1", id="f-9", data={**placed()["data"], "shop_id": "other"})
    problem(await deliver(door, placed(), other), 403, "shop-not-allowed")
    assert await door.world.state() is None
    assert (await deliver(door, other, to="everybody")).status_code == 200
    problem(await deliver(door, paid(order_id="B-1")), 403, "shop-not-allowed")


async def test_a_fact_that_comes_early_waits_and_is_still_held_to_its_shop(door: Door) -> None:
    early = await deliver(door, paid(order_id="B-1"))
    assert early.json()["facts"][0]["waiting"] is True
    other = placed(order_id="B-1", data={**placed()["data"], "shop_id": "other"})
    await deliver(door, other, to="everybody")
    assert await door.world.words("B-1") == ["placed"], "demo's inlet does not pay the other shop's order"


async def test_a_fact_of_long_ago_is_left_so_that_its_sender_does_not_repeat_it_for_ever(door: Door) -> None:
    old = placed(at=(START - timedelta(days=401)).isoformat())
    answer = await deliver(door, old, paid())
    assert answer.status_code == 200
    assert [fact["fact"] for fact in answer.json()["facts"]] == ["order.paid"]
    assert "at: expected a moment from" in answer.json()["left"][0]


async def test_a_sender_whose_clock_is_ahead_is_taken_as_of_now(door: Door) -> None:
    ahead = placed(at=(START + timedelta(days=2)).isoformat())
    assert (await deliver(door, ahead)).json()["facts"][0]["fits"] is True
    file = await door.world.engine.load("A-1")
    assert file is not None
    assert [timer.due_at for timer in file.timers.values()] == [START + timedelta(hours=1)]
    door.world.clock.advance(timedelta(minutes=5))
    assert (await deliver(door, ahead)).json()["facts"][0]["duplicate"] is True


async def test_an_id_that_comes_again_with_another_body_is_told_and_the_rest_is_taken(door: Door) -> None:
    await deliver(door, placed())
    other = placed(data={**placed()["data"], "total": "17.00"})
    body = problem(await deliver(door, other, paid()), 422, "key-reused")
    assert body["errors"][0]["field"] == "id"
    assert await door.world.words() == ["placed", "paid"]


async def test_a_database_that_is_away_is_503_and_the_next_delivery_repeats_harmlessly(door: Door) -> None:
    await deliver(door, placed())
    door.world.store.away = True
    away = await deliver(door, placed(), paid())
    problem(away, 503, "unavailable")
    assert away.headers["retry-after"]
    assert counted(door, "plain", "unavailable")
    door.world.store.away = False
    again = await deliver(door, placed(), paid())
    assert [fact["duplicate"] for fact in again.json()["facts"]] == [True, False]


async def test_all_facts_of_one_order_commit_together(door: Door) -> None:
    door.world.store.commit_faults = ["unknown-lost"]
    before = door.world.store.commits
    answer = await deliver(door, placed(), paid())
    assert [fact["duplicate"] for fact in answer.json()["facts"]] == [False, False]
    assert door.world.store.commits - before == 2
    assert await door.world.words() == ["placed", "paid"]


SIGHTING = {
    "id": "s-1",
    "at": START.isoformat(),
    "data": {
        "carrier": "dhl",
        "tracking_no": "t-1",
        "status": "in_transit",
        "scanned_at": START.isoformat(),
    },
}


async def test_a_scan_without_an_order_goes_to_the_service_that_finds_its_parcel(door: Door) -> None:
    answer = await deliver(door, SIGHTING)
    assert answer.json()["facts"] == []
    assert "go to logistics" in answer.json()["left"][0]

    async def sight(desk: Desk, sightings: Sequence[Sighting], shops: Any) -> list[Taken]:
        file = await desk.look("A-1")
        assert shops == ("demo",)
        return [Taken(True, False, False, None, "", file) for _ in sightings]

    object.__setattr__(door.world.service, "sight", sight)
    answer = await deliver(door, placed(), SIGHTING)
    assert [(fact["fact"], fact["order_id"]) for fact in answer.json()["facts"]] == [
        ("order.placed", "A-1"),
        ("sighting", "A-1"),
    ]
    far = {**SIGHTING, "data": {**SIGHTING["data"], "scanned_at": "2126-03-02T12:00:00Z"}}  # type: ignore[dict-item]  # the data is an object
    assert "data.scanned_at" in (await deliver(door, far)).json()["left"][0]


# Which inlets are open


def opened(text: str, **changes: Any) -> Any:
    """What these settings open for a service with the two systems."""
    door = Door((PLAIN, POLITE))
    return inlets_from(CommonSettings(auth="off", inlets=SecretStr(text), **changes), door.world.service)


def test_inlets_are_read_from_a_file_beside_the_variable(tmp_path: Any) -> None:
    path = tmp_path / "inlets.yaml"
    path.write_text(f"- name: from-file\n  system: plain\n  shop_id: '*'\n  secrets: [{SECRET}]\n")
    found = opened(json.dumps(ENTRIES[:1]), inlets_file=path)
    assert sorted(found) == ["demo-shop", "from-file"]
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([ENTRIES[0], ENTRIES[0]], "twice"),
        ([{**ENTRIES[0], "name": "Up/per"}], "0.name"),
        ([{**ENTRIES[0], "secrets": []}], "0.secrets"),
        ([{**ENTRIES[0], "secrets": ["short"]}], "0.secrets.0"),
        ([{**ENTRIES[0], "sercets": [SECRET]}], "0.sercets"),
        ([{**ENTRIES[3], "shop_id": "*"}], "one shop"),
        ({"name": "x"}, "something else"),
        ("[unclosed", "no YAML or JSON"),
    ],
)
def test_inlets_that_can_not_be_used_are_told_before_anything_starts(entries: Any, said: str) -> None:
    text = entries if isinstance(entries, str) else json.dumps(entries)
    with pytest.raises(SettingsWrong) as wrong:
        opened(text)
    block = wrong.value.block("orderlink toy api")
    assert "ORDERLINK_INLETS" in block
    assert said in block
    assert SECRET not in block
    assert "short" not in block.replace("too short", "")
