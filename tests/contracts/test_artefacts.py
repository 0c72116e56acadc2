"""The committed schemas, examples and the AsyncAPI document are those of the code, and fit each other."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from cloudevents.core.bindings import kafka
from jsonschema import Draft202012Validator, FormatChecker

from shared.cli.contracts import ASYNCAPI, EXAMPLES, SCHEMAS, broken_promises, made, stale
from shared.contracts.event import Payload, from_cloudevent, to_cloudevent
from shared.contracts.examples import RULES, TOLD, example_of
from shared.contracts.schemas import event_file, event_schema, event_type, published

DOCS = Path(__file__).parents[2] / "docs"
ALL = published()


def _read(folder: Path, cls: type[Payload]) -> Any:
    return json.loads((DOCS / folder / event_file(cls)).read_text("utf-8"))


def test_the_committed_files_are_those_of_the_code() -> None:
    assert stale(DOCS) == [], "run `make schemas` and commit what it writes"


def test_every_release_is_kept() -> None:
    assert broken_promises(DOCS) == []


@pytest.mark.parametrize("cls", ALL, ids=event_type)
def test_an_example_is_read_by_todays_code(cls: type[Payload]) -> None:
    record = _read(EXAMPLES, cls)
    event = from_cloudevent(record)
    assert event.data == cls.model_validate(record["data"])
    assert to_cloudevent(event) == record


@pytest.mark.parametrize("cls", ALL, ids=event_type)
def test_an_example_fits_the_committed_schema(cls: type[Payload]) -> None:
    schema = _read(SCHEMAS, cls)
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(to_cloudevent(example_of(cls)))


@pytest.mark.parametrize("cls", ALL, ids=event_type)
def test_an_example_is_a_cloud_event_in_structured_mode(cls: type[Payload]) -> None:
    record = _read(EXAMPLES, cls)
    message = kafka.KafkaMessage(
        headers={"content-type": b"application/cloudevents+json"},
        key=record["subject"].encode(),
        value=json.dumps(record).encode(),
    )
    event = kafka.from_structured_event(message)
    assert event.get_specversion() == "1.0"
    assert (event.get_id(), event.get_type()) == (record["id"], event_type(cls))
    assert event.get_extension("sequence") == record["sequence"]
    assert event.get_data() == record["data"]


def test_every_event_has_an_example_of_its_own_and_no_example_is_left_over() -> None:
    names = {cls.name for cls in ALL}
    assert set(TOLD) <= names
    assert set(RULES) <= names
    assert not names - set(TOLD), "tell these in shared/contracts/examples.py"


def test_an_example_tells_only_fields_that_the_event_has() -> None:
    strays = [
        f"{cls.name}.{field}"
        for cls in ALL
        for field in TOLD.get(cls.name, ("", {}))[1]
        if field not in cls.model_fields
    ]
    assert not strays


def test_schemas_bear_fields_and_values_of_later_versions() -> None:
    text = json.dumps([event_schema(cls) for cls in ALL])
    assert '"additionalProperties": false' not in text
    assert '"enum"' not in text


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = yaml.safe_load((DOCS / ASYNCAPI).read_text("utf-8"))

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [found for value in node.values() for found in references(value)]
        if isinstance(node, list):
            return [found for value in node for found in references(value)]
        return []

    for reference in set(references(document)):
        place, _, pointer = reference.partition("#")
        if place:
            assert (DOCS / place).is_file(), reference
            continue
        node = document
        for step in pointer.strip("/").split("/"):
            node = node[step]


def test_no_event_but_the_contact_holds_personal_data() -> None:
    personal = {"receiver", "phone", "email", "address", "postal_code", "contact"}
    for cls in ALL:
        if cls.name != "contact.changed":
            fields = {*cls.model_fields, *event_schema(cls).get("$defs", {}).get("Receiver", {})}
            assert not fields & personal, cls.name


def test_making_the_files_twice_makes_the_same() -> None:
    assert made() == made()
