"""A database that does not answer is told in a line, with the setting that says where it is."""

import pytest
from pymongo.errors import ServerSelectionTimeoutError

from shared.adapters.database import explained

TIMEOUTS = "(configured timeouts: socketTimeoutMS: 2000.0ms, connectTimeoutMS: 2000.0ms)"
TOPOLOGY = "Timeout: 5.0s, Topology Description: <TopologyDescription id: 6b03, servers: []>"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (f"db:27017: refused {TIMEOUTS}, {TOPOLOGY}", "db:27017: refused (MONGODB_URL)"),
        (
            f"a:1: refused {TIMEOUTS},b:2: timed out {TIMEOUTS}, {TOPOLOGY}",
            "a:1: refused,b:2: timed out (MONGODB_URL)",
        ),
    ],
)
def test_servers_that_do_not_answer_are_named_with_their_setting(said: str, told: str) -> None:
    assert explained(ServerSelectionTimeoutError(said)) == told


def test_servers_that_answer_but_do_not_serve_are_told_whole() -> None:
    said = f"No replica set members match selector, {TOPOLOGY}"
    assert explained(ServerSelectionTimeoutError(said)) == said
