"""What an upgrade must find again: the objects of a released chart, and what of them can't be changed.

    python -m tests.deploy.keeping 0.1.0

writes down, at a release, the values that the chart was rendered with and what came out, and packs the
chart, from which `make cluster` upgrades. From then on the chart must take the same values, and leave
every one of those objects in its place: a Deployment with another selector can't be upgraded, a topic or
user under another name would be a new one, and whoever called a Service by its name still does.
"""

import shutil
import sys
from pathlib import Path
from typing import Any, Final

import yaml

from tests.deploy.rendering import CHART, EVERYTHING, MUST, Manifest, rendered
from tests.kit.helm import helm

KEPT: Final = Path(__file__).parent / "released"
CASES: Final = {"must": (MUST.name,), "everything": (MUST.name, EVERYTHING.name)}

Objects = dict[str, dict[str, Any]]


def kept_of(manifests: tuple[Manifest, ...]) -> Objects:
    """Every object that stays, by kind and name, with what may not change. Jobs come and go."""
    return {
        f"{each['kind']}/{each['metadata']['name']}": _fixed(each)
        for each in manifests
        if each["kind"] != "Job"
    }


def lost(released: Objects, now: Objects) -> list[str]:
    """What an upgrade would break, one line a finding."""
    found: list[str] = []
    for name, fixed in released.items():
        if name not in now:
            found.append(f"{name} is gone")
        elif now[name] != fixed:
            found.append(f"{name}: was {fixed}, is {now[name]}")
    return found


def released() -> list[tuple[str, str]]:
    """The versions that are kept, each with its cases."""
    return [(folder.name, case) for folder in sorted(KEPT.glob("*/")) for case in CASES]


def objects_then(version: str, case: str) -> Objects:
    """What a release rendered."""
    told: Objects = yaml.safe_load((KEPT / version / f"objects-{case}.yaml").read_text("utf-8"))
    return told


def objects_now(version: str, case: str) -> Objects:
    """What today's chart renders with the values of a release."""
    return kept_of(rendered(*(KEPT / version / name for name in CASES[case])))


def _fixed(manifest: Manifest) -> dict[str, Any]:
    spec = manifest.get("spec", {})
    match manifest["kind"]:
        case "Deployment":
            return {"selector": spec["selector"]["matchLabels"]}
        case "Service":
            return {"clusterIP": spec.get("clusterIP", ""), "ports": [port["port"] for port in spec["ports"]]}
        case "KafkaTopic":
            return {"partitions": spec["partitions"], "keep": manifest["metadata"]["annotations"]}
        case "ScaledObject" | "HorizontalPodAutoscaler":
            return {"scales": spec["scaleTargetRef"]["name"]}
        case _:
            return {}


def main(version: str) -> None:
    """Keep today's chart as that of a release."""
    folder = KEPT / version
    folder.mkdir(parents=True)
    for path in (MUST, EVERYTHING):
        shutil.copy(path, folder / path.name)
    print(helm("package", str(CHART), "--version", version, "--destination", str(folder)))
    for case in CASES:
        text = yaml.safe_dump(objects_now(version, case), sort_keys=True)
        (folder / f"objects-{case}.yaml").write_text(text, "utf-8")
        print(folder / f"objects-{case}.yaml")


if __name__ == "__main__":
    main(sys.argv[1])
