"""etcd, API server, controllers, scheduler and kwok as child processes on free ports of the loopback address.

Admission, validation, defaults, scheduling, Deployments, Jobs, autoscalers and disruption budgets are
Kubernetes' own. Nodes are objects alone: kwok says that their pods run and, for Jobs, that they are
done. So no image is pulled, no container runs, no traffic flows and no network policy holds anything back.
"""

import asyncio
import json
import ssl
import urllib.error
import urllib.request
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from shared.adapters.embedded import HOST, ServerChild, free_port
from tests.cluster.binaries import Binaries, module_files
from tests.kit.certificates import Authority, Pair

USERS: Final = {"admin": "system:masters", "tenant": "tenants"}
"""Who may speak to the API server, and in which group: an administrator, and one who has a namespace."""
START_SECONDS: Final = 120.0
ANSWER_SECONDS: Final = 2.0
FAILING: Final = Path(__file__).parent / "failing.yaml"
STAGES: Final = (
    "node/fast/node-initialize",
    "pod/fast/pod-ready",
    "pod/fast/pod-complete",
    "pod/fast/pod-delete",
)
"""Of kwok's own, what nodes and pods come to."""


class Part(ServerChild):
    """One program that says at a path whether it is well."""

    start_seconds = START_SECONDS
    well_at = "https://{address}/healthz"

    def __init__(self, binaries: Binaries, directory: Path, authority: Authority, kubeconfig: Path) -> None:
        super().__init__(directory)
        self.binaries, self.authority, self.kubeconfig = binaries, authority, kubeconfig
        self.pair: Pair = authority.sign(self.title, HOST)

    async def _answers(self) -> bool:
        return await asyncio.to_thread(self._is_well)

    def _is_well(self) -> bool:
        context = ssl.create_default_context(cafile=str(self.authority.file))
        try:
            with urllib.request.urlopen(
                self.well_at.format(address=self.address), timeout=ANSWER_SECONDS, context=context
            ) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def _serving(self) -> list[str]:
        return [
            *(f"--bind-address={HOST}", f"--secure-port={self.port}"),
            *(f"--tls-cert-file={self.pair.cert}", f"--tls-private-key-file={self.pair.key}"),
        ]


class Etcd(Part):
    """Where everything is kept. Nothing has to outlive the run, so it waits for no disk."""

    title = "etcd"
    well_at = "http://{address}/health"

    def _command(self) -> list[str]:
        peer, client = f"http://{HOST}:{free_port()}", f"http://{self.address}"
        return [
            *(self.binaries.path("server"), "--data-dir", str(self.directory / "etcd"), "--unsafe-no-fsync"),
            *("--listen-client-urls", client, "--advertise-client-urls", client),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
            *("--initial-cluster", f"default={peer}", "--log-level", "warn"),
        ]


class ApiServer(Part):
    """The API server, with its admission as released."""

    title = "apiserver"
    well_at = "https://{address}/readyz"
    etcd_address = ""

    def _command(self) -> list[str]:
        tokens = self.directory / "tokens.csv"
        tokens.write_text("".join(f"{user},{user},{user},{group}\n" for user, group in USERS.items()))
        write_kubeconfig(self.kubeconfig, self.address, self.authority)
        issuer = "https://kubernetes.default.svc"
        return [
            *(self.binaries.path("kube-apiserver"), f"--etcd-servers=http://{self.etcd_address}"),
            *(*self._serving(), "--endpoint-reconciler-type=none", "--allow-privileged=true"),
            *(f"--token-auth-file={tokens}", "--authorization-mode=RBAC"),
            *("--service-cluster-ip-range=10.0.0.0/16", f"--service-account-issuer={issuer}"),
            *(f"--service-account-key-file={self.pair.cert}", "--anonymous-auth=true"),
            f"--service-account-signing-key-file={self.pair.key}",
        ]


class Controllers(Part):
    """Everything that acts on what is written down.

    Autoscalers look every second, not every fifteen; nodes that nobody runs say nothing while they live.
    """

    title = "controllers"

    def _command(self) -> list[str]:
        return [
            *(self.binaries.path("kube-controller-manager"), f"--kubeconfig={self.kubeconfig}"),
            *(*self._serving(), "--leader-elect=false", "--node-monitor-grace-period=2h"),
            "--horizontal-pod-autoscaler-sync-period=1s",
        ]


class Scheduler(Part):
    """Gives each pod a node."""

    title = "scheduler"

    def _command(self) -> list[str]:
        program = self.binaries.path("kube-scheduler")
        return [program, f"--kubeconfig={self.kubeconfig}", *self._serving(), "--leader-elect=false"]


class Nodes(Part):
    """kwok: says what the kubelets of nodes would say, by its own stages and one of ours that fails."""

    title = "kwok"
    well_at = "http://{address}/healthz"

    def _command(self) -> list[str]:
        module = "sigs.k8s.io/kwok"
        names = (f"kustomize/stage/{name}.yaml" for name in STAGES)
        shipped = module_files(module, self.binaries.versions[module], *names)
        stages = self.directory / "stages.yaml"
        stages.write_text("\n---\n".join((*shipped, FAILING.read_text("utf-8"))), "utf-8")
        return [
            *(self.binaries.path("kwok"), f"--kubeconfig={self.kubeconfig}", "--manage-all-nodes=true"),
            *("--cidr=10.64.0.0/16", f"--node-ip={HOST}", f"--server-address={self.address}"),
            f"--config={stages}",
        ]


class ControlPlane:
    """All of it, started in order and ended together."""

    def __init__(self, binaries: Binaries, directory: Path) -> None:
        self.kubeconfig = directory / "kubeconfig.json"
        self._running = AsyncExitStack()
        self._authority = Authority(directory / "certificates")
        self._asked = (binaries, directory, self._authority, self.kubeconfig)

    async def __aenter__(self) -> Self:
        try:
            etcd = await self._running.enter_async_context(Etcd(*self._asked))
            server = ApiServer(*self._asked)
            server.etcd_address = etcd.address
            for part in (server, Controllers(*self._asked), Scheduler(*self._asked), Nodes(*self._asked)):
                await self._running.enter_async_context(part)
        except BaseException:
            await self._running.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._running.aclose()


def write_kubeconfig(path: Path, address: str, authority: Authority) -> None:
    """How kubectl, Helm and the controllers find the API server; a context for each user."""
    cluster = {"server": f"https://{address}", "certificate-authority": str(authority.file)}
    told = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": cluster}],
        "users": [{"name": user, "user": {"token": user}} for user in USERS],
        "contexts": [{"name": user, "context": {"cluster": "here", "user": user}} for user in USERS],
        "current-context": "admin",
    }
    path.write_text(json.dumps(told), "utf-8")
