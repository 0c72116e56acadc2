"""The command line's pod, as deploy/README.md makes it of a worker's Deployment."""

import json
import re
import shutil
import subprocess
from typing import Any

import pytest

from tests.deploy.rendering import CHART, EVERYTHING, MINORS, MUST, named, rendered, wrong_with

README = CHART.parent / "README.md"


def pod_made_of(deployment: dict[str, Any]) -> dict[str, Any]:
    if shutil.which("jq") is None:
        pytest.skip("jq is not here")
    program = re.search(r"\| jq '(.*?)' \| kubectl -n shop apply", README.read_text("utf-8"), re.DOTALL)
    assert program is not None
    told = json.dumps(deployment)
    done = subprocess.run(
        ["jq", program[1]], input=told, capture_output=True, text=True, check=True, timeout=10
    )
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
