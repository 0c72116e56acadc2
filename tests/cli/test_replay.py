"""A timeline in lockstep on the real stack: the same counts as by hand, also when workers are killed."""

import json
import re
import signal
from collections import Counter
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from shared.cli.counts import domain_names
from shared.cli.replay import Replayed, replay_on, replay_on_own_stack
from shared.cli.stack import Servers, Stack
from shared.cli.system import Addresses, SystemFailed
from shared.cli.timeline import measure
from shared.contracts.catalog import SERVICES
from shared.runtime.metrics import COUNTERS, GAUGES, HISTOGRAMS
from tests.kit.parts import DatabaseServer, Server
from tests.timelines.arithmetic import counts_by_order
from tests.timelines.test_authored import TIMELINE

ORDERS = ("T01", "T05", "T07", "T10", "T20", "T23", "T30", "T33", "T42", "T51", "T54", "T60", "T74")
"""Night, late payment, refund, two parcels, wrong order, stall, loss, return, deadline, weights, cap."""

pytestmark = [pytest.mark.real, pytest.mark.processes, pytest.mark.slow(60), pytest.mark.timeout(600)]


@pytest.fixture
def servers(own_broker: Server, own_database: DatabaseServer) -> Servers:
    """A broker and a database without a past."""
    return Servers(own_broker.address, own_database.url)


@pytest.fixture
def some_orders(tmp_path: Path) -> Path:
    chosen = tmp_path / "some.jsonl"
    wanted = (*ORDERS, "T73")
    rows = [row for row in TIMELINE.read_text().splitlines() if json.loads(row)["order_id"] in wanted]
    chosen.write_text("\n".join(rows) + "\n")
    return chosen


class Killer:
    """Kills each worker once with SIGKILL, evenly over the timeline."""

    def __init__(self, lines: int) -> None:
        self.stack: Stack | None = None
        self.killed: list[str] = []
        self._at = {lines * (n + 1) // (len(SERVICES) + 1): name for n, name in enumerate(SERVICES)}

    def watch(self, stack: Stack) -> None:
        self.stack = stack

    def __call__(self, lines: int, _moment: datetime) -> None:
        assert self.stack is not None
        for at in [at for at in self._at if at <= lines]:
            name = self._at.pop(at)
            self.stack.nursery.children[f"{name} worker"].signal(signal.SIGKILL)
            self.killed.append(name)


IN_TROUBLE = {
    "orderlink_brake_on",
    "orderlink_commit_redos_total",
    "orderlink_dead_letters_total",
    "orderlink_http_rejected_total",
    "orderlink_inlet_deliveries_total",
    "orderlink_publish_failures_total",
    "orderlink_stuck_files",
}
"""What a day without trouble, and without inlets, leaves at 0; `tests/http` and `tests/settings` move it."""
SAMPLED = {
    "orderlink_http_requests_in_flight",
    "orderlink_lag_records",
    "orderlink_orders_with_open_tasks",
    "orderlink_orders_with_overdue_tasks",
    "orderlink_pending_files",
    "orderlink_pending_oldest_seconds",
    "orderlink_timer_overdue_seconds",
}
"""Gauges of what passes: between two looks it is gone, so these may stand at 0."""


class Metrics:
    """Reads every process's metrics now and then, and keeps which of them were ever above 0."""

    def __init__(self) -> None:
        self.moved: set[str] = set()
        self.told: set[str] = set()
        self._urls: list[str] = []

    def watch(self, stack: Stack) -> None:
        self._urls = [where(name) for name in SERVICES for where in (stack.api, stack.worker)]

    def read(self) -> None:
        for url in self._urls:
            with suppress(httpx.TransportError):  # it was killed just now
                self._take(httpx.get(f"{url}/metrics", timeout=10).text)

    def _take(self, exposition: str) -> None:
        for family in text_string_to_metric_families(exposition):
            for sample in family.samples:
                name = re.sub("_(bucket|count|sum)$", "", sample.name)
                self.told.add(name)
                if sample.value > 0:
                    self.moved.add(name)


def by_hand() -> dict[str, int]:
    counts = counts_by_order()
    return dict(sorted(sum((counts[order] for order in (*ORDERS, "T73")), Counter[str]()).items()))


@pytest.mark.promise("kept", "once")
async def test_a_lockstep_replay_is_exact_though_every_worker_is_killed_once(
    some_orders: Path, tmp_path: Path, servers: Servers
) -> None:
    extent = measure(some_orders)
    killer, metrics = Killer(extent.lines), Metrics()
    said: list[str] = []

    def show(lines: int, moment: datetime) -> None:
        if lines % 10 == 0 or lines == extent.lines:
            metrics.read()
        killer(lines, moment)

    def watch(stack: Stack) -> None:
        killer.watch(stack)
        metrics.watch(stack)

    played: Replayed = await replay_on_own_stack(
        tmp_path, some_orders, extent, None, show, said.append, watch, servers
    )
    assert killer.killed == list(SERVICES)
    assert sum("was ended by SIGKILL; starting it again" in line for line in said) == len(SERVICES)
    assert played.counts.all == by_hand()
    assert [slug for _, slug in played.refused] == ["blocked-by-task"]
    counted = {*COUNTERS, *GAUGES, *HISTOGRAMS}
    assert counted - metrics.told <= IN_TROUBLE | SAMPLED
    assert counted - metrics.moved <= IN_TROUBLE | SAMPLED


async def test_a_replay_in_scaled_time_plays_to_the_end(tmp_path: Path, servers: Servers) -> None:
    one = tmp_path / "one.jsonl"
    rows = [row for row in TIMELINE.read_text().splitlines() if json.loads(row)["order_id"] == "T04"]
    one.write_text("\n".join(rows) + "\n")
    played = await replay_on_own_stack(
        tmp_path,
        one,
        measure(one),
        20_000,
        lambda _lines, _moment: None,
        list[str]().append,
        servers=servers,
    )
    # A busy machine may be late by hours of this time, so what depends on them is left out.
    assert played.counts.domain == domain_names(counts_by_order()["T04"])


async def test_a_system_without_a_test_clock_is_not_played_with() -> None:
    addresses = Addresses(apis={}, workers={}, kafka="127.0.0.1:1", token="t", partitions=4)
    with pytest.raises(SystemFailed, match="no test clock"):
        await replay_on(addresses, TIMELINE, measure(TIMELINE), None, lambda _lines, _moment: None)
