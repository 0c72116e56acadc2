"""`kubectl drain` of a node with all pods: it may take no more than the budgets allow."""

from typing import Final

from tests.cluster import ground
from tests.cluster.commands import Cluster, ClusterWrong, Said
from tests.cluster.life import WAIT
from tests.cluster.looks import RELEASE, Place, least_available, running
from tests.deploy.rendering import CHART

FULL, *OTHERS = ground.NODES
REFUSED_SECONDS: Final = 12
"""How long it may try where it must not succeed; kubectl tries again every five seconds."""
DONE_SECONDS: Final = 60


def crowd(cluster: Cluster, place: Place) -> str:
    """A release whose pods are all on one node, since no other takes any."""
    ground.make_namespace(cluster, place.namespace)
    cluster.kubectl("cordon", *OTHERS)
    cluster.helm("install", RELEASE, str(CHART), *place.arguments, *WAIT)
    told = running(cluster, place)
    on = {pod["spec"]["nodeName"] for pod in cluster.got("pods", place.namespace)}
    if on != {FULL}:
        raise ClusterWrong(f"pods are on {sorted(on)}, not on {FULL} alone")
    return told


def stop_at_budgets(cluster: Cluster, place: Place) -> str:
    """One pod of each goes and finds no place; the other stays."""
    moment = cluster.now()
    said = _drain(cluster, REFUSED_SECONDS)
    if not said.code or "disruption budget" not in said.err:
        raise ClusterWrong(f"the drain did not stop at the budgets: {said.out}{said.err}")
    least = least_available(cluster, place, moment)
    if set(least.values()) != {1}:
        raise ClusterWrong(f"expected one available pod of each, got {least}")
    refusals = said.err.count("disruption budget")
    told = f"one pod of each of {len(least)} Deployments went, one stayed"
    return f"{told}; evictions were refused {refusals} times"


def go_on(cluster: Cluster, place: Place) -> str:
    """With room elsewhere the rest goes too, and none is ever without a pod."""
    moment = cluster.now()
    cluster.kubectl("uncordon", *OTHERS)
    running(cluster, place)
    said = _drain(cluster, DONE_SECONDS)
    if said.code:
        raise ClusterWrong(f"the drain did not end: {said.err}")
    told = running(cluster, place)
    on = {pod["spec"]["nodeName"] for pod in cluster.got("pods", place.namespace)}
    least = least_available(cluster, place, moment)
    if FULL in on or min(least.values()) < 1:
        raise ClusterWrong(f"pods are on {sorted(on)}, the fewest were {least}")
    cluster.kubectl("uncordon", FULL)
    return f"{told}, none on the emptied node; never fewer than {min(least.values())} available"


def _drain(cluster: Cluster, seconds: int) -> Said:
    options = ("--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={seconds}s")
    return cluster.run(cluster.binaries.path("kubectl"), "drain", FULL, *options)
