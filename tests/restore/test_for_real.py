"""A restore on real parts: the guard refuses, the command mends, and nobody drops anything afterwards."""

from pathlib import Path

import pytest

from tests.restore.drill import ROLES, drill

pytestmark = [
    pytest.mark.real,
    pytest.mark.processes,
    pytest.mark.slow(60),
    pytest.mark.timeout(400),
]


@pytest.mark.promise("kept", "ordered")
async def test_a_restored_database_is_refused_checked_and_worked_with_again(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if request.config.getoption("--broker") == "embedded":
        pytest.skip("takes a minute: `make test-real` runs it, and so does `python -m tests.restore.drill`")
    seen = await drill(tmp_path, orders=8)
    assert seen.wrong == []
    assert set(seen.refusals) == set(ROLES)
    assert seen.told["files_missing"] == 4
    assert seen.facts_lost == 6
