"""Trims resource definitions to the schemas that are kept: `python -m tests.deploy.trim crd.yaml`."""

import json
import sys
from pathlib import Path
from typing import Any, Final

import yaml

FOLDER: Final = Path(__file__).parent / "crds"
DROPPED: Final = frozenset({"description", "x-kubernetes-validations", "externalDocs", "example"})


def trimmed(schema: Any, *, in_properties: bool = False) -> Any:
    """The schema without what is said to people; a property may well be called `description`."""
    if isinstance(schema, list):
        return [trimmed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: trimmed(value, in_properties=key == "properties" and not in_properties)
        for key, value in schema.items()
        if in_properties or key not in DROPPED
    }


def kept_of(crd: dict[str, Any]) -> dict[str, Any]:
    """The file's name and content for every version of the definition that is served."""
    spec = crd["spec"]
    found: dict[str, Any] = {}
    for version in spec["versions"]:
        properties = version["schema"]["openAPIV3Schema"]["properties"]
        if version["served"]:
            name = f"{spec['group']}_{version['name']}_{spec['names']['singular']}.json"
            found[name] = {"type": "object", "properties": {"spec": trimmed(properties["spec"])}}
    return found


def main(paths: list[str]) -> None:
    """Write the schemas of these files."""
    for path in paths:
        for crd in yaml.safe_load_all(Path(path).read_text("utf-8")):
            for name, schema in kept_of(crd).items() if crd else ():
                (FOLDER / name).write_text(json.dumps(schema, indent=1) + "\n", "utf-8")
                print(name)


if __name__ == "__main__":
    main(sys.argv[1:])
