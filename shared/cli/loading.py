"""Finding the installed services by their entry points, so that nothing here imports one by name."""

from importlib.metadata import entry_points
from typing import Final

from shared.contracts.catalog import SERVICES
from shared.runtime.service import Service

GROUP: Final = "orderlink.services"


class NotInstalled(Exception):
    """A service that a command needs is not installed. The text says what to do."""


def load_services(*names: str) -> tuple[Service, ...]:
    """The services of these names, or all four, in the catalogue's order. Raises `NotInstalled`."""
    wanted = names or SERVICES
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    missing = [name for name in wanted if name not in found]
    if missing:
        raise NotInstalled(
            f"not installed: {', '.join(missing)}. Install Orderlink into this Python (`make setup`, or "
            "`pip install -e .` in a checkout), so that its services are found."
        )
    loaded: list[Service] = []
    for name in wanted:
        try:
            service = found[name].load()
        except ModuleNotFoundError as problem:
            raise NotInstalled(
                f"{name} is not in this image or checkout ({problem.name}). The image of one service has no "
                "other: use the image orderlink-cli, which has all, or name the service whose image this is."
            ) from problem
        if not isinstance(service, Service):
            raise NotInstalled(f"the entry point {name} of {GROUP} is no service: {found[name].value}")
        loaded.append(service)
    return tuple(loaded)
