"""Lists and counts go by fields that have an index, so that none of them reads all files there are."""

import pytest

from shared.cli.loading import load_services
from tests.kit.world import World

pytestmark = pytest.mark.promise("bounded")


async def test_a_list_by_a_field_without_an_index_is_not_asked_of_the_database() -> None:
    world = World()
    with pytest.raises(ValueError, match=r"toy has no index on state\.words, view\.said: add one"):
        await world.desk.page({"shop_id": "demo", "view.said": 1, "state.words": "hello"}, None, 10)
    assert await world.desk.page({"shop_id": "demo"}, None, 10) == []


def test_what_workers_count_has_an_index() -> None:
    paths = {(service.name, each.path) for service in load_services() for each in service.counted}
    indexed = {(service.name, path) for service in load_services() for path in service.listed_by}
    assert paths
    assert paths <= indexed
