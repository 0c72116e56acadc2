"""The settings of orders."""

from typing import ClassVar

from shared.adapters.setting_values import Port
from shared.adapters.settings import CommonSettings


class Settings(CommonSettings):
    """What orders is told by its environment."""

    SERVICE: ClassVar[str] = "orders"

    api_port: Port = 8001
    """The HTTP API's port; 0 takes any free one."""
    worker_port: Port = 9011
    """The worker's port for `/livez`, `/readyz` and `/metrics`."""
