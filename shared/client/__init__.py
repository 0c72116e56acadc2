"""The client for other systems: `subscribe` to events, `AgentDesk` to work on tasks.

`events` has the payloads that an event's `data` can be, one module for each service that says them.
"""

from shared.client.agents import AgentDesk, Away, Claimed, Refusal, Task
from shared.client.subscriber import subscribe
from shared.contracts import events

__all__ = ["AgentDesk", "Away", "Claimed", "Refusal", "Task", "events", "subscribe"]
