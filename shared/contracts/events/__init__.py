"""All event payloads, one module for each saying service, and those that every service may say."""

from shared.contracts.events import (
    aftersales,
    common,
    handling,
    incidents,
    logistics,
    notifications,
    orders,
    reports,
)

__all__ = [
    "aftersales",
    "common",
    "handling",
    "incidents",
    "logistics",
    "notifications",
    "orders",
    "reports",
]
