"""kubectl and Helm on the cluster: what they say, and what happened since a moment."""

import json
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.cluster.binaries import Binaries
from tests.kit import helm

COMMAND_SECONDS: Final = 400.0
WAIT_SECONDS: Final = 120.0
LOOK_SECONDS: Final = 0.5
_WARNING: Final = re.compile(r"^(warning\b.*|W\d{4} .*|.*\blevel=WARN\b.*)$", re.MULTILINE | re.IGNORECASE)

Manifest = dict[str, Any]


class ClusterWrong(Exception):
    """Something is not as it has to be. The text says what."""


@dataclass(frozen=True)
class Said:
    """What a command said."""

    code: int
    out: str
    err: str


class Cluster:
    """The cluster, by its own tools. A warning is as wrong as an error."""

    def __init__(self, binaries: Binaries, kubeconfig: Path) -> None:
        self.binaries = binaries
        self.kubeconfig = kubeconfig
        self.environment = {
            "PATH": f"{binaries.folder}:/usr/bin:/bin",
            "KUBECONFIG": str(kubeconfig),
            "HOME": str(kubeconfig.parent),
        }

    def run(self, *command: str, stdin: str = "") -> Said:
        """Run a command with this cluster as its own, whatever comes of it."""
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
            env=self.environment,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """What kubectl says. Raises `ClusterWrong` when it failed or warned."""
        return _fine(self.run(self.binaries.path("kubectl"), *arguments, stdin=stdin), "kubectl", arguments)

    def helm(self, *arguments: str, user: str = "admin") -> str:
        """What Helm says. Raises `ClusterWrong` when it failed or warned."""
        said = self.run(str(helm.binary()), "--kube-context", user, *arguments)
        return _fine(said, "helm", arguments)

    def apply(self, manifests: list[Manifest] | tuple[Manifest, ...], *options: str) -> None:
        """Apply objects on the server's side, each field known to it."""
        text = yaml.safe_dump_all(manifests)
        self.kubectl("apply", "--server-side", "--validate=strict", *options, "-f", "-", stdin=text)

    def got(self, kinds: str, namespace: str) -> list[Manifest]:
        """All objects of some kinds, separated by commas, in a namespace."""
        told = json.loads(self.kubectl("get", kinds, "-n", namespace, "-o", "json"))
        items: list[Manifest] = told["items"]
        return items

    def now(self) -> str:
        """The moment of the last change."""
        told = json.loads(self.kubectl("get", "--raw", "/api/v1/namespaces?limit=1"))
        return str(told["metadata"]["resourceVersion"])

    def since(self, moment: str, path: str) -> list[Manifest]:
        """Every change of a kind since then, oldest first: `type` and `object`."""
        query = f"watch=1&resourceVersion={moment}&timeoutSeconds=1"
        return [json.loads(line) for line in self.kubectl("get", "--raw", f"{path}?{query}").splitlines()]

    def settled(self, wrong: Callable[[], list[str]]) -> None:
        """Waits until nothing is wrong any more. Raises `ClusterWrong` with what is after a while."""
        until = time.monotonic() + WAIT_SECONDS
        while found := wrong():
            if time.monotonic() > until:
                raise ClusterWrong(f"still so after {WAIT_SECONDS:.0f} s: {'; '.join(found)}")
            time.sleep(LOOK_SECONDS)


def _fine(said: Said, program: str, arguments: tuple[str, ...]) -> str:
    title = f"{program} {' '.join(arguments[:3])}"
    if said.code:
        raise ClusterWrong(f"{title}: {said.err.strip() or said.out.strip()}")
    if warnings := _WARNING.findall(said.err):
        raise ClusterWrong(f"{title} warned: {' / '.join(warnings)}")
    return said.out
