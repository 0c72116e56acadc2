"""Whatever platforms send, the answer is a yes or a clear no, and a no has taken nothing."""

import asyncio
import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.http.town import MORNING, Town
from tests.orders.inlets.posting import (
    BY_SYSTEM,
    ENTRIES,
    NAMES,
    NOW,
    Posted,
    encrypted,
    sample,
    sign,
    system_of,
    written,
)

Path = tuple[str | int, ...]
ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**45), 10**45),
    st.sampled_from([0, -1, 2**63, 10**39, 253_402_300_800]),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=20),
    st.sampled_from(
        [
            "",
            " ",
            "\x00",
            "\u2028",
            "\ud83d",
            "名" * 300,
            "x" * 5000,
            "1e5",
            "-0",
            "１２",  # noqa: RUF001  # digits that are none of ASCII's
            "NaN",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "2026-02-30 12:00:00",
            '{"tid": 1}',
            "[" * 200,
        ]
    ),
    st.just([]),
    st.just({}),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)
MUTATION = st.tuples(st.sampled_from(["set", "set", "drop", "double", "wrap"]), st.integers(0, 10**6), ODD)


@cache
def world() -> tuple[asyncio.Runner, Town]:
    """One set of services for all examples."""
    town = Town(ENTRIES)
    town.clock.advance(NOW - MORNING)
    return asyncio.Runner(), town


def paths(value: Any, at: Path = ()) -> Iterator[Path]:
    """Every place in a payload."""
    items: Any = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, below in items:
        yield (*at, key)
        yield from paths(below, (*at, key))


def mutated(payload: Any, mutation: tuple[str, int, Any]) -> Any:
    """The payload with something changed at one of its places."""
    how, where, value = mutation
    places = list(paths(payload))
    if not places:
        return value
    *above, last = places[where % len(places)]
    at = payload
    for step in above:
        at = at[step]
    match how:
        case "drop" if isinstance(at, dict):
            del at[last]
        case "double" if isinstance(at, list):
            at.extend([copy.deepcopy(at[last])] * 3)  # type: ignore[index]  # a list's place is a number
        case "wrap":
            at[last] = [at[last]]
        case _:
            at[last] = value
    return payload


def answered(system: str, posted: Posted) -> None:
    """Post it; a yes, or a no that has written nothing."""
    runner, town = world()
    house = town.houses["orders"]
    writes = house.store.writes
    answer = runner.run(
        house.client.post(posted.address(system), content=posted.body, headers=posted.headers)
    )
    assert answer.status_code in {200, 400, 403, 422}, answer.text
    if answer.status_code != 200:
        problem = json.loads(answer.content)
        assert problem["detail"]
        assert house.store.writes == writes or problem["slug"] == "key-reused"


@pytest.mark.parametrize("system", sorted(BY_SYSTEM))
@settings(max_examples=70, deadline=None)
@given(data=st.data())
def test_a_mutated_payload_is_taken_or_refused_and_never_breaks_anything(
    system: str, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from([name for name in NAMES if system_of(name) == system]))
    headers, payload = sample(name)
    for mutation in data.draw(st.lists(MUTATION, min_size=1, max_size=4)):
        payload = mutated(payload, mutation)
    answered(system, sign(system, headers, written(payload)))


@settings(max_examples=40, deadline=None)
@given(mutation=MUTATION, name=st.sampled_from([name for name in NAMES if system_of(name) == "wechat_shop"]))
def test_a_mutated_event_that_wechat_encrypted_is_taken_or_refused(
    mutation: tuple[str, int, Any], name: str
) -> None:
    answered("wechat_shop", encrypted(mutated(sample(name)[1], mutation)))


@settings(max_examples=40, deadline=None)
@given(mutation=MUTATION)
def test_a_mutated_message_inside_a_message_is_taken_or_refused(mutation: tuple[str, int, Any]) -> None:
    _, payload = sample("taobao-refund-created-bare")
    payload["content"] = written(mutated(json.loads(payload["content"]), mutation)).decode(
        "utf-8", "surrogatepass"
    )
    answered("taobao", sign("taobao", {}, written(payload)))


@settings(max_examples=60, deadline=None)
@given(
    system=st.sampled_from(sorted(BY_SYSTEM)),
    body=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda text: json.dumps(text).encode())),
    topic=st.sampled_from(["orders/create", "order.created", "x", ""]),
)
def test_any_bytes_at_all_are_refused_or_left(system: str, body: bytes, topic: str) -> None:
    headers = {
        "x-shopify-topic": topic,
        "x-wc-webhook-topic": topic,
        "x-shopify-api-version": "2025-01",
    }
    posted = sign(system, headers, body)
    answered(system, Posted(posted.body, {**headers, **posted.headers}, posted.query))
