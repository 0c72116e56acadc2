"""`orderlink simulate`: JSON on standard output and nothing else, mistakes in plain words."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from shared.adapters.memory_log import MemoryLog
from shared.adapters.profile_files import load_profiles
from shared.cli.loading import load_services
from shared.cli.simulation import Played, Simulation, Stuck
from shared.cli.timeline import instants, measure
from shared.runtime.ports import Outgoing

ROOT = Path(__file__).parents[2]
PLACED = {
    "id": "f1",
    "at": "2026-03-02T10:00:00Z",
    "fact": "order.placed",
    "order_id": "A-1",
    "data": {
        "shop_id": "demo",
        "buyer_id": "kim",
        "currency": "EUR",
        "total": "9.90",
        "lines": [{"line_id": "1", "sku": "S", "name": "Mug", "quantity": 1, "amount": "9.90"}],
        "receiver": {"name": "Kim Lee", "email": "kim@example.com"},
    },
}
UNPAID = {
    "order.closed.unpaid": 1,
    "order.placed": 1,
    "payment_reminder_due.first": 1,
    "payment_reminder_due.last_call": 1,
}


def simulate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from shared.cli.main import main; main()", "simulate", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def timeline(tmp_path: Path) -> Path:
    path = tmp_path / "timeline.jsonl"
    path.write_text(json.dumps(PLACED) + "\n")
    return path


def test_json_is_all_that_is_on_standard_output(timeline: Path) -> None:
    ran = simulate(str(timeline), "--json")
    assert (ran.returncode, json.loads(ran.stdout)) == (0, UNPAID)


def test_all_counts_every_event(timeline: Path) -> None:
    counted = json.loads(simulate(str(timeline), "--json", "--all").stdout)
    # The first reminder is due at 23:00 in Berlin and waits; the last call is due at 09:00, with it.
    assert counted["message.postponed"] == 1
    assert counted["message.sent.payment_reminder"] == 2


def test_a_table_is_for_people(timeline: Path) -> None:
    ran = simulate(str(timeline))
    assert ran.returncode == 0
    assert "order.closed.unpaid" in ran.stdout


def test_the_shops_are_read_from_the_file_that_is_named(timeline: Path, tmp_path: Path) -> None:
    shops = tmp_path / "shops.yaml"
    shops.write_text("- {shop_id: demo, name: Demo, zone: UTC, overrides: {close_unpaid_after: PT6H}}\n")
    counted = json.loads(simulate(str(timeline), "--json", "--shops", str(shops)).stdout)
    assert counted == {key: count for key, count in UNPAID.items() if key != "payment_reminder_due.first"}


def test_a_mistake_in_the_file_ends_it_with_the_line_and_the_field(timeline: Path) -> None:
    timeline.write_text(timeline.read_text() + '{"id": "f2"}\n')
    ran = simulate(str(timeline), "--json")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "line 2: fact:" in ran.stderr.replace("\n", " ")


def test_an_id_that_another_fact_has_ends_it_with_the_line_and_the_id(timeline: Path) -> None:
    timeline.write_text(timeline.read_text() + json.dumps(PLACED | {"at": "2026-03-02T11:00:00Z"}) + "\n")
    ran = simulate(str(timeline), "--json")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "line 2: id: expected one that no other fact of the order has, got 'f1'" in ran.stderr.replace(
        "\n", " "
    )


async def played_with_small_files(timeline: Path, service: str) -> Played:
    """The timeline, where no file of this service has room for an order."""
    simulation = Simulation(load_services(), load_profiles().of, measure(timeline).first)
    engine = simulation.houses[service].engine
    engine.limits = engine.limits.model_copy(update={"document_max_bytes": 1000})
    return await simulation.play(instants(timeline))


async def test_a_fact_for_which_its_file_has_no_room_ends_a_simulation_with_its_line(timeline: Path) -> None:
    with pytest.raises(Stuck, match=r"^line 1: file A-1 would have \d+ bytes, more than the 1000 bytes"):
        await played_with_small_files(timeline, "orders")


async def test_an_event_for_which_a_file_has_no_room_is_a_dead_letter_as_it_would_be(timeline: Path) -> None:
    assert (await played_with_small_files(timeline, "notifications")).dead_letters > 0


def test_what_everybody_has_read_is_let_go_and_offsets_stay() -> None:
    log = MemoryLog(partitions=1)
    for n in range(3):
        log.append(Outgoing("orders.v1", b"A-1", str(n).encode()))
    log.forget("orders.v1", 0, before=2)
    log.forget("orders.v1", 0, before=2)
    assert [record.value for record in log.records("orders.v1")] == [None, None, b"2"]
    assert log.append(Outgoing("orders.v1", b"A-1", b"3")).offset == 3
