"""Whether this container's process takes work: for images, which have no curl and need no shell.

    python -m shared.adapters.healthcheck

Asks `/readyz` at the ports that the environment names. The API answers at one, the worker at the
other, and only one of them may run here: what answers must say yes, and something must answer.
"""

import os
import sys
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection, HTTPException
from typing import Final

PORTS: Final = {"ORDERLINK_API_PORT": 8080, "ORDERLINK_WORKER_PORT": 9080}
ANSWER_SECONDS: Final = 3.0
_OK: Final = 200


def ports(environment: Mapping[str, str]) -> list[int]:
    """The ports to ask at."""
    return [int(environment.get(name) or default) for name, default in PORTS.items()]


def is_healthy(asked: Iterable[int]) -> bool:
    """Whether all that answer say yes, and one does."""
    answers = [status for status in map(_status, asked) if status is not None]
    return bool(answers) and all(status == _OK for status in answers)


def _status(port: int) -> int | None:
    connection = HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status
    except ConnectionRefusedError:
        return None
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_healthy(ports(os.environ)) else 1)
