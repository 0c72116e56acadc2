"""Files that follow from the code: written to the folder that keeps them, and compared with it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import typer


def write(folder: Path, files: Mapping[Path, str]) -> None:
    """Write the files, each by its path in the folder."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")


def stale(folder: Path, files: Mapping[Path, str]) -> list[str]:
    """Those of the files that the folder lacks, or has with another text."""
    return [
        f"{path}: {'differs' if (folder / path).exists() else 'missing'}"
        for path, text in files.items()
        if not (folder / path).exists() or (folder / path).read_text("utf-8") != text
    ]


def refuse(found: Sequence[str], headline: str) -> None:
    """Say what was found, and end with 1; go on where nothing was."""
    if found:
        typer.echo("\n".join([headline, *(f"  {line}" for line in found)]), err=True)
        raise typer.Exit(1)
