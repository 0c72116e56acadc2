"""What overload and soak judge by can see: memory that grows, handles that pile up, a process that ended."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from shared.cli.children import Child
from tests.chaos import overload, soak
from tests.chaos.gauges import Gauges, Sample, drawn, slope_per_hour
from tests.chaos.run import NIGHT

pytestmark = pytest.mark.promise("bounded")
CALM = overload.CALM_PHASE.name
HOUR_SECONDS = 3600


def seen(*lives: tuple[str, int, Iterable[Sample]]) -> Gauges:
    gauges = Gauges({}, lambda: "")
    for name, number, samples in lives:
        gauges.lives[name, number] = list(samples)
    return gauges


def samples(
    phase: str, begin: float, end: float, mib_per_hour: float = 0.0, handles_per_hour: float = 0.0
) -> list[Sample]:
    """A process of 100 MiB and 40 handles, looked at every ten seconds."""
    return [
        Sample(
            at, phase, 100 + mib_per_hour * at / HOUR_SECONDS, 40 + int(handles_per_hour * at / HOUR_SECONDS)
        )
        for at in range(int(begin), int(end), 10)
    ]


def test_a_slope_is_found_whatever_the_noise_around_it() -> None:
    points = [(float(at), 100 + 2.5 * at / HOUR_SECONDS + (at % 7 - 3)) for at in range(0, 7200, 5)]
    assert slope_per_hour(points) == pytest.approx(2.5, abs=0.2)
    assert (
        slope_per_hour([]) == slope_per_hour([(1.0, 5.0)]) == slope_per_hour([(1.0, 5.0), (1.0, 9.0)]) == 0.0
    )


def test_a_curve_is_drawn_from_its_lowest_to_its_highest_value() -> None:
    assert drawn([1, 1, 5, 9, 9], width=5) == "▁▁▅██"
    assert drawn(range(1000), width=8) == "▁▂▃▄▅▆▇█"
    assert drawn([3, 3, 3]) == "▁▁▁"
    assert drawn([]) == ""


def test_a_process_is_looked_at_while_it_lives(tmp_path: Path) -> None:
    child = Child("one", [sys.executable, "-c", "input()"], os.environ, tmp_path / "log")
    child._process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    gauges = Gauges({"one": child}, lambda: "calm")
    gauges.look()
    child._process.communicate(b"\n")
    gauges.look()
    (sample,) = gauges.of("one")
    assert sample.memory_mib > 0
    assert sample.handles >= 3
    assert sample.phase == "calm"


def test_an_overload_is_judged_by_the_memory_of_the_calm() -> None:
    calm = samples(CALM, 0, 60)
    fine = seen(("orders worker", 1, [*calm, Sample(70, "overload", 149, 40)]))
    assert overload.wrong_with(fine) == []
    grown = seen(("orders worker", 1, [*calm, Sample(70, "overload", 151, 40), Sample(80, "later", 100, 40)]))
    (wrong,) = overload.wrong_with(grown)
    assert wrong == "orders worker held 151 MiB, 1.51 times its 100 MiB of the calm"


def test_a_process_that_ends_of_an_overload_is_seen() -> None:
    gauges = seen(("orders API", 1, samples(CALM, 0, 60)), ("orders API", 2, samples("overload", 60, 90)))
    (wrong,) = overload.wrong_with(gauges)
    assert "was started 2 times" in wrong


@pytest.mark.parametrize(
    ("grows", "hours", "finding"),
    [
        pytest.param({"mib_per_hour": 0.9}, 2, "", id="a little"),
        pytest.param({"mib_per_hour": 1.1}, 2, "its memory grew by 1.1 MiB an hour", id="too much"),
        pytest.param({"mib_per_hour": 9.0}, 0.5, "", id="too short to say"),
        pytest.param({"handles_per_hour": 2.0}, 2, "", id="some handles"),
        pytest.param({"handles_per_hour": 12.0}, 2, "its open handles grew from", id="handles"),
    ],
)
def test_a_soak_is_judged_by_slopes(grows: dict[str, float], hours: float, finding: str) -> None:
    gauges = seen(("logistics worker", 1, samples("", 0, hours * HOUR_SECONDS, **grows)))
    found = soak.wrong_with(gauges)
    assert len(found) == bool(finding)
    assert all(finding in wrong for wrong in found)
    assert soak.rows(gauges)


def test_what_a_soak_kills_is_judged_by_its_longest_life_and_the_others_must_not_end() -> None:
    killed = [
        (f"{soak.VICTIM} API", 1, samples("", 0, 60, 900.0)),
        (f"{soak.VICTIM} API", 2, samples("", 60, 9000)),
    ]
    assert soak.wrong_with(seen(*killed)) == []
    others = [("logistics API", number, lives) for _, number, lives in killed]
    assert soak.wrong_with(seen(*others)) == ["logistics API was started again, though nobody killed it"]


def test_a_soak_leaves_out_the_first_nights_and_no_other() -> None:
    assert _first_judged_day(of_days=40) == soak.WARM_NIGHTS
    assert _first_judged_day(of_days=7) == 3


def _first_judged_day(of_days: int) -> int:
    """The day of a life of so many days with which its judging begins; it lasts until the end."""
    ten = HOUR_SECONDS / 6
    days = [samples("", number * ten, (number + 0.8) * ten) for number in range(of_days)]
    nights = [samples(NIGHT, (number + 0.8) * ten, (number + 1) * ten) for number in range(of_days - 1)]
    life = [sample for day, night in zip(days, nights, strict=False) for sample in (*day, *night)]
    judged = soak.warmed_up(seen(("logistics worker", 1, [*life, *days[-1]])), "logistics worker")
    assert judged[-1] == days[-1][-1]
    return [day[0] for day in days].index(judged[0])


def test_a_soak_is_judged_also_where_there_are_no_nights() -> None:
    life = samples("", 0, 2.0 * HOUR_SECONDS)
    judged = soak.warmed_up(seen(("logistics worker", 1, life)), "logistics worker")
    assert judged[0].at_seconds == pytest.approx(soak.WARM_MAX_SECONDS, abs=10)
