"""What a drain is judged by can see: one that skips a step, forgets its position or does not stop in time."""

import json
from collections.abc import Callable

import pytest

from shared.runtime.ports import Record, TopicPartition
from tests.chaos.drains import Drained, Drains, events_of, findings, given_again

WHERE = TopicPartition("orders.v1", 0)


def drained() -> Drained:
    """A worker that drained as it must."""
    it = Drained("orders worker", 100.0, unready_seconds=0.1, closed_seconds=0.4, exit_seconds=0.6, again=0)
    it.said = ["draining", "stopped"]
    return it


def _slow(it: Drained) -> None:
    it.exit_seconds = 11.0


def _never_unready(it: Drained) -> None:
    it.unready_seconds = None


def _killed(it: Drained) -> None:
    it.said = ["draining"]


def _left_something(it: Drained) -> None:
    it.said = ["draining", "did not close in time", "stopped"]


def _stayed(it: Drained) -> None:
    it.members_left = 1


def _forgot(it: Drained) -> None:
    it.again = 3


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (_slow, "took 11.0 s to end"),
        (_never_unready, "never seen unready"),
        (_killed, "did not end as told"),
        (_left_something, "left something undone"),
        (_stayed, "did not leave its group"),
        (_forgot, "3 records that were taken in would be delivered again"),
    ],
)
def test_each_way_of_not_draining_is_seen(change: Callable[[Drained], None], finding: str) -> None:
    it = drained()
    assert findings(it, 10.0) == []
    change(it)
    (found,) = findings(it, 10.0)
    assert finding in found


def record(offset: int, sequence: int) -> Record:
    told = {"id": f"orders/A-1/{sequence}", "source": "/orderlink/orders", "subject": "A-1"}
    return Record(*WHERE, offset, b"A-1", json.dumps({**told, "sequence": sequence}).encode(), {})


@pytest.mark.parametrize(("position", "again"), [(3, 0), (2, 1), (0, 3)])
def test_records_behind_the_position_that_the_file_has_taken_in_are_given_again(
    position: int, again: int
) -> None:
    """Four are on the log, of which the file has heard three; the fifth only says again what was said."""
    log = [record(offset, offset + 1) for offset in range(4)] + [record(4, 1)]
    assert given_again(log, {WHERE: position}, {"A-1": {"orders": 3}}) == again


def test_a_request_may_be_refused_only_when_its_api_has_announced_its_end() -> None:
    it = drained()
    it.name, it.back_seconds = "orders API", 5.0
    for sent, what, is_wrong in (
        (100.2, "2xx", False),
        (100.2, "cut off", True),
        (100.2, "503", True),
        (102.0, "nobody there", False),
        (106.0, "nobody there", True),
    ):
        drains = Drains(None, 1.0, [it], [("orders", sent, what)])  # type: ignore[arg-type]  # no run needed
        assert bool(drains.wrong(10.0)) == is_wrong, (sent, what)
    elsewhere = Drains(None, 1.0, [it], [("logistics", 102.0, "nobody there")])  # type: ignore[arg-type]
    assert elsewhere.wrong(10.0)
    assert Drains(None, 1.0, [it], [("orders", 100.2, "2xx")]).answered_unready() == 1  # type: ignore[arg-type]


def test_a_log_is_read_by_its_events() -> None:
    assert events_of('not JSON\n{"event": "draining"}\n{"event": "stopped"}\n') == ["draining", "stopped"]
