"""The erasure at size, small: four services, a real broker and a real database."""

import os

import pytest

from shared.adapters.embedded import EmbeddedBroker
from tests.kit.parts import Parts
from tests.size.erasing import erased

pytestmark = [pytest.mark.real, pytest.mark.promise("forgotten")]


async def test_buyers_on_real_parts_are_erased_by_one_command_and_found_nowhere(
    parts: Parts, own_broker: EmbeddedBroker
) -> None:
    rows = await erased(own_broker.address, parts.mongodb_url, f"erasing_{os.getpid()}_", 3)
    told = dict(rows)
    assert told["database of orders: with markers, before and after"] == "3, 0"
    assert told["topic contacts.v1: with markers, before and after"] == "3, 0"
    assert "3 orders erased in 4 services" in told["it said"]
