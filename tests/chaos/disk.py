"""A small disk under a server, in memory, that can be filled. Mounting it needs root."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Self

SIZE_BYTES = 768 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024


class NoDisk(Exception):
    """It can't be mounted here. The text says why."""


class Disk:
    """A tmpfs of a fixed size, mounted while the context is open."""

    def __init__(self, where: Path) -> None:
        self.where = where
        self._filler = where / "filler"

    def __enter__(self) -> Self:
        self.where.mkdir(parents=True, exist_ok=True)
        mount = shutil.which("mount")
        if os.geteuid() != 0 or mount is None:
            raise NoDisk("mounting a small disk needs root")
        command = [mount, "-t", "tmpfs", "-o", f"size={SIZE_BYTES}", "tmpfs", str(self.where)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
        if done.returncode:
            raise NoDisk(f"a small disk can't be mounted: {done.stderr.strip()}")
        return self

    def __exit__(self, *_: object) -> None:
        umount = shutil.which("umount")
        if umount is not None:
            subprocess.run([umount, "--lazy", str(self.where)], timeout=10, check=False)

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """Inside there is no byte left on it."""
        with contextlib.suppress(OSError), self._filler.open("wb", buffering=0) as file:
            while file.write(bytes(_CHUNK_BYTES)):
                pass
        try:
            yield
        finally:
            self._filler.unlink(missing_ok=True)
