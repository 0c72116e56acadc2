"""The definitions of other projects' kinds, for the API server."""

import json
from pathlib import Path
from typing import Any, Final

import yaml

from tests.cluster.binaries import module_files
from tests.deploy.trim import FOLDER

SOURCES: Final = Path(__file__).with_name("definitions.yaml")
STRIMZI: Final = ("KafkaTopic", "KafkaUser")
_ANYTHING: Final = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def sources() -> list[dict[str, Any]]:
    """Where definitions come from: module, version and files of each project."""
    told: list[dict[str, Any]] = yaml.safe_load(SOURCES.read_text("utf-8"))
    return told


def definitions() -> list[dict[str, Any]]:
    """All definitions, fetched if they are not there yet. Raises `NoParts`."""
    found: list[dict[str, Any]] = []
    for source in sources():
        for text in module_files(source["module"], source["version"], *source["files"]):
            found += [each for each in yaml.safe_load_all(text) if each]
    return [*found, *(strimzi(kind) for kind in STRIMZI)]


def strimzi(kind: str) -> dict[str, Any]:
    """A definition made of the schema that is kept of it: what `spec` may be, without its rules in CEL."""
    group, singular = "kafka.strimzi.io", kind.lower()
    schema = json.loads((FOLDER / f"{group}_v1_{singular}.json").read_text("utf-8"))
    schema["properties"]["status"] = _ANYTHING
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": kind, "listKind": f"{kind}List", "singular": singular, "plural": f"{singular}s"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{singular}s.{group}"},
        "spec": {
            "group": group,
            "names": names,
            "scope": "Namespaced",
            "versions": [{**version, "subresources": {"status": {}}}],
        },
    }
