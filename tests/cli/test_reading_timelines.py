"""Timeline files are read strictly: a mistake is told with its line and its field."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from shared.cli.timeline import BadTimeline, instants, lines, measure
from shared.contracts.acts import TaskClaim
from shared.contracts.facts import OrderPaid

PAID: dict[str, Any] = {
    "id": "f1",
    "at": "2026-03-02T10:00:00Z",
    "fact": "order.paid",
    "order_id": "A-1",
    "data": {"amount": "9.90", "payment_id": "p1"},
}
CLAIM: dict[str, Any] = {
    "id": "f2",
    "at": "2026-03-02T10:00:00Z",
    "act": "task.claim",
    "order_id": "A-1",
    "agent_id": "ann",
    "kind": "decide_case",
}
LATER = {**PAID, "id": "f3", "at": "2026-03-02T11:00:00+01:30"}


def written(folder: Path, *rows: object) -> Path:
    path = folder / "timeline.jsonl"
    path.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows))
    return path


def complaint(path: Path) -> str:
    with pytest.raises(BadTimeline) as caught:
        measure(path)
    return str(caught.value)


def test_facts_and_acts_lie_side_by_side(tmp_path: Path) -> None:
    found = [line.content for line in lines(written(tmp_path, PAID, CLAIM))]
    assert [type(content) for content in found] == [OrderPaid, TaskClaim]


def test_lines_of_one_moment_come_together_in_their_order(tmp_path: Path) -> None:
    path = written(tmp_path, {**PAID, "at": "2026-03-02T09:00:00Z"}, PAID, CLAIM)
    assert [[line.number for line in together] for _, together in instants(path)] == [[1], [2, 3]]


def test_a_gzipped_file_is_known_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "timeline.jsonl"
    path.write_bytes(gzip.compress(json.dumps(PAID).encode()))
    assert measure(path).lines == 1


def test_empty_lines_are_passed_over_and_counted(tmp_path: Path) -> None:
    assert [line.number for line in lines(written(tmp_path, "\n", PAID, "\n"))] == [2]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({**PAID, "data": {"amount": 9.9, "payment_id": "p"}}, "line 2: data.amount: an amount is a decimal"),
        ({**PAID, "data": {"amount": "9.90"}}, "line 2: data.payment_id: Field required"),
        ({**PAID, "colour": "red"}, "line 2: colour: Extra inputs are not permitted"),
        ({**PAID, "fact": "order.eaten"}, "line 2: fact: "),
        ({**PAID, "at": "yesterday"}, "line 2: at: "),
        ({**PAID, "at": "2026-03-02T10:00:00"}, "line 2: at: "),
        ({**CLAIM, "kind": "sing"}, "line 2: kind: "),
        ({**CLAIM, "act": "task.eat"}, "line 2: act: "),
        ({"id": "f9"}, "line 2: fact: "),
        ("{\n", "line 2: not JSON: "),
        ("[1]\n", "line 2: the line: Input should be an object"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_its_field(row: object, told: str, tmp_path: Path) -> None:
    assert told in complaint(written(tmp_path, PAID, row))


def test_lines_out_of_order_are_told(tmp_path: Path) -> None:
    assert "line 2: at: 2026-03-02T09:30:00Z is earlier than line 1's" in complaint(
        written(tmp_path, PAID, LATER)
    )


def test_a_file_without_lines_is_told(tmp_path: Path) -> None:
    assert "there is no line in it" in complaint(written(tmp_path, "\n"))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert complaint(tmp_path / "nowhere.jsonl").endswith("nowhere.jsonl: No such file or directory")


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "timeline.jsonl"
    path.write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8 text" in complaint(path)


def test_a_gzipped_file_that_was_cut_is_told(tmp_path: Path) -> None:
    path = tmp_path / "timeline.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(PAID).encode() * 100)[:-12])
    assert str(path) in complaint(path)
