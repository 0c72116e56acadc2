"""What a release finds in a cluster: other projects' kinds, nodes, namespaces that guard, Secrets."""

import re
from typing import Final

import yaml

from tests.cluster.commands import Cluster, ClusterWrong, Manifest
from tests.cluster.definitions import definitions
from tests.cluster.looks import Place
from tests.kit.helm import ROOT

README: Final = ROOT / "deploy" / "README.md"
NODES: Final = ("a", "b", "c")
KAFKA: Final = "kafka"
"""The namespace of Strimzi's cluster in the values with everything on."""
_MODES: Final = tuple(
    f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn", "audit")
)
_STARTERS: Final = re.compile(r"^ +kubectl create namespace shop\n.*?^ +done$", re.MULTILINE | re.DOTALL)


def define(cluster: Cluster) -> str:
    """The kinds of other projects."""
    found = definitions()
    cluster.apply(found)
    names = [f"crd/{each['metadata']['name']}" for each in found]
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", *names)
    make_namespace(cluster, KAFKA)
    high = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}}
    cluster.apply([{**high, "value": 1000}])
    return f"{len(found)} kinds of others are served"


def add_nodes(cluster: Cluster) -> str:
    """Three nodes in three zones."""
    room = {"cpu": "32", "memory": "128Gi", "pods": "200"}
    nodes: list[Manifest] = []
    for name in NODES:
        labels = {"kubernetes.io/hostname": name, "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"}
        labels["topology.kubernetes.io/zone"] = f"zone-{name}"
        metadata = {"name": name, "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}}
        status = {"allocatable": room, "capacity": room}
        nodes.append({"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": status})
    cluster.kubectl("create", "-f", "-", stdin=yaml.safe_dump_all(nodes))
    cluster.kubectl("wait", "--for=condition=Ready", "--timeout=60s", *(f"node/{name}" for name in NODES))
    return f"{len(NODES)} nodes are ready, each in a zone of its own"


def make_namespace(cluster: Cluster, namespace: str) -> str:
    """A namespace in which Pod Security Admission enforces `restricted`, and warns of it."""
    cluster.kubectl("create", "namespace", namespace)
    cluster.kubectl("label", "namespace", namespace, *_MODES)
    return "restricted is enforced"


def refuse(cluster: Cluster) -> str:
    """A pod as most are written is not let in: so `restricted` is really looked at."""
    make_namespace(cluster, "guarded")
    kubectl = cluster.binaries.path("kubectl")
    said = cluster.run(kubectl, "run", "plain", "--image=plain:1", "-n", "guarded")
    if not said.code or "violates PodSecurity" not in said.err:
        raise ClusterWrong(f"a pod without any security context was let in: {said.out}{said.err}")
    return "a pod without a security context is refused"


def starters() -> str:
    """The commands of deploy/README.md that make the namespace and the Secrets."""
    found = _STARTERS.search(README.read_text("utf-8"))
    if found is None:
        raise ClusterWrong(f"{README} has no commands that make the namespace and the Secrets")
    return found[0]


def prepare(cluster: Cluster, place: Place) -> str:
    """What the README says, in another namespace, which is guarded like all others."""
    script = starters().replace(" shop", f" {place.namespace}")
    said = cluster.run("bash", "-euc", script)
    if said.code or said.err:
        raise ClusterWrong(f"the README's commands: {said.err}")
    cluster.kubectl("label", "namespace", place.namespace, *_MODES)
    if place.user != "admin":
        group = ("--clusterrole=admin", "--group=tenants", "-n", place.namespace)
        cluster.kubectl("create", "rolebinding", "tenants", *group)
    return f"{len(cluster.got('secrets', place.namespace))} Secrets, restricted is enforced"
