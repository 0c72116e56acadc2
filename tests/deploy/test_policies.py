"""Every set of values renders to what the policies allow, and each policy sees what breaks it."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from shared.cli.chart import DRAIN_PLUS_SECONDS, DRAIN_TIMES
from tests.deploy import policies
from tests.deploy.policies import Manifests
from tests.deploy.rendering import EVERYTHING, MUST, containers, of_kind, rendered, values_files

PARTITIONS = {"must": 16, "small": 8, "medium": 16, "large": 64, "everything": 16}


def drained(seconds: float) -> float:
    """How long a process takes at most to end."""
    return DRAIN_TIMES * seconds + DRAIN_PLUS_SECONDS


def in_time(manifests: Manifests) -> list[str]:
    return policies.there_is_time_to_end(manifests, drained)


def within_partitions(manifests: Manifests) -> list[str]:
    return policies.scalers_know_the_partitions(manifests, PARTITIONS["everything"])


POLICIES: tuple[Callable[[Manifests], list[str]], ...] = (
    policies.nobody_is_root,
    policies.images_are_fixed,
    policies.resources_are_bounded,
    policies.probes_are_set,
    policies.everything_is_denied_first,
    policies.one_scaler_a_deployment,
    policies.secrets_are_by_reference,
    policies.no_tokens_are_mounted,
    policies.temporary_files_have_a_place,
    policies.references_are_kept,
    in_time,
)


@pytest.mark.parametrize("values", values_files())
def test_what_is_rendered_keeps_every_policy(values: str) -> None:
    manifests = rendered(*values_files()[values])
    assert [line for policy in POLICIES for line in policy(manifests)] == []
    assert policies.scalers_know_the_partitions(manifests, PARTITIONS[values]) == []


def first(manifests: Manifests, kind: str) -> dict[str, Any]:
    return of_kind(manifests, kind)[0]


def pod(manifests: Manifests) -> dict[str, Any]:
    spec: dict[str, Any] = first(manifests, "Deployment")["spec"]["template"]["spec"]
    return spec


def container(manifests: Manifests) -> dict[str, Any]:
    found: dict[str, Any] = pod(manifests)["containers"][0]
    return found


def both(manifests: Manifests) -> None:
    scaler = first(manifests, "HorizontalPodAutoscaler")
    scaler["spec"]["scaleTargetRef"]["name"] = "orderlink-orders-worker"


def unknown_label(manifests: Manifests) -> None:
    for policy in of_kind(manifests, "NetworkPolicy"):
        if not policy["spec"].get("egress"):
            policy["spec"]["podSelector"]["matchLabels"]["orderlink-role"] = "api"


BREAKAGES: dict[str, tuple[Callable[[Manifests], list[str]], str, Callable[[Manifests], Any]]] = {
    "a user of 0": (
        policies.nobody_is_root,
        "may run as root",
        lambda all_: pod(all_)["securityContext"].update(runAsUser=0),
    ),
    "a kept capability": (
        policies.nobody_is_root,
        "keeps capabilities",
        lambda all_: container(all_)["securityContext"]["capabilities"].update(add=["NET_RAW"]),
    ),
    "files of the image that can be written": (
        policies.nobody_is_root,
        "writes to its image's files",
        lambda all_: container(all_)["securityContext"].pop("readOnlyRootFilesystem"),
    ),
    "no seccomp profile": (
        policies.nobody_is_root,
        "no seccomp profile",
        lambda all_: pod(all_)["securityContext"].pop("seccompProfile"),
    ),
    "latest": (
        policies.images_are_fixed,
        "is not fixed",
        lambda all_: container(all_).update(image="registry.example/orderlink-orders:latest"),
    ),
    "no tag": (
        policies.images_are_fixed,
        "is not fixed",
        lambda all_: container(all_).update(image="registry.example:5000/orderlink-orders"),
    ),
    "no limit of memory": (
        policies.resources_are_bounded,
        "no limits of memory",
        lambda all_: container(all_)["resources"]["limits"].pop("memory"),
    ),
    "no probe of life": (
        policies.probes_are_set,
        "livenessProbe does not ask /livez",
        lambda all_: container(all_).pop("livenessProbe"),
    ),
    "a denial for APIs only": (
        policies.everything_is_denied_first,
        "nothing is denied",
        unknown_label,
    ),
    "a policy without ports": (
        policies.everything_is_denied_first,
        "opens every port",
        lambda all_: of_kind(all_, "NetworkPolicy")[1]["spec"]["egress"].append({"to": []}),
    ),
    "two scalers on one Deployment": (policies.one_scaler_a_deployment, "scaled by two", both),
    "a number beside a scaler": (
        policies.one_scaler_a_deployment,
        "said by two",
        lambda all_: first(all_, "Deployment")["spec"].update(replicas=3),
    ),
    "none at night": (
        policies.one_scaler_a_deployment,
        "may scale to nothing",
        lambda all_: first(all_, "ScaledObject")["spec"].update(minReplicaCount=0),
    ),
    "a password in a ConfigMap": (
        policies.secrets_are_by_reference,
        "MONGODB_URL in the open",
        lambda all_: first(all_, "ConfigMap")["data"].update(MONGODB_URL="mongodb://me:secret@there"),
    ),
    "a token in a variable": (
        policies.secrets_are_by_reference,
        "ORDERLINK_TOKENS in the open",
        lambda all_: container(all_)["env"].append({"name": "ORDERLINK_TOKENS", "value": "{}"}),
    ),
    "a token of the cluster": (
        policies.no_tokens_are_mounted,
        "a token is mounted",
        lambda all_: pod(all_).pop("automountServiceAccountToken"),
    ),
    "no place for temporary files": (
        policies.temporary_files_have_a_place,
        "no bounded place",
        lambda all_: container(all_)["volumeMounts"].pop(0),
    ),
    "a Service that selects nobody": (
        policies.references_are_kept,
        "selects no pod",
        lambda all_: first(all_, "Service")["spec"]["selector"].update(tier="web"),
    ),
    "a route to nowhere": (
        policies.references_are_kept,
        "Service/gone is not there",
        lambda all_: first(all_, "HTTPRoute")["spec"]["rules"][0]["backendRefs"][0].update(name="gone"),
    ),
    "a scaler of nothing": (
        policies.references_are_kept,
        "Deployment/gone is not there",
        lambda all_: first(all_, "ScaledObject")["spec"]["scaleTargetRef"].update(name="gone"),
    ),
    "settings that nobody made": (
        policies.references_are_kept,
        "ConfigMap/gone is not there",
        lambda all_: container(all_)["envFrom"][0]["configMapRef"].update(name="gone"),
    ),
    "a short grace period": (
        in_time,
        "killed before it has ended",
        lambda all_: pod(all_).update(terminationGracePeriodSeconds=30),
    ),
    "more workers than partitions": (
        within_partitions,
        "17 workers for 16 partitions",
        lambda all_: first(all_, "ScaledObject")["spec"].update(maxReplicaCount=17),
    ),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_policy_sees_what_breaks_it(breakage: str) -> None:
    policy, expected, break_it = BREAKAGES[breakage]
    manifests = deepcopy(rendered(MUST, EVERYTHING))
    assert policy(manifests) == []
    break_it(manifests)
    assert any(expected in line for line in policy(manifests))


def test_every_policy_is_broken_once() -> None:
    assert {broken for broken, _, _ in BREAKAGES.values()} == {*POLICIES, within_partitions}


def test_the_api_goes_on_for_a_while_and_the_worker_begins_to_drain_at_once() -> None:
    manifests = rendered(MUST)
    grace = {
        name: template["spec"]["terminationGracePeriodSeconds"]
        for name, template, _ in containers(tuple(of_kind(manifests, "Deployment")))
    }
    pauses = {name: each.get("lifecycle") for name, _, each in containers(manifests)}
    assert (grace["orderlink-orders-api"], grace["orderlink-orders-worker"]) == (30, 25)
    assert pauses["orderlink-orders-api"] == {"preStop": {"sleep": {"seconds": 5}}}
    assert pauses["orderlink-orders-worker"] is None
