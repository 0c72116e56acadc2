"""The settings of logistics."""

from typing import ClassVar

from shared.adapters.setting_values import Port
from shared.adapters.settings import CommonSettings


class Settings(CommonSettings):
    """What logistics is told by its environment."""

    SERVICE: ClassVar[str] = "logistics"

    api_port: Port = 8002
    """The HTTP API's port; 0 takes any free one."""
    worker_port: Port = 9012
    """The worker's port for `/livez`, `/readyz` and `/metrics`."""
