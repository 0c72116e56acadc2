"""What every rendered object must hold to, as checks over manifests: each returns what is wrong."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.deploy.rendering import Manifest, containers, of_kind

Manifests = tuple[Manifest, ...]

SECRET_WORDS: Final = re.compile(r"PASSWORD|TOKENS?$|_KEY$|INLETS$|SMTP_URL$|MONGODB_URL$")
CREDENTIALS: Final = re.compile(r"://[^/\s]*@|BEGIN [A-Z ]*PRIVATE KEY")


def nobody_is_root(manifests: Manifests) -> list[str]:
    """No pod may run as root, by its user or by gaining rights."""
    found: list[str] = []
    for name, template, container in containers(manifests):
        pod, own = template["spec"]["securityContext"], container["securityContext"]
        if not pod.get("runAsNonRoot") or not pod.get("runAsUser"):
            found.append(f"{name}: may run as root")
        if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
            found.append(f"{name}: may gain rights")
        if own.get("capabilities") != {"drop": ["ALL"]}:
            found.append(f"{name}: keeps capabilities")
        if pod.get("seccompProfile") != {"type": "RuntimeDefault"}:
            found.append(f"{name}: no seccomp profile")
        if own.get("readOnlyRootFilesystem") is not True:
            found.append(f"{name}: writes to its image's files")
        if any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
            found.append(f"{name}: lives in the host's namespaces")
    return found


def images_are_fixed(manifests: Manifests) -> list[str]:
    """An image has a tag that says something, or a digest."""
    fixed = re.compile(r"^[^\s:@]+(:\d+/[^\s:@]+)?(:(?!latest$)[\w.-]+|@sha256:[0-9a-f]{64})$")
    return [
        f"{name}: image {container['image']} is not fixed"
        for name, _, container in containers(manifests)
        if not fixed.match(container["image"])
    ]


def resources_are_bounded(manifests: Manifests) -> list[str]:
    """Every container asks for CPU and memory, and has limits of both."""
    return [
        f"{name}: no {part} of {what}"
        for name, _, container in containers(manifests)
        for part in ("requests", "limits")
        for what in ("cpu", "memory")
        if not container.get("resources", {}).get(part, {}).get(what)
    ]


def probes_are_set(manifests: Manifests) -> list[str]:
    """Every process is asked whether it has started, lives, and takes work, each at its own path."""
    wanted = {"startupProbe": "/healthz", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
    return [
        f"{name}: {probe} does not ask {path}"
        for name, _, container in containers(tuple(of_kind(manifests, "Deployment")))
        for probe, path in wanted.items()
        if container.get(probe, {}).get("httpGet", {}).get("path") != path
    ]


def everything_is_denied_first(manifests: Manifests) -> list[str]:
    """One policy lets nothing in or out of any pod of the release; others open, for their own pods only."""
    policies = [policy["spec"] for policy in of_kind(manifests, "NetworkPolicy")]
    denying = [
        spec["podSelector"]["matchLabels"]
        for spec in policies
        if set(spec["policyTypes"]) == {"Ingress", "Egress"}
        and not spec.get("ingress")
        and not spec.get("egress")
    ]
    found: list[str] = []
    for name, template, _ in containers(manifests):
        labels = template["metadata"]["labels"].items()
        if not any(selected.items() <= labels for selected in denying):
            found.append(f"{name}: nothing is denied")
        if not any(spec["podSelector"]["matchLabels"].items() == labels for spec in policies):
            found.append(f"{name}: cut off from what it needs")
    for spec in policies:
        opened = [*spec.get("ingress", ()), *spec.get("egress", ())]
        if any(not rule.get("ports") for rule in opened):
            found.append(f"{spec['podSelector']}: opens every port")
        if any(not rule.get("from") for rule in spec.get("ingress", ())):
            found.append(f"{spec['podSelector']}: lets anybody in")
    return found


def one_scaler_a_deployment(manifests: Manifests) -> list[str]:
    """No Deployment is scaled by two, nor says its own number beside a scaler; none is scaled to nothing."""
    scalers = of_kind(manifests, "HorizontalPodAutoscaler", "ScaledObject")
    targets = [scaler["spec"]["scaleTargetRef"]["name"] for scaler in scalers]
    found = [
        f"{name}: scaled by two" for name in sorted({each for each in targets if targets.count(each) > 1})
    ]
    for deployment in of_kind(manifests, "Deployment"):
        name = deployment["metadata"]["name"]
        if (name in targets) == ("replicas" in deployment["spec"]):
            found.append(f"{name}: its number is said by two, or by nobody")
    for scaler in scalers:
        least = scaler["spec"].get("minReplicaCount", scaler["spec"].get("minReplicas", 0))
        if least < 1 or "idleReplicaCount" in scaler["spec"]:
            found.append(f"{scaler['metadata']['name']}: may scale to nothing")
    return found


def secrets_are_by_reference(manifests: Manifests) -> list[str]:
    """No secret stands in a ConfigMap or in a variable, and the chart holds no Secret."""
    found = [f"{each['metadata']['name']}: a Secret in the chart" for each in of_kind(manifests, "Secret")]
    said: list[tuple[str, str, str]] = [
        (each["metadata"]["name"], key, value)
        for each in of_kind(manifests, "ConfigMap")
        for key, value in each["data"].items()
    ]
    for name, _, container in containers(manifests):
        said += [(name, env["name"], env["value"]) for env in container.get("env", ()) if "value" in env]
    for name, key, value in said:
        harmless = key == "MONGODB_URL" and "@" not in value
        if (SECRET_WORDS.search(key) and not harmless) or CREDENTIALS.search(value):
            found.append(f"{name}: {key} in the open")
    return found


def no_tokens_are_mounted(manifests: Manifests) -> list[str]:
    """Nothing here speaks to the API server, so no pod gets a token for it."""
    pods = [(name, template["spec"]) for name, template, _ in containers(manifests)]
    accounts = [(each["metadata"]["name"], each) for each in of_kind(manifests, "ServiceAccount")]
    return [
        f"{name}: a token is mounted"
        for name, each in (*pods, *accounts)
        if each.get("automountServiceAccountToken") is not False
    ]


def there_is_time_to_end(manifests: Manifests, drained: Callable[[float], float]) -> list[str]:
    """The grace period is longer than the pause before the end and all that the process may take.

    `drained` says how long a process may take at most, by its `ORDERLINK_DRAIN_MAX_SECONDS`.
    """
    settings = {each["metadata"]["name"]: each["data"] for each in of_kind(manifests, "ConfigMap")}
    found: list[str] = []
    for name, template, container in containers(tuple(of_kind(manifests, "Deployment"))):
        told: dict[str, Any] = {}
        for source in container["envFrom"]:
            told |= settings[source["configMapRef"]["name"]]
        pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        least = pause + drained(float(told.get("ORDERLINK_DRAIN_MAX_SECONDS", 8.0)))
        if template["spec"]["terminationGracePeriodSeconds"] <= least:
            found.append(f"{name}: killed before it has ended")
    return found


def temporary_files_have_a_place(manifests: Manifests) -> list[str]:
    """The image's files can't be written, so /tmp is a volume, and it has a limit."""
    found: list[str] = []
    for name, template, container in containers(manifests):
        mounted = {each["mountPath"]: each["name"] for each in container.get("volumeMounts", ())}
        volumes = {each["name"]: each for each in template["spec"].get("volumes", ())}
        volume = volumes.get(mounted.get("/tmp", ""), {})
        if not volume.get("emptyDir", {}).get("sizeLimit"):
            found.append(f"{name}: no bounded place for temporary files")
    return found


def scalers_know_the_partitions(manifests: Manifests, partitions: int) -> list[str]:
    """No worker more than there are partitions."""
    scaled = [
        (each["metadata"]["name"], each["spec"]["maxReplicaCount"])
        for each in of_kind(manifests, "ScaledObject")
    ]
    fixed = [
        (each["metadata"]["name"], each["spec"].get("replicas", 1))
        for each in of_kind(manifests, "Deployment")
        if each["metadata"]["labels"]["orderlink-role"] == "worker"
    ]
    return [
        f"{name}: {most} workers for {partitions} partitions"
        for name, most in (*scaled, *fixed)
        if most > partitions
    ]


def references_are_kept(manifests: Manifests) -> list[str]:
    """What an object names in the chart is there, and what selects pods selects some."""
    there = {f"{each['kind']}/{each['metadata']['name']}" for each in manifests}
    pods = [template["metadata"]["labels"].items() for _, template, _ in containers(manifests)]
    found: list[str] = []
    for each in of_kind(manifests, "Service", "PodDisruptionBudget", "NetworkPolicy"):
        spec = each["spec"]
        selector = spec.get("selector", spec.get("podSelector", {}))
        selected = selector.get("matchLabels", selector).items()
        if not any(selected <= labels for labels in pods):
            found.append(f"{each['kind']}/{each['metadata']['name']}: selects no pod")
    return found + [
        f"{name}: {target} is not there" for name, target in _named(manifests) if target not in there
    ]


def _named(manifests: Manifests) -> Iterator[tuple[str, str]]:
    for name, template, container in containers(tuple(of_kind(manifests, "Deployment"))):
        yield name, f"ServiceAccount/{template['spec']['serviceAccountName']}"
        for source in container["envFrom"]:
            yield name, f"ConfigMap/{source['configMapRef']['name']}"
    for each in of_kind(manifests, "HorizontalPodAutoscaler", "ScaledObject"):
        yield each["metadata"]["name"], f"Deployment/{each['spec']['scaleTargetRef']['name']}"
        for trigger in each["spec"].get("triggers", ()):
            if "authenticationRef" in trigger:
                yield (
                    each["metadata"]["name"],
                    f"TriggerAuthentication/{trigger['authenticationRef']['name']}",
                )
    for each in of_kind(manifests, "Ingress"):
        for path in (path for rule in each["spec"]["rules"] for path in rule["http"]["paths"]):
            yield each["metadata"]["name"], f"Service/{path['backend']['service']['name']}"
    for each in of_kind(manifests, "HTTPRoute"):
        for backend in (backend for rule in each["spec"]["rules"] for backend in rule["backendRefs"]):
            yield each["metadata"]["name"], f"Service/{backend['name']}"
