"""Defects planted into the services' processes, so that chaos can be seen to see them.

A process that finds `ack_early/` or `clear_early/` on its path imports `sitecustomize.py` from there when
it starts, which replaces one method of the engine. Nothing of it is in the product.
"""

from collections.abc import Mapping
from pathlib import Path

PLANTED: Mapping[str, str] = {
    "ack-before-commit": "ack_early",
    "clear-before-ack": "clear_early",
}
"""What can be planted, and where it lies."""


def environment_of(planted: str | None) -> dict[str, str]:
    """What a service is told so that it has this defect."""
    if planted is None:
        return {}
    return {"PYTHONPATH": str(Path(__file__).parent / PLANTED[planted])}
