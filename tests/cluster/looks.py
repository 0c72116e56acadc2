"""Looks at a release in the cluster: whether all of it runs, who was there when, and what is left of it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.cluster.commands import Cluster, ClusterWrong, Manifest

RELEASE: Final = "orderlink"
COMPONENT: Final = "app.kubernetes.io/component"
_LOOKED_AT: Final = (
    "nodes,deployments,pods,services,endpointslices,poddisruptionbudgets,horizontalpodautoscalers"
)
_MADE_BY_KUBERNETES: Final = frozenset(
    {"events", "events.events.k8s.io", "leases.coordination.k8s.io", "endpoints"}
)


@dataclass(frozen=True)
class Place:
    """Where a release is, of which values, and who installs it."""

    namespace: str
    values: tuple[Path, ...]
    user: str = "admin"

    @property
    def arguments(self) -> list[str]:
        """Helm's arguments for the namespace and the values."""
        files = [part for path in self.values for part in ("--values", str(path))]
        return ["--namespace", self.namespace, *files]

    def path(self, group: str, plural: str) -> str:
        """Where the API server has a kind of this namespace."""
        return f"/{group}/namespaces/{self.namespace}/{plural}"

    @property
    def deployments(self) -> str:
        """Where it has the Deployments."""
        return self.path("apis/apps/v1", "deployments")


def running(cluster: Cluster, place: Place) -> str:
    """Waits until all of a release runs and all that belongs together does. Says what is there."""
    there: dict[str, list[Manifest]] = {}

    def wrong() -> list[str]:
        there.clear()
        for each in cluster.got(_LOOKED_AT, place.namespace):
            there.setdefault(each["kind"], []).append(each)
        there["Pod"] = [each for each in there.get("Pod", ()) if _lasts(each)]
        return [*_numbers(there), *_budgets(there), *_addresses(there), *_spread(there)]

    cluster.settled(wrong)
    told = f"{len(there['Deployment'])} Deployments are full with {len(there['Pod'])} pods"
    return f"{told}, to which {len(there['Service'])} Services lead"


def _numbers(there: dict[str, list[Manifest]]) -> list[str]:
    """Every Deployment has as many pods of today as it wants, and an autoscaled one as many as it must."""
    least = {
        each["spec"]["scaleTargetRef"]["name"]: each["spec"]["minReplicas"]
        for each in there.get("HorizontalPodAutoscaler", ())
    }
    deployments = there.get("Deployment", [])
    found: list[str] = [] if deployments else ["no Deployment"]
    for each in deployments:
        name, status = each["metadata"]["name"], each.get("status", {})
        wanted = max(each["spec"]["replicas"], least.get(name, 1))
        told = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")]
        is_seen = status.get("observedGeneration") == each["metadata"]["generation"]
        if told != [wanted] * 3 or not is_seen:
            found.append(f"{name} has {told} pods, of today and available, of {wanted}")
    if len(there["Pod"]) != (wanted := sum(each["spec"]["replicas"] for each in deployments)):
        found.append(f"{len(there['Pod'])} pods of {wanted}")
    return found


def _budgets(there: dict[str, list[Manifest]]) -> list[str]:
    """There is a budget for every Deployment, which counts its pods and lets one of them go."""
    wanted = {each["metadata"]["name"]: [each["spec"]["replicas"], 1] for each in there.get("Deployment", ())}
    told = {
        each["metadata"]["name"]: [
            each.get("status", {}).get(key) for key in ("expectedPods", "disruptionsAllowed")
        ]
        for each in there.get("PodDisruptionBudget", ())
    }
    return [] if told == wanted else [f"budgets (of pods, may go) are {told}, not {wanted}"]


def _addresses(there: dict[str, list[Manifest]]) -> list[str]:
    """Every Service leads to the pods of its Deployment, at their port, and to no other."""
    found: list[str] = []
    for service in there.get("Service", ()):
        name = service["metadata"]["name"]
        led = {
            (end["targetRef"]["name"], port["port"])
            for each in there.get("EndpointSlice", ())
            if _labels(each).get("kubernetes.io/service-name") == name
            for end in each["endpoints"] or ()
            for port in each["ports"] or ()
            if end["conditions"]["ready"]
        }
        wanted = {
            (pod["metadata"]["name"], pod["spec"]["containers"][0]["ports"][0]["containerPort"])
            for pod in there["Pod"]
            if service["spec"]["selector"].items() <= _labels(pod).items()
        }
        if not wanted or led != wanted:
            found.append(f"Service {name} leads to {sorted(led)}, not to {sorted(wanted)}")
    return found


