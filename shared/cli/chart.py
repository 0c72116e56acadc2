"""`orderlink chart`: the parts of the Helm chart that follow from the code, made and checked.

Two of them. `files/catalog.yaml` is what the templates need of the catalogue: topics, who hears and may
do what, and the settings' defaults that pods are shaped by. In `values.schema.json` the definitions whose
names begin with `made:` list every setting by its variable, so that Helm refuses one that does not exist.
The rest of the schema is written by hand.
"""

import json
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer
import yaml

from shared.adapters.draining import GRACE_SECONDS
from shared.adapters.kafka_admin import topic_configuration
from shared.adapters.settings import CommonSettings, is_secret, variable
from shared.cli import made as files
from shared.cli.settings import meanings
from shared.contracts.access import (
    ADMINISTRATORS,
    OPERATORS,
    Right,
    rights_of,
    rights_of_administrators,
    rights_of_operators,
)
from shared.contracts.catalog import HEARS, SERVICES, SLOTS, TOPICS, Topic, consumer_group

FOLDER: Final = Path("deploy/chart")
CATALOG: Final = Path("files/catalog.yaml")
SCHEMA: Final = Path("values.schema.json")
MADE: Final = "made:"

BY_THE_CHART: Final = frozenset(
    {
        "ORDERLINK_API_HOST",
        "ORDERLINK_API_PORT",
        "ORDERLINK_WORKER_PORT",
        "ORDERLINK_WORKER_INSTANCE_ID",
        "ORDERLINK_MONGODB_DATABASE_PREFIX",
        "ORDERLINK_PROFILES_DIR",
        "ORDERLINK_SHOPS_FILE",
        "ORDERLINK_TEST_CLOCK_FILE",
    }
)
"""Settings that the chart sets itself, or that have no place in a cluster."""
CONNECTIONS: Final = ("KAFKA_", "MONGODB_")
"""How the variables begin that the chart makes of its values `kafka` and `mongodb`."""
REPLICATION: Final = "min.insync.replicas"
"""The one setting of a topic that depends on how many copies there are; the template works it out."""

_SECRET: Final = {"$ref": "#/$defs/secret"}
"""Where a secret is; written by hand."""
_TOP: Final = (
    "# Made by `orderlink chart write` from the catalogue of topics and the settings. Do not edit.\n"
)

app = typer.Typer(help="The parts of the Helm chart that follow from the code.", no_args_is_help=True)
Folder = Annotated[Path, typer.Option("--folder", help="Where the chart is.")]


def catalog() -> dict[str, Any]:
    """What the chart's templates need of the catalogue, as plain values."""
    return {
        "slots": SLOTS,
        "drain": {
            "defaultSeconds": CommonSettings.model_fields["drain_max_seconds"].default,
            "plusSeconds": GRACE_SECONDS,
        },
        "topics": [
            {
                "name": topic.name,
                "owner": topic.owner,
                "coPartitioned": topic.co_partitioned,
                "config": _configuration(topic),
            }
            for topic in TOPICS
        ],
        "services": {
            service: {
                "group": consumer_group(service),
                "hears": list(HEARS[service]),
                "acls": _acls(rights_of(service)),
            }
            for service in SERVICES
        },
        "operators": {"name": OPERATORS, "acls": _acls(rights_of_operators())},
        "administrators": {"name": ADMINISTRATORS, "acls": _acls(rights_of_administrators())},
    }


def definitions() -> dict[str, Any]:
    """The schema's definitions that list the settings: what may be told in the open, and what is secret."""
    common = _settings(CommonSettings)
    found: dict[str, Any] = {
        "config": _closed(common),
        "secrets": _closed(dict.fromkeys(_secrets(CommonSettings), _SECRET)),
    }
    for service in SERVICES:
        settings = _settings_of(service)
        told = {
            name: _ref(f"config/properties/{name}") if name in common else schema
            for name, schema in _settings(settings).items()
        }
        found[f"config-{service}"] = _closed(told)
        found[f"secrets-{service}"] = _closed(dict.fromkeys(_secrets(settings), _SECRET))
    return {f"{MADE}{name}": found[name] for name in sorted(found)}


