"""A released event may only grow; taking away or changing what it promised is found."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from shared.cli.contracts import RELEASED, app, broken_promises
from shared.contracts import events
from shared.contracts.event import from_cloudevent, to_cloudevent
from shared.contracts.evolution import narrowed, unreadable
from shared.contracts.examples import example_of
from shared.contracts.schemas import Schema, event_schema

pytestmark = pytest.mark.promise("readable")

PLACED = events.orders.OrderPlaced
SCHEMA = event_schema(PLACED)


def _changed(**fields: Any) -> Schema:
    schema = deepcopy(SCHEMA)
    schema["properties"]["data"]["properties"].update(fields)
    return schema


def test_an_unchanged_event_promises_the_same() -> None:
    assert narrowed(SCHEMA, SCHEMA) == []


def test_a_new_field_is_no_loss() -> None:
    schema = _changed(channel={"type": "string"})
    schema["properties"]["data"]["required"].append("channel")
    assert narrowed(SCHEMA, schema) == []


def test_a_field_that_is_gone_is_found() -> None:
    schema = deepcopy(SCHEMA)
    del schema["properties"]["data"]["properties"]["total"]
    assert narrowed(SCHEMA, schema) == ["record.data.total: is gone"]


def test_a_field_that_may_now_be_absent_is_found() -> None:
    schema = deepcopy(SCHEMA)
    schema["properties"]["data"]["required"].remove("total")
    assert narrowed(SCHEMA, schema) == ["record.data.total: is no longer always there"]


@pytest.mark.parametrize(
    "now", [{"type": "number"}, {"anyOf": [{"type": "string"}, {"type": "null"}]}, {}, {"const": 3}]
)
def test_a_field_of_another_type_is_found(now: Schema) -> None:
    assert any("record.data.total" in line for line in narrowed(SCHEMA, _changed(total=now)))


def test_a_change_inside_a_line_is_found() -> None:
    schema = deepcopy(SCHEMA)
    schema["$defs"]["Line"]["properties"]["quantity"] = {"type": "string"}
    assert narrowed(SCHEMA, schema) == ["record.data.lines[].quantity: was ['integer'], is ['string']"]


def test_another_fixed_value_is_found() -> None:
    old = {"properties": {"type": {"const": "a"}}}
    new = {"properties": {"type": {"const": "b"}}}
    assert narrowed(old, new) == ["record.type: may now be 'b'"]


def test_a_record_with_fields_of_a_later_version_is_read_and_fits_todays_schema() -> None:
    record = to_cloudevent(example_of(PLACED))
    record["laterextension"] = "x"
    record["data"]["later"] = {"anything": 1}
    record["data"]["lines"][0]["gift_wrap"] = True
    assert from_cloudevent(record) == example_of(PLACED)
    Draft202012Validator(SCHEMA).validate(record)


def test_a_stored_record_that_lacks_a_required_field_is_found() -> None:
    record = to_cloudevent(example_of(PLACED))
    del record["data"]["total"]
    record_of_no_event = {**record, "type": "orderlink.order.forgotten.v1"}
    found = unreadable({"a.json": record, "b.json": record_of_no_event})
    assert [line.partition(":")[0] for line in found] == ["a.json", "b.json"]


def test_a_frozen_release_is_kept_until_it_is_broken(tmp_path: Path) -> None:
    commands = CliRunner()
    at = ["--folder", str(tmp_path)]
    assert commands.invoke(app, ["write", *at]).exit_code == 0
    assert commands.invoke(app, ["freeze", "9.0.0", *at]).exit_code == 0
    assert commands.invoke(app, ["check", *at]).exit_code == 0
    assert commands.invoke(app, ["freeze", "9.0.0", *at]).exit_code == 1

    bundle = tmp_path / RELEASED / "9.0.0.json"
    content = json.loads(bundle.read_text("utf-8"))
    data = content["schemas"]["order.placed.v1.json"]["properties"]["data"]
    data["properties"]["promised"] = {"type": "string"}
    data["required"].append("promised")
    content["schemas"]["order.forgotten.v1.json"] = {}
    bundle.write_text(json.dumps(content), "utf-8")
    assert broken_promises(tmp_path) == [
        "9.0.0: order.forgotten.v1.json is gone",
        "9.0.0: order.placed.v1.json: record.data.promised: is gone",
        "9.0.0: order.placed.v1.json: record.data.promised: is no longer always there",
    ]
    assert commands.invoke(app, ["check", *at]).exit_code == 1


def test_a_stray_and_a_changed_file_are_found(tmp_path: Path) -> None:
    commands = CliRunner()
    at = ["--folder", str(tmp_path)]
    commands.invoke(app, ["write", *at])
    (tmp_path / "events/schemas/order.forgotten.v1.json").write_text("{}")
    (tmp_path / "asyncapi.yaml").write_text("")
    answer = commands.invoke(app, ["check", *at])
    assert answer.exit_code == 1
    assert "asyncapi.yaml: differs" in answer.output
    assert "order.forgotten.v1.json: no such event" in answer.output
    commands.invoke(app, ["write", *at])
    assert commands.invoke(app, ["check", *at]).exit_code == 0


def test_outside_a_checkout_the_command_says_what_to_do(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["check", "--folder", str(tmp_path / "nowhere")])
    assert answer.exit_code == 2
    assert "docs folder" in answer.output
