"""Jars by Maven: fetched once for each content of a pom, and kept in `.orderlink/`."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from shared.adapters.embedded import EmbeddedError

KEPT: Final = Path(__file__).parents[2] / ".orderlink"
FETCH_SECONDS: Final = 300.0


def what_is_missing() -> list[str]:
    """The programs that this needs, and that are not there."""
    return [name for name in ("java", "mvn") if shutil.which(name) is None]


def class_path(pom: Path, title: str) -> str:
    """All jars that a pom names, as Java's class path. Raises `EmbeddedError`."""
    return f"{jars(pom, title)}{os.sep}*"


def jars(pom: Path, title: str) -> Path:
    """The folder with the jars of a pom, fetched now if it is not there yet. Raises `EmbeddedError`."""
    folder = KEPT / f"{pom.parent.name}-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    if folder.is_dir():
        return folder
    if missing := what_is_missing():
        raise EmbeddedError(f"{title} needs {' and '.join(missing)} on the PATH: install it")
    KEPT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KEPT, prefix="fetching-") as fetching:
        command = ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies"]
        command += ["-DincludeScope=runtime", f"-DoutputDirectory={fetching}/jars"]
        fetched = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False)
        if fetched.returncode:
            raise EmbeddedError(f"Maven could not fetch {title}:\n{fetched.stdout[-2000:]}")
        # Another process that fetches at the same time may have been first; then its folder serves.
        with contextlib.suppress(OSError):
            (Path(fetching) / "jars").rename(folder)
    return folder
