"""Put Orderlink into the Python that runs this, with one service in it, and leave nothing that builds.

    python deploy/image/assemble.py orders | logistics | aftersales | notifications | cli | sandbox

Run inside `docker build`, in a copy of the sources: what the image is not for is deleted from it.
"""

import compileall
import shutil
import subprocess
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

SERVICES = ("orders", "logistics", "aftersales", "notifications")
STARTS = {"cli": "shared.cli.main:main", "sandbox": "shared.adapters.sandbox"}
BUILDERS = ("pip", "setuptools")


def main(service: str) -> None:
    """Install, write what the container starts, compile, and take the builders away."""
    if service not in (*SERVICES, *STARTS):
        raise SystemExit(f"SERVICE: expected one of {', '.join((*SERVICES, *STARTS))}, got {service!r}")
    for other in SERVICES:
        if service not in (other, "cli"):
            shutil.rmtree(Path("services") / other)
    pip = [sys.executable, "-m", "pip"]
    subprocess.run(  # noqa: S603  # our own command
        [*pip, "install", "--no-cache-dir", "--no-deps", "--no-build-isolation", "--no-compile", "."],
        check=True,
    )
    start = Path(sys.prefix) / "bin" / "start"
    start.write_text(started(service))
    start.chmod(0o755)
    subprocess.run([*pip, "uninstall", "--yes", *BUILDERS], check=True)  # noqa: S603  # our own command
    # The root is read-only later: whatever is not compiled now would be compiled at every start.
    (libraries,) = (Path(sys.prefix) / "lib").glob("python3*/site-packages")
    compileall.compile_dir(
        libraries, quiet=2, workers=0, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
    )


def started(service: str) -> str:
    """The script that a container runs. It needs no shell."""
    if service == "cli":
        body = "from shared.cli.main import main\n\nmain()\n"
    else:
        module = STARTS.get(service, f"services.{service}")
        body = f'import runpy\n\nrunpy.run_module("{module}", run_name="__main__", alter_sys=True)\n'
    return f"#!{sys.prefix}/bin/python\n{body}"


if __name__ == "__main__":
    main(*sys.argv[1:])