def _spread(there: dict[str, list[Manifest]]) -> list[str]:
    """The pods of a Deployment stand on as many nodes as there are pods, or nodes that take any."""
    open_nodes = [each for each in there["Node"] if not each["spec"].get("unschedulable")]
    found: list[str] = []
    for each in there.get("Deployment", ()):
        selected = each["spec"]["selector"]["matchLabels"].items()
        used = {
            pod["spec"].get("nodeName", "") for pod in there["Pod"] if selected <= _labels(pod).items()
        } - {""}
        if len(used) < min(each["spec"]["replicas"], len(open_nodes)):
            found.append(f"all pods of {each['metadata']['name']} are on {sorted(used)}")
    return found


def _lasts(pod: Manifest) -> bool:
    """Whether it is a Deployment's, and no Job's."""
    return "job-name" not in _labels(pod)


def _labels(manifest: Manifest) -> dict[str, str]:
    found: dict[str, str] = manifest["metadata"].get("labels", {})
    return found


def referred(cluster: Cluster, place: Place) -> str:
    """Every Secret and ConfigMap that a pod cannot start without is there, with its key."""
    there = {
        (each["kind"], each["metadata"]["name"], key)
        for each in cluster.got("secrets,configmaps", place.namespace)
        for key in ("", *each.get("data", {}))
    }
    wanted = {need for pod in cluster.got("pods", place.namespace) for need in _needs(pod["spec"])}
    if lacking := wanted - there:
        raise ClusterWrong(f"pods wait for {sorted(lacking)}")
    return f"{len(wanted)} keys that pods need are there"


def _needs(spec: Manifest) -> set[tuple[str, str, str]]:
    """Kind, name and key of what must be there; no key where all of it is taken."""
    found: set[tuple[str, str, str]] = set()
    for container in spec["containers"]:
        for variable in container.get("env", ()):
            source = variable.get("valueFrom", {}).get("secretKeyRef")
            if source and not source.get("optional"):
                found.add(("Secret", source["name"], source["key"]))
        for source in container.get("envFrom", ()):
            found.add(("ConfigMap", source["configMapRef"]["name"], ""))
    return found


def least_available(cluster: Cluster, place: Place, moment: str) -> dict[str, int]:
    """The fewest available pods of each Deployment since then, of every state that was written down."""
    least: dict[str, int] = {}
    for change in cluster.since(moment, place.deployments):
        name = change["object"]["metadata"]["name"]
        count = change["object"].get("status", {}).get("availableReplicas", 0)
        least[name] = min(count, least.get(name, count))
    return least


def pods_by_component(cluster: Cluster, place: Place) -> dict[str, set[str]]:
    """The names of the pods that there are, by the service that they are of."""
    found: dict[str, set[str]] = {}
    for pod in cluster.got("pods", place.namespace):
        if _lasts(pod) and not pod["metadata"].get("deletionTimestamp"):
            found.setdefault(_labels(pod)[COMPONENT], set()).add(pod["metadata"]["name"])
    return found


def everything(cluster: Cluster, *namespaces: str) -> set[str]:
    """All objects in these namespaces, of whatever kind."""
    kinds = cluster.kubectl("api-resources", "--namespaced", "--verbs=list", "-o", "name").split()
    asked = ",".join(kind for kind in kinds if kind not in _MADE_BY_KUBERNETES)
    found: set[str] = set()
    for namespace in namespaces:
        told: dict[str, Any] = json.loads(cluster.kubectl("get", asked, "-n", namespace, "-o", "json"))
        found |= {f"{namespace}: {each['kind']}/{each['metadata']['name']}" for each in told["items"]}
    return found


def came_first(cluster: Cluster, place: Place, moment: str, is_first: bool) -> str:
    """The topics' Job was done before the first Deployment came, or came when the last one had.

    The API server numbers all changes one after another.
    """
    jobs = cluster.since(moment, place.path("apis/batch/v1", "jobs"))
    done = [_number(each) for each in jobs if each["object"].get("status", {}).get("succeeded")]
    begun = [_number(each) for each in jobs if each["type"] == "ADDED"]
    made = [_number(each) for each in cluster.since(moment, place.deployments) if each["type"] == "ADDED"]
    if not done or not made:
        raise ClusterWrong(f"{len(done)} Jobs were done, {len(made)} Deployments made")
    if is_first and min(done) > min(made):
        raise ClusterWrong("Deployments came before the topics' Job was done")
    if not is_first and min(begun) < max(made):
        raise ClusterWrong("the Jobs came before the Deployments")
    names = sorted({each["object"]["metadata"]["name"] for each in jobs})
    if left := cluster.got("jobs", place.namespace):
        raise ClusterWrong(f"Jobs that succeeded are still there: {len(left)}")
    when = "done before the first Deployment" if is_first else "made after the last Deployment"
    return f"{', '.join(names)} {when}"


def _number(change: Manifest) -> int:
    return int(change["object"]["metadata"]["resourceVersion"])
