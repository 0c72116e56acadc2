"""Reads the templates that lie beside this module, and checks them, when it is loaded."""

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import yaml

from services.notifications.templates import Template, Templates


def read_templates(texts: Mapping[str, str]) -> Templates:
    """Templates from the texts of their files. Raises `ValueError` that names the file at fault."""
    found: dict[str, Template] = {}
    for name, text in sorted(texts.items()):
        try:
            template = Template.model_validate(yaml.safe_load(text))
        except (ValueError, yaml.YAMLError) as problem:
            raise ValueError(f"message template {name}: {problem}") from problem
        if f"{template.id}.yaml" != name:
            raise ValueError(f"message template {name}: its id is {template.id!r}")
        found[template.id] = template
    return MappingProxyType(found)


def _packaged() -> dict[str, str]:
    return {
        entry.name: entry.read_text(encoding="utf-8")
        for entry in files("services.notifications.templates").iterdir()
        if entry.name.endswith(".yaml")
    }


TEMPLATES: Final[Templates] = read_templates(_packaged())
