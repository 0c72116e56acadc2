"""Payloads that somebody broke: what comes of them is facts, something left or a field at fault, no error."""

import copy
import random
from collections.abc import Sequence
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.facts import ShipmentScanned, Sighting
from shared.kernel.inlets import NotJson, Read, Unreadable
from tests.logistics.inlets.letters import INLETS, SECRET, delivery, raw, sample

JUNK: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    10**39,
    "",
    " ",
    "x" * 5000,
    "\u0000\n",
    "2026-03-02",
    "9999-12-31T23:59:59-12:00",
    "0001-01-01T00:00:00+14:00",
    "签收",
    [],
    [[]],
    {},
    {"a": []},
    [None, 1, "x", {}],
]


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    inside: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inside = list(cast(dict[str, Any], value).items())
    elif isinstance(value, list):
        inside = list(enumerate(cast(Sequence[Any], value)))
    for at, inner in inside:
        found += _places(inner, (*path, at))
    return found


def _broken(payload: Any, chance: random.Random) -> Any:
    broken = copy.deepcopy(payload)
    for _ in range(chance.randint(1, 4)):
        places = _places(broken)
        if not places:
            return broken
        *way, last = chance.choice(places)
        parent = broken
        for step in way:
            parent = parent[step]
        if chance.random() < 0.2:
            del parent[last]
        else:
            parent[last] = copy.deepcopy(chance.choice(JUNK))
    return broken


def _check(system: str, told: Any) -> None:
    reading = INLETS[system].read(told)
    assert isinstance(reading, Read | Unreadable)
    if isinstance(reading, Read):
        assert all(isinstance(fact, Sighting | ShipmentScanned) for fact in reading.facts)
        assert all(type(fact).model_validate_json(fact.model_dump_json()) == fact for fact in reading.facts)
        assert len({fact.id for fact in reading.facts}) == len(reading.facts)


@pytest.mark.parametrize("system", sorted(INLETS))
def test_a_broken_sample_is_read_or_refused_and_raises_nothing(system: str) -> None:
    payload, chance = sample(system), random.Random(f"broken {system}")
    for _ in range(250):
        _check(system, delivery(system, _broken(payload, chance)))


@pytest.mark.parametrize("system", sorted(INLETS))
def test_every_place_of_a_sample_may_hold_anything(system: str) -> None:
    payload = sample(system)
    for *way, last in _places(payload):
        for junk in JUNK[::3]:
            broken = copy.deepcopy(payload)
            parent = broken
            for step in way:
                parent = parent[step]
            parent[last] = copy.deepcopy(junk)
            _check(system, delivery(system, broken))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(INLETS)), st.binary(max_size=200), st.text(max_size=40))
def test_no_bytes_and_no_header_raise_anything_but_that_they_are_no_json(
    system: str, body: bytes, header: str
) -> None:
    names = (
        "aftership-hmac-sha256",
        "x-hmac-signature",
        "x-hmac-signature-v2",
        "x-timestamp",
        "sign",
        "shippo-auth-signature",
        "x-shopify-hmac-sha256",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    )
    told = raw("", body, dict.fromkeys(names, header), {"token": header})
    inlet = INLETS[system]
    assert inlet.signed(told, SECRET) in (False, header == SECRET)
    try:
        reading = inlet.read(told)
    except NotJson:
        return
    assert isinstance(reading, Read | Unreadable)
