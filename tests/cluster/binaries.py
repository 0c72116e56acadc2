"""A real Kubernetes' programs, built once from their Go modules and kept in `.orderlink/`.

`parts/go.mod` pins them: the API server, the controllers, the scheduler and kubectl of one release, the
etcd of its own choice, and kwok. Building takes a quarter of an hour the first time, and nothing later.
"""

import hashlib
import json
import re
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.kit.helm import KEPT

MODULE: Final = Path(__file__).parent / "parts"
PROGRAMS: Final = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubectl",
    "kwok",
    "server",
)
"""What `go build tool` makes; `server` is etcd's."""
BUILD_SECONDS: Final = 5400.0
FETCH_SECONDS: Final = 600.0
_STAMPED: Final = "k8s.io/component-base/version"


class NoParts(Exception):
    """The programs can't be had here. The text says why, in a line."""


@dataclass(frozen=True)
class Binaries:
    """Where the programs are, and how old they are."""

    folder: Path
    versions: dict[str, str]
    """By the path of the Go module."""

    def path(self, program: str) -> str:
        """The path of one program."""
        return str(self.folder / program)


def binaries() -> Binaries:
    """The programs, built now if they are not there yet. Raises `NoParts`."""
    pins = (MODULE / "go.mod").read_bytes() + (MODULE / "go.sum").read_bytes()
    folder = KEPT / f"cluster-{hashlib.sha256(pins).hexdigest()[:12]}"
    if not all((folder / name).is_file() for name in PROGRAMS):
        _build(folder)
    wanted = ("k8s.io/kubernetes", "go.etcd.io/etcd/server/v3", "sigs.k8s.io/kwok")
    return Binaries(folder, {name: _pinned(name) for name in wanted})


def module_files(module: str, version: str, *names: str) -> list[str]:
    """The text of files of a Go module, fetched if it is not there yet. Raises `NoParts`."""
    # With an older Go than the module wants it fails, and still says where the checked archive is.
    done = _go("mod", "download", "-json", f"{module}@{version}", seconds=FETCH_SECONDS)
    try:
        archive = json.loads(done.stdout)["Zip"]
    except (ValueError, KeyError):
        raise NoParts(f"{module} {version} can't be fetched: {_last_line(done)}") from None
    with zipfile.ZipFile(archive) as files:
        return [files.read(f"{module}@{version}/{name}").decode() for name in names]


def _build(folder: Path) -> None:
    KEPT.mkdir(exist_ok=True)
    release = _pinned("k8s.io/kubernetes")
    major, minor, _ = release.removeprefix("v").split(".")
    stamps = {"gitVersion": release, "gitMajor": major, "gitMinor": minor}
    flags = " ".join(f"-X {_STAMPED}.{name}={value}" for name, value in stamps.items())
    with TemporaryDirectory(dir=KEPT, prefix="building-") as building:
        command = ("build", "-ldflags", f"-s -w {flags}", "-o", f"{building}/", "tool")
        done = _go(*command, seconds=BUILD_SECONDS)
        if done.returncode:
            raise NoParts(f"Kubernetes can't be built: {_last_line(done)}")
        folder.mkdir(exist_ok=True)
        for name in PROGRAMS:
            (Path(building) / name).rename(folder / name)


def _pinned(module: str) -> str:
    found = re.search(
        rf"^\s+{re.escape(module)} (v\S+)", (MODULE / "go.mod").read_text("utf-8"), re.MULTILINE
    )
    if found is None:
        raise NoParts(f"{MODULE / 'go.mod'} does not require {module}")
    return found[1]


def _go(*arguments: str, seconds: float) -> subprocess.CompletedProcess[str]:
    program = shutil.which("go")
    if program is None:
        raise NoParts("it builds Kubernetes from its Go modules, and there is no `go` on the PATH")
    command = [program, *arguments]
    try:
        return subprocess.run(
            command, cwd=MODULE, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise NoParts(f"go {arguments[0]} took longer than {seconds:.0f} s") from None


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    return ((done.stderr or done.stdout).strip().splitlines() or ["it says nothing"])[-1]
