"""`orderlink contracts`: event schemas, examples and the AsyncAPI document, made from the code."""

import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml

from shared.cli import made as files
from shared.contracts import events
from shared.contracts.asyncapi import document
from shared.contracts.event import to_cloudevent
from shared.contracts.evolution import narrowed, unreadable
from shared.contracts.examples import example_of, sources_of
from shared.contracts.schemas import event_file, event_schema, event_type, published

FOLDER: Final = Path("docs")
SCHEMAS: Final = Path("events/schemas")
EXAMPLES: Final = Path("events/examples")
RELEASED: Final = Path("events/released")
INDEX: Final = Path("events/README.md")
ASYNCAPI: Final = Path("asyncapi.yaml")
GROWS_ONLY: Final = "Released events may only grow. Give the event a new version instead:"

app = typer.Typer(help="Event schemas, examples and the AsyncAPI document.", no_args_is_help=True)
Folder = Annotated[Path, typer.Option("--folder", help="Where the files are: a checkout's docs folder.")]


def made() -> dict[Path, str]:
    """Every file that follows from the code, by its path in the folder."""
    found: dict[Path, str] = {}
    for cls in published():
        found[SCHEMAS / event_file(cls)] = _json(event_schema(cls))
        found[EXAMPLES / event_file(cls)] = _json(to_cloudevent(example_of(cls)))
    found[INDEX] = _index()
    found[ASYNCAPI] = yaml.safe_dump(
        document(_version(), f"./{SCHEMAS}"), sort_keys=False, allow_unicode=True, width=110
    )
    return found


def stale(folder: Path) -> list[str]:
    """Files that are missing, differ from what the code makes, or belong to no event any more."""
    wanted = made()
    kept = {path.relative_to(folder) for part in (SCHEMAS, EXAMPLES) for path in (folder / part).glob("*")}
    return files.stale(folder, wanted) + [f"{path}: no such event" for path in sorted(kept - set(wanted))]


def broken_promises(folder: Path) -> list[str]:
    """What today's code breaks of what a release promised to subscribers and to stored events."""
    found: list[str] = []
    schemas = {event_file(cls): event_schema(cls) for cls in published()}
    for bundle in sorted((folder / RELEASED).glob("*.json")):
        released: dict[str, Any] = json.loads(bundle.read_text("utf-8"))
        for name, old in sorted(released["schemas"].items()):
            if name not in schemas:
                found.append(f"{bundle.stem}: {name} is gone")
            else:
                found += [f"{bundle.stem}: {name}: {line}" for line in narrowed(old, schemas[name])]
        found += [f"{bundle.stem}: {line}" for line in unreadable(released["examples"])]
    return found


@app.command()
def write(folder: Folder = FOLDER) -> None:
    """Write all files anew."""
    _needs(folder)
    wanted = made()
    for part in (SCHEMAS, EXAMPLES):
        for path in (folder / part).glob("*.json"):
            if path.relative_to(folder) not in wanted:
                path.unlink()
    files.write(folder, wanted)
    typer.echo(f"{len(wanted)} files written to {folder}.")
    files.refuse(broken_promises(folder), GROWS_ONLY)


@app.command()
def check(folder: Folder = FOLDER) -> None:
    """Say whether the files are those of the code, and whether released events have only grown."""
    _needs(folder)
    files.refuse(stale(folder), "Not those of the code; run `orderlink contracts write`:")
    files.refuse(broken_promises(folder), GROWS_ONLY)
    typer.echo("The files are those of the code, and every release is kept.")


@app.command()
def freeze(release: Annotated[str, typer.Argument(help="Such as 0.1.0.")], folder: Folder = FOLDER) -> None:
    """Keep today's schemas and examples as those of a release, which later ones must honour."""
    _needs(folder)
    bundle = folder / RELEASED / f"{release}.json"
    if bundle.exists():
        files.refuse([str(bundle)], "Released already, and a release does not change:")
    classes = published()
    content = {
        "schemas": {event_file(cls): event_schema(cls) for cls in classes},
        "examples": {event_file(cls): to_cloudevent(example_of(cls)) for cls in classes},
    }
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
    typer.echo(f"{len(classes)} events kept in {bundle}.")


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _version() -> str:
    try:
        return version("orderlink")
    except PackageNotFoundError:
        return "0"


def _index() -> str:
    lines = [
        "# Events",
        "",
        "Made from the code by `make schemas`; do not edit. Each event has a JSON Schema and an example of",
        "the whole record. `asyncapi.yaml` one folder up has the topics and who says and hears what.",
    ]
    for module in (events.orders, events.logistics, events.aftersales, events.notifications, events.common):
        lines += ["", f"## {module.__doc__.rstrip('.') if module.__doc__ else module.__name__}", ""]
        lines += ["| event | said by | means | |", "| --- | --- | --- | --- |"]
        for cls in (cls for cls in published() if cls.__module__ == module.__name__):
            file = event_file(cls)
            meaning = " ".join((cls.__doc__ or "").split())
            links = f"[schema](schemas/{file}) · [example](examples/{file})"
            lines.append(f"| `{event_type(cls)}` | {', '.join(sources_of(cls))} | {meaning} | {links} |")
    return "\n".join(lines) + "\n"


def _needs(folder: Path) -> None:
    if not folder.is_dir():
        typer.echo(f"There is no folder {folder}. Run this in a checkout, or name its docs folder.", err=True)
        raise typer.Exit(2)
