"""Run a command that ends when the process that started it ends. Run as a file, not imported.

`python -I -S tied.py PARENT_PID COMMAND...` asks Linux to be killed together with its parent, then
becomes the command. Elsewhere it only becomes the command. A wrapper and not a `preexec_fn`, since
that is unsafe in a process with threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def become(parent: int, command: list[str]) -> None:
    """Tie this process to its parent and turn into the command."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it ended before the request was in place
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606  # the command is the starter's own


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2:])
