"""The settings of aftersales."""

from typing import ClassVar

from shared.adapters.setting_values import Port
from shared.adapters.settings import PaymentSettings


class Settings(PaymentSettings):
    """What aftersales is told by its environment."""

    SERVICE: ClassVar[str] = "aftersales"

    api_port: Port = 8003
    """The HTTP API's port; 0 takes any free one."""
    worker_port: Port = 9013
    """The worker's port for `/livez`, `/readyz` and `/metrics`."""
