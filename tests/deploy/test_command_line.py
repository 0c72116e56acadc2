"""The command line's pod, as deploy/README.md makes it of a worker's Deployment."""

import json
import re
import shutil
import subprocess
from typing import Any

import pytest

from tests.deploy.rendering import CHART, EVERYTHING, MINORS, MUST, named, rendered, wrong_with

README = CHART.parent / "README.md"


def pod_made_of(deployment: dict[str, Any], *, of_administrators: bool = False) -> dict[str, Any]:
    if shutil.which("jq") is None:
        pytest.skip("jq is not here")
    text = README.read_text("utf-8")
    program = re.search(r"\| jq '(.*?)' \| kubectl -n shop apply", text, re.DOTALL)
    more = re.search(r"\n\n( +\| \.containers\[0\]\.env \|= .*?)\n\n", text, re.DOTALL)
    assert program is not None
    assert more is not None
    asked = (
        program[1].replace("| {apiVersion", f"{more[1]}\n | {{apiVersion")
        if of_administrators
        else program[1]
    )
    told = json.dumps(deployment)
    done = subprocess.run(["jq", asked], input=told, capture_output=True, text=True, check=True, timeout=10)
    pod: dict[str, Any] = json.loads(done.stdout)
    return pod


def test_the_command_lines_pod_has_all_that_the_workers_has_and_idles() -> None:
    deployment = named(rendered(MUST, EVERYTHING), "Deployment", "orderlink-orders-worker")
    pod = pod_made_of(deployment)
    template = deployment["spec"]["template"]["spec"]
    (container,), (worker,) = pod["spec"]["containers"], template["containers"]
    for part in ("env", "envFrom", "volumeMounts", "securityContext", "resources"):
        assert container[part] == worker[part]
    for part in ("volumes", "securityContext", "serviceAccountName", "automountServiceAccountToken"):
        assert pod["spec"][part] == template[part]
    assert container["image"] == worker["image"].replace("-orders", "-cli")
    assert container["command"] == ["sleep", "infinity"]
    assert "labels" not in pod["metadata"]
    assert not {"livenessProbe", "readinessProbe", "startupProbe", "ports"} & container.keys()


@pytest.mark.parametrize("minor", MINORS)
def test_the_command_lines_pod_is_what_kubernetes_accepts(minor: str) -> None:
    for values in ((MUST,), (MUST, EVERYTHING)):
        pod = pod_made_of(named(rendered(*values), "Deployment", "orderlink-orders-worker"))
        assert wrong_with(pod, minor) == []


def test_the_pod_of_administrators_differs_by_its_user_and_his_secrets_alone() -> None:
    deployment = named(rendered(MUST, EVERYTHING), "Deployment", "orderlink-orders-worker")
    ours, theirs = pod_made_of(deployment), pod_made_of(deployment, of_administrators=True)
    env = {each["name"]: each for each in theirs["spec"]["containers"][0].pop("env")}
    before = {each["name"]: each for each in ours["spec"]["containers"][0].pop("env")}
    name = "orderlink-administrators"
    assert env.pop("KAFKA_SASL_USERNAME")["value"] == env.pop("MONGODB_USERNAME")["value"] == name
    assert env.pop("KAFKA_SASL_PASSWORD")["valueFrom"]["secretKeyRef"] == {"name": name, "key": "password"}
    assert env.pop("MONGODB_PASSWORD")["valueFrom"]["secretKeyRef"] == {
        "name": f"{name}-secrets",
        "key": "MONGODB_PASSWORD",
    }
    assert env.items() <= before.items()
    (certificate,) = (each for each in theirs["spec"]["volumes"] if each["name"] == "kafka-client")
    assert certificate["secret"]["secretName"] == name
    certificate["secret"]["secretName"] = "orderlink-orders"
    assert theirs == ours


def test_the_pod_of_administrators_is_what_kubernetes_accepts_where_nobody_has_a_user() -> None:
    pod = pod_made_of(named(rendered(MUST), "Deployment", "orderlink-orders-worker"), of_administrators=True)
    assert wrong_with(pod, MINORS[-1]) == []
