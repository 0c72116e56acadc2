"""The chart as Helm renders it, and whether each object is what Kubernetes and its extensions accept."""

import functools
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from tests.kit.helm import ROOT, NoHelm, binary, helm

Manifest = dict[str, Any]

CHART: Final = ROOT / "deploy" / "chart"
HERE: Final = Path(__file__).parent
MUST: Final = HERE / "values" / "must.yaml"
EVERYTHING: Final = HERE / "values" / "everything.yaml"
SIZES: Final = ("small", "medium", "large")
MINORS: Final = ("1.36", "1.37")
"""The two newest minors of Kubernetes."""
RELEASE: Final = "orderlink"


def values_files() -> dict[str, tuple[Path, ...]]:
    """The sets of values that the chart is looked at with, by name."""
    sizes = {size: (CHART / f"values-{size}.yaml", MUST) for size in SIZES}
    return {"must": (MUST,), **sizes, "everything": (MUST, EVERYTHING)}


def needs_helm() -> None:
    """Skip where Helm can't be had."""
    try:
        binary()
    except NoHelm as problem:
        pytest.skip(f"helm: {problem}")


@functools.cache
def rendered(
    *values: Path, sets: tuple[str, ...] = (), release: str = RELEASE, chart: Path = CHART
) -> tuple[Manifest, ...]:
    """Every object of the chart with these values, hooks among them. Raises `HelmFailed`."""
    needs_helm()
    arguments = [part for path in values for part in ("--values", str(path))]
    arguments += [part for each in sets for part in ("--set-json", each)]
    text = helm("template", release, str(chart), "--namespace", "shop", *arguments)
    return tuple(each for each in yaml.safe_load_all(text) if each)


def of_kind(manifests: tuple[Manifest, ...], *kinds: str) -> list[Manifest]:
    """The objects of these kinds."""
    return [each for each in manifests if each["kind"] in kinds]


def named(manifests: tuple[Manifest, ...], kind: str, name: str) -> Manifest:
    """The one object of this kind and name."""
    (found,) = (each for each in of_kind(manifests, kind) if each["metadata"]["name"] == name)
    return found


def wrong_with(manifest: Manifest, minor: str) -> list[str]:
    """What the schemas say against an object, one line a finding; unknown fields are findings too."""
    where = f"{manifest['kind']}/{manifest['metadata']['name']}"
    return [
        f"{where}: {'.'.join(str(part) for part in error.absolute_path)}: {error.message}"
        for error in _validator(manifest["apiVersion"], manifest["kind"], minor).iter_errors(manifest)
    ]


@functools.cache
def _validator(api_version: str, kind: str, minor: str) -> Draft202012Validator:
    kept = HERE / "crds" / f"{api_version.replace('/', '_')}_{kind.lower()}.json"
    if kept.is_file():
        return Draft202012Validator(_strict(json.loads(kept.read_text("utf-8"))))
    # kubernetes-validate names files by kind and group without its domain: ingress-networking-v1.json.
    group = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api_version)
    folder = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{minor}.0-local-strict"
    schema = folder / f"{kind.lower()}-{group}.json"
    if not schema.is_file():
        raise LookupError(f"no schema of {api_version} {kind} in Kubernetes {minor}")
    return Draft202012Validator(json.loads(schema.read_text("utf-8")), registry=_definitions(minor))


@functools.cache
def _definitions(minor: str) -> Registry[Any]:
    folder = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{minor}.0-local-strict"
    definitions = json.loads((folder / "_definitions.json").read_text("utf-8"))
    resource: Resource[Any] = Resource.from_contents(definitions)
    return resource @ Registry()


def _strict(schema: Any, *, is_top: bool = True) -> Any:
    """The schema, closed: an API server drops without a word what a schema does not name."""
    if isinstance(schema, list):
        return [_strict(each, is_top=False) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _strict(value, is_top=False) for key, value in schema.items()}
    closes = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    if closes and not is_top and not schema.get("x-kubernetes-preserve-unknown-fields"):
        found.setdefault("additionalProperties", False)
    return found


def containers(manifests: tuple[Manifest, ...]) -> Iterator[tuple[str, Manifest, Manifest]]:
    """Every container with the name of what it belongs to, and its pod's template."""
    for owner in of_kind(manifests, "Deployment", "Job"):
        template = owner["spec"]["template"]
        for container in template["spec"]["containers"]:
            yield owner["metadata"]["name"], template, container
