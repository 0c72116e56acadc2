"""Lists and counts go by at least one field that has an index."""

import pytest

from shared.cli.loading import load_services
from tests.kit.world import World

pytestmark = pytest.mark.promise("bounded")


async def test_a_list_by_fields_without_an_index_is_not_asked_of_the_database() -> None:
    world = World()
    with pytest.raises(ValueError, match=r"toy has no index on view\.poked, view\.said: add one"):
        await world.desk.page({"shop_id": "demo", "view.said": 1, "view.poked": 1}, None, 10)
    assert await world.desk.page({"shop_id": "demo"}, None, 10) == []
    assert await world.desk.page({"state.words": "hello", "view.said": 1}, None, 10) == []


def test_what_workers_count_has_an_index() -> None:
    paths = {(service.name, each.path) for service in load_services() for each in service.counted}
    indexed = {(service.name, path) for service in load_services() for path in service.listed_by}
    assert paths
    assert paths <= indexed
