"""The settings of notifications."""

from typing import ClassVar

from shared.adapters.setting_values import Port
from shared.adapters.settings import SmtpSettings


class Settings(SmtpSettings):
    """What notifications is told by its environment."""

    SERVICE: ClassVar[str] = "notifications"

    api_port: Port = 8004
    """The HTTP API's port; 0 takes any free one."""
    worker_port: Port = 9014
    """The worker's port for `/livez`, `/readyz` and `/metrics`."""
