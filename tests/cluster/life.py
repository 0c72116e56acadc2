"""The life of a release: installed, changed, rolled back, taken away. Each step says what it saw."""

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Final

from shared.contracts.catalog import TOPICS
from tests.cluster.commands import Cluster, ClusterWrong
from tests.cluster.ground import KAFKA
from tests.cluster.looks import (
    RELEASE,
    Place,
    came_first,
    everything,
    least_available,
    pods_by_component,
    referred,
    running,
)
from tests.deploy.keeping import KEPT
from tests.deploy.rendering import CHART, rendered

PATIENCE: Final = ("--timeout", "300s")
WAIT: Final = ("--wait", *PATIENCE)
_NOT_OURS: Final = re.compile(
    r"(ServiceAccount/default|ConfigMap/kube-root-ca\.crt|Secret/orderlink-\w+-secrets|RoleBinding/tenants)$"
)
"""What is in a namespace beside a release: what Kubernetes makes, and what we made before."""


def install(cluster: Cluster, place: Place, is_first: bool = True) -> str:
    """What is rendered is valid to its last field; installed without a warning; all of it runs."""
    manifests = deepcopy(rendered(*place.values))
    for each in manifests:
        each["metadata"].setdefault("namespace", place.namespace)
    cluster.apply(manifests, "--dry-run=server")
    moment = cluster.now()
    waits = WAIT if is_first else PATIENCE
    cluster.helm("install", RELEASE, str(CHART), *place.arguments, *waits, user=place.user)
    told = [
        f"{len(manifests)} objects",
        came_first(cluster, place, moment, is_first),
        running(cluster, place),
    ]
    if is_first:
        told.append(referred(cluster, place))
    return "; ".join(told)


def change_setting(cluster: Cluster, place: Place) -> str:
    """Another setting of one service starts that service's pods anew, and no others."""
    before = pods_by_component(cluster, place)
    told = _upgraded(cluster, place, "--set", "services.orders.config.ORDERLINK_LOG_LEVEL=debug")
    after = pods_by_component(cluster, place)
    kept = {name for name in before if before[name] == after[name]}
    if before["orders"] & after["orders"] or kept != before.keys() - {"orders"}:
        raise ClusterWrong(f"other pods were started anew than orders': {before} became {after}")
    return f"orders' pods alone are new; {told}"


def change_image(cluster: Cluster, place: Place) -> str:
    """Another version of the program starts all pods anew, none too early."""
    before = pods_by_component(cluster, place)
    told = _upgraded(cluster, place, "--set", "image.tag=0.1.1")
    after = pods_by_component(cluster, place)
    if left := [name for name in before if before[name] & after[name]]:
        raise ClusterWrong(f"old pods of {left} are left")
    return f"all pods are new; {told}"


def roll_back(cluster: Cluster, place: Place) -> str:
    """The first revision again."""
    return _kept_up(
        cluster,
        place,
        lambda: cluster.helm(
            "rollback", RELEASE, "1", "--namespace", place.namespace, *WAIT, user=place.user
        ),
    )


def change_partitions(cluster: Cluster, place: Place) -> str:
    """Where the topics' Job fails, nothing is changed, and the way back is an upgrade as always."""
    before, moment = pods_by_component(cluster, place), cluster.now()
    try:
        _upgraded(cluster, place, "--set", "kafka.partitions=32")
    except ClusterWrong as problem:
        said = str(problem)
    else:
        raise ClusterWrong("the upgrade went on though the Job had failed")
    if f"{RELEASE}-topics" not in said:
        raise ClusterWrong(f"it is not said that the topics' Job failed: {said}")
    changed = [each["object"]["metadata"]["name"] for each in cluster.since(moment, place.deployments)]
    if changed or pods_by_component(cluster, place) != before:
        raise ClusterWrong(f"it changed {changed}")
    if [each["metadata"]["name"] for each in cluster.got("jobs", place.namespace)] != [f"{RELEASE}-topics"]:
        raise ClusterWrong("the Job that failed is not there to be read")
    return f"refused by the Job, which stays to be read; no pod was touched; then {_upgraded(cluster, place)}"


def leave_topics(cluster: Cluster, place: Place) -> str:
    """Topics that are no longer in the values are left, as they are."""
    told = _upgraded(cluster, place, "--set", "strimzi.topics.enabled=false")
    left = cluster.got("kafkatopics", KAFKA)
    if len(left) != len(TOPICS):
        raise ClusterWrong(f"{len(left)} topics are left of {len(TOPICS)}")
    return f"{len(left)} topics are left; {told}"


def uninstall(cluster: Cluster, place: Place, leaves_topics: bool = False) -> str:
    """Nothing is left but the topics."""
    cluster.helm("uninstall", RELEASE, "--namespace", place.namespace, *WAIT, user=place.user)
    wanted = {f"{KAFKA}: KafkaTopic/{topic.name}" for topic in TOPICS} if leaves_topics else set[str]()

    def wrong() -> list[str]:
        left = {name for name in everything(cluster, place.namespace, KAFKA) if not _NOT_OURS.search(name)}
        return [
            *(f"{name} is left" for name in left - wanted),
            *(f"{name} is gone" for name in wanted - left),
        ]

    cluster.settled(wrong)
    return f"{len(wanted)} KafkaTopics are left, and nothing else" if leaves_topics else "nothing is left"


def delete_topics(cluster: Cluster) -> str:
    """By hand: the only way that topics go."""
    cluster.kubectl("delete", "kafkatopics", "--all", "-n", KAFKA)
    return "gone"


def install_released(cluster: Cluster, place: Place, version: str) -> str:
    """A released chart, as it was."""
    chart = KEPT / version / f"{RELEASE}-{version}.tgz"
    cluster.helm("install", RELEASE, str(chart), *place.arguments, *PATIENCE)
    return running(cluster, place)


def upgrade_released(cluster: Cluster, place: Place) -> str:
    """Today's chart in its place."""
    return _upgraded(cluster, place)


def _upgraded(cluster: Cluster, place: Place, *sets: str) -> str:
    arguments = ("upgrade", RELEASE, str(CHART), *place.arguments, *sets, *WAIT)
    return _kept_up(cluster, place, lambda: cluster.helm(*arguments, user=place.user))


def _kept_up(cluster: Cluster, place: Place, does: Callable[[], str]) -> str:
    before = {
        each["metadata"]["name"]: each["spec"]["replicas"]
        for each in cluster.got("deployments", place.namespace)
    }
    moment = cluster.now()
    does()
    told = running(cluster, place)
    least = least_available(cluster, place, moment)
    if fewer := {name: count for name, count in least.items() if count < before.get(name, 0)}:
        raise ClusterWrong(f"fewer were available meanwhile: {fewer} of {before}")
    return f"{told}, none was missing meanwhile"
