"""Storms: whatever goes wrong, the outcome is that of the calm run and every invariant holds."""

import pytest

from tests.storms.storm import run_storm

SEEDS = range(6)
ORDERS = 12
FAULTS = 40


@pytest.mark.parametrize("seed", SEEDS)
def test_a_storm_ends_where_the_calm_run_ends(seed: int) -> None:
    calm, _ = run_storm(seed, faults=0, orders=ORDERS)
    storm, fate = run_storm(seed, faults=FAULTS, orders=ORDERS)
    assert fate.left == 0, f"seed {seed}: only {FAULTS - fate.left} faults struck"
    assert storm.said == calm.said, f"seed {seed}: {dict(fate.struck)}"
    assert storm.acted == calm.acted
    assert storm.letters == 0
