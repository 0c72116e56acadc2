"""The public language of Orderlink: facts, events, tasks and topics. Imports pydantic only."""
