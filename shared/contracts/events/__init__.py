"""All event payloads, one module for each saying service, and those that every service may say."""

from shared.contracts.events import aftersales, common, incidents, logistics, notifications, orders

__all__ = ["aftersales", "common", "incidents", "logistics", "notifications", "orders"]
