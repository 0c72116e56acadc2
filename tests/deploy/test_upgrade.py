"""An upgrade from a released chart finds every object in its place, and takes the values of then."""

from copy import deepcopy

import pytest
import yaml

from tests.deploy.keeping import CASES, KEPT, kept_of, lost, objects_now, objects_then, released
from tests.deploy.rendering import CHART, EVERYTHING, MUST, named, rendered


def test_the_chart_of_the_first_release_is_kept() -> None:
    assert ("0.1.0", "everything") in released()
    assert yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))["version"] >= "0.1.0"


@pytest.mark.parametrize(("version", "case"), released())
def test_what_a_release_made_is_still_there_and_can_be_changed_in_place(version: str, case: str) -> None:
    assert lost(objects_then(version, case), objects_now(version, case)) == []


@pytest.mark.parametrize(("version", "case"), released())
def test_the_packed_chart_of_a_release_makes_what_was_written_down_of_it(version: str, case: str) -> None:
    values = (KEPT / version / name for name in CASES[case])
    chart = KEPT / version / f"orderlink-{version}.tgz"
    assert kept_of(rendered(*values, chart=chart)) == objects_then(version, case)


def test_a_changed_selector_a_lost_topic_and_another_port_are_seen() -> None:
    manifests = rendered(MUST, EVERYTHING)
    then = kept_of(manifests)
    changed = deepcopy(tuple(each for each in manifests if each["metadata"]["name"] != "contacts.v1"))
    deployment = named(changed, "Deployment", "orderlink-orders-api")
    deployment["spec"]["selector"]["matchLabels"]["tier"] = "web"
    named(changed, "Service", "orderlink-orders-api")["spec"]["ports"][0]["port"] = 8080
    found = lost(then, kept_of(changed))
    assert sorted(line.split(":")[0] for line in found) == [
        "Deployment/orderlink-orders-api",
        "KafkaTopic/contacts.v1 is gone",
        "Service/orderlink-orders-api",
    ]
