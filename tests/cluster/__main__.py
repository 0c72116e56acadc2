"""`make cluster`: install, change, roll back and take away the chart on a real Kubernetes control plane.

    python -m tests.cluster [--report]

Needs Go, and Linux on x86-64 or a `helm` on the PATH. The first time builds Kubernetes from its Go
modules, which takes a quarter of an hour and some gigabytes of Go's caches; then it takes two minutes.
"""

import argparse
import asyncio
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from shared.adapters.embedded import EmbeddedError
from tests.cluster.binaries import Binaries, NoParts, binaries
from tests.cluster.commands import Cluster, ClusterWrong
from tests.cluster.control_plane import ControlPlane
from tests.cluster.definitions import sources
from tests.cluster.story import Seen, play
from tests.kit.helm import ROOT, HelmFailed, NoHelm, helm

REPORT: Final = ROOT / "docs" / "reports" / "cluster.md"


def main() -> int:
    """Build, play, report."""
    parser = argparse.ArgumentParser(prog="make cluster", description="The chart on a real control plane.")
    parser.add_argument("--report", action="store_true", help=f"write {REPORT.relative_to(ROOT)}")
    told = parser.parse_args()
    try:
        page = asyncio.run(_all())
    except (NoParts, NoHelm, HelmFailed, EmbeddedError, ClusterWrong) as problem:
        sys.stderr.write(f"make cluster: {problem}\n")
        return 1
    sys.stdout.write(page)
    if told.report:
        REPORT.write_text(page, "utf-8")
    return 0


async def _all() -> str:
    versions = {"helm.sh/helm": helm("version", "--template", "{{.Version}}")}
    began = time.monotonic()
    built = binaries()
    sys.stderr.write(f"built in {time.monotonic() - began:.0f} s: {built.folder}\n")
    began = time.monotonic()
    with TemporaryDirectory(prefix="orderlink-cluster-") as directory:
        async with ControlPlane(built, Path(directory)) as plane:
            ready_seconds = time.monotonic() - began
            sys.stderr.write(f"the control plane is ready after {ready_seconds:.1f} s\n")
            seen = play(Cluster(built, plane.kubeconfig))
    return report(built, versions, seen, ready_seconds, time.monotonic() - began)


def report(
    built: Binaries, versions: dict[str, str], seen: list[Seen], ready_seconds: float, seconds: float
) -> str:
    """The page docs/reports/cluster.md."""
    own = {**built.versions, **versions, **{each["module"]: each["version"] for each in sources()}}
    return _PAGE.format(
        when=datetime.now(UTC).date(),
        steps=len(seen),
        seconds=seconds,
        ready=ready_seconds,
        versions="\n".join(f"| `{name}` | {version} |" for name, version in own.items()),
        seen="\n".join(f"| {it.chapter} | {it.what} | {it.told} | {it.seconds:.1f} s |" for it in seen),
    )


_PAGE: Final = """\
# The chart on a real control plane

Made by `make cluster REPORT=1` on {when}: {steps} steps in {seconds:.0f} s, {ready:.0f} s of them until the
control plane was ready.

etcd, the API server, the controllers, the scheduler, kubectl and Helm were the real ones, as released.
Validation, defaults, admission with `restricted` enforced, scheduling, Deployments, Jobs, autoscalers,
disruption budgets and what a release leaves are theirs. **Nodes were played** by kwok, which says that pods
run: no image was pulled, no process of Orderlink's ran there, no probe was asked, no traffic flowed, no
NetworkPolicy held anything back, no metric was measured, and of KEDA, Prometheus' operator, the gateway,
External Secrets and Strimzi only the kinds were there, not who acts on them. Strimzi's two kinds are checked
by their schemas without the rules in CEL. The images were run elsewhere ([images](images.md)).

| part | version |
| --- | --- |
{versions}

Any warning of the API server, kubectl or Helm fails the run.

| values | what | seen | time |
| --- | --- | --- | ---: |
{seen}
"""


if __name__ == "__main__":
    sys.exit(main())
