"""Bodies: too large, not JSON, not JSON as Orderlink takes it. Each a clear 4xx that changes nothing."""

import json
from typing import Any

import pytest

from shared.adapters.http.bodies import read_json
from shared.adapters.http.problems import ProblemRaised
from tests.http.kit import TELLER, Door, placed, problem, raw_request


async def post(door: Door, body: bytes, content_type: str = "application/json", **headers: str) -> Any:
    return await door.ask(
        "POST", "/facts", TELLER, content=body, headers={"Content-Type": content_type, **headers}
    )


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{", "line 1, column 2"),
        (b"", "body"),
        (b"not json", "line 1"),
        (b'{"a":1}{', "Extra data"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a":1,"a":2}', "'a' stands twice"),
        (b"[" * 200 + b"]" * 200, "nested deeper than 32"),
        (b"[" * 100_000, "nested deeper than 32"),
        (b'{"a": ' + b"1" * 5000 + b"}", "5000 digits"),
        (b'{"a": "\xff"}', "not UTF-8: byte 7"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
    ],
)
async def test_what_is_not_json_is_told_where(door: Door, body: bytes, told: str) -> None:
    response = await post(door, body)
    assert response.status_code in (400, 422)
    assert told in problem(response, response.status_code, response.json()["slug"])["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"id": "\\ud800"}', "id"),
        (b'{"data": {"n": [1e999]}}', "data.n.0"),
        (b'{"data": {"n": 9223372036854775808}}', "data.n"),
        (b'{"\\udfff": 1}', "body"),
    ],
)
async def test_what_no_database_can_hold_is_named_by_its_field(door: Door, body: bytes, field: str) -> None:
    assert problem(await post(door, body), 422, "validation")["errors"][0]["field"] == field


async def test_a_body_over_the_limit_is_too_large(door: Door) -> None:
    limit = door.settings.body_max_bytes
    problem(await post(door, b" " * (limit + 1)), 413, "body-too-large")


async def test_a_body_that_grows_over_the_limit_is_too_large(door: Door) -> None:
    part = {"type": "http.request", "body": b" " * 600_000, "more_body": True}
    scope = _scope((b"content-type", b"application/json"))
    status, body = await raw_request(door.app, scope, part, part, part)
    assert (status, json.loads(body)["slug"]) == (413, "body-too-large")


@pytest.mark.parametrize("length", [b"-1", b"abc", b"1e3", b"99999999999999999999999"])
async def test_an_absurd_content_length_is_a_problem(door: Door, length: bytes) -> None:
    scope = _scope((b"content-type", b"application/json"), (b"content-length", length))
    status, body = await raw_request(door.app, scope, {"type": "http.request", "body": b"{}"})
    assert status in (400, 413)
    assert json.loads(body)["slug"] in ("malformed-request", "body-too-large")


@pytest.mark.parametrize(
    "kind", ["text/plain", "", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "x"]
)
async def test_another_content_type_is_not_supported(door: Door, kind: str) -> None:
    problem(await post(door, json.dumps(placed()).encode(), kind), 415, "unsupported-media-type")


async def test_a_compressed_body_is_not_supported(door: Door) -> None:
    response = await post(door, b"\x1f\x8b", **{"Content-Encoding": "gzip"})
    problem(response, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    "kind", ["application/json; charset=UTF-8", "APPLICATION/JSON", "application/cloudevents+json"]
)
async def test_json_under_its_names_is_taken(door: Door, kind: str) -> None:
    assert (await post(door, json.dumps(placed()).encode(), kind)).status_code == 202


async def test_a_slow_body_is_given_up(door: Door) -> None:
    slow = Door(body_read_max_seconds=0.01)
    scope = {**_scope((b"content-type", b"application/json")), "slow": True}

    async def hangs() -> Any:
        import asyncio

        await asyncio.sleep(10)

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await slow.app.served(scope, hangs, send)
    assert sent[0]["status"] == 408


async def test_who_goes_away_before_the_end_harms_nobody(door: Door) -> None:
    status, _ = await raw_request(door.app, _scope((b"content-type", b"application/json")))
    assert status == 0


def test_a_json_value_is_handed_on_as_it_is() -> None:
    assert read_json(b'\xef\xbb\xbf{"a": [1, -2.5, true, null, "\xc3\xa4"]}', 32) == {
        "a": [1, -2.5, True, None, "ä"]
    }


def test_the_depth_limit_counts_objects_and_arrays() -> None:
    assert read_json(b"[" * 4 + b"]" * 4, 4) == [[[[]]]]
    with pytest.raises(ProblemRaised):
        read_json(b"[" * 6 + b"]" * 6, 4)


def _scope(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "path": "/facts",
        "raw_path": b"/facts",
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer " + TELLER.encode()), *headers],
    }