def made(folder: Path) -> dict[Path, str]:
    """Every made file by its path in the folder. Raises `ValueError` where the schema can't be read."""
    schema = _read_schema(folder / SCHEMA)
    kept = {name: each for name, each in schema["$defs"].items() if not name.startswith(MADE)}
    schema["$defs"] = {**kept, **definitions()}
    text = yaml.safe_dump(catalog(), sort_keys=False, allow_unicode=True, width=110)
    return {CATALOG: _TOP + text, SCHEMA: json.dumps(schema, indent=2, ensure_ascii=False) + "\n"}


def stale(folder: Path) -> list[str]:
    """The files that are missing or differ from what the code makes."""
    return files.stale(folder, made(folder))


@app.command()
def write(folder: Folder = FOLDER) -> None:
    """Write the made parts anew."""
    _needs(folder)
    parts = made(folder)
    files.write(folder, parts)
    typer.echo("\n".join(f"{folder / path} written." for path in parts))


@app.command()
def check(folder: Folder = FOLDER) -> None:
    """Say whether the made parts are those of the code."""
    _needs(folder)
    files.refuse(stale(folder), "Not those of the code; run `orderlink chart write`:")
    typer.echo("The made parts of the chart are those of the code.")


def _needs(folder: Path) -> None:
    if not (folder / SCHEMA).is_file():
        typer.echo(f"expected a chart with {SCHEMA} in {folder}, got none; say --folder", err=True)
        raise typer.Exit(2)


def _read_schema(path: Path) -> dict[str, Any]:
    schema = json.loads(path.read_text("utf-8"))
    if not isinstance(schema, dict) or "$defs" not in schema:
        raise ValueError(f"expected a JSON schema with $defs in {path}")
    return cast("dict[str, Any]", schema)


def _configuration(topic: Topic) -> dict[str, str]:
    return {name: value for name, value in topic_configuration(topic, 1).items() if name != REPLICATION}


def _acls(rights: Iterable[Right]) -> list[dict[str, Any]]:
    return [
        {
            "resource": {"type": right.resource, "name": right.name, "patternType": "literal"},
            "operations": list(right.operations),
        }
        for right in rights
    ]


def _settings_of(service: str) -> type[CommonSettings]:
    settings: type[CommonSettings] = import_module(f"services.{service}.settings").Settings
    return settings


def _secrets(settings: type[CommonSettings]) -> list[str]:
    return [variable(settings, name) for name, field in settings.model_fields.items() if is_secret(field)]


def _settings(settings: type[CommonSettings]) -> dict[str, Any]:
    """What may be told by the values `config`: the JSON schema of each setting, by its variable."""
    schemas = settings.model_json_schema()["properties"]
    told = meanings(settings)
    found: dict[str, Any] = {}
    for name, field in settings.model_fields.items():
        env = variable(settings, name)
        if is_secret(field) or env in BY_THE_CHART or env.startswith(CONNECTIONS):
            continue
        schema = schemas[env] if env in schemas else schemas[name]
        found[env] = {"description": told.get(name, ""), **_plain(schema)}
    return found


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a value as it stands in a values file."""
    for option in schema.get("anyOf", ()):
        if option.get("type") != "null":
            return _plain(option)
    if schema.get("type") == "array":
        return {"type": "string"}
    if set(schema.get("enum", ())) == {"on", "off"}:
        # YAML takes an unquoted `on` for true; the template says `on` again.
        return {"enum": ["on", "off", True, False]}
    dropped = ("title", "default", "format", "description")
    return {key: value for key, value in schema.items() if key not in dropped}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{MADE}{name}"}
