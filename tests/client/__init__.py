"""The client for subscribers and agents."""
