"""The storms can see: each of fourteen broken engines is found out by some seed."""

import pytest

from tests.storms.mutants import MUTANTS, Mutant
from tests.storms.stage import STORMS_PER_STORY, Played, faults_of, rare_collections, stage_of

pytestmark = [
    pytest.mark.promise("kept", "once", "ordered", "timed", "isolated"),
    pytest.mark.slow(10),
    pytest.mark.timeout(900),
]

SEEDS_MAX = 500


def played_over(mutant: Mutant, seed: int) -> Played:
    """One storm over a broken engine, judged by what the sound one comes to in the calm."""
    stage = stage_of(seed // STORMS_PER_STORY)
    faults = faults_of(seed, stage)
    with mutant():
        played = stage.rage(seed, faults)
    stage.judge(played)
    return played


@pytest.mark.parametrize(
    ("mutant", "finding"), MUTANTS.items(), ids=lambda each: getattr(each, "__name__", "")
)
def test_a_broken_engine_is_found_out_by_what_it_breaks(mutant: Mutant, finding: str) -> None:
    with rare_collections():
        failures = (played_over(mutant, seed).failure for seed in range(SEEDS_MAX))
        assert any(finding in failure for failure in failures if failure is not None), mutant.__doc__
