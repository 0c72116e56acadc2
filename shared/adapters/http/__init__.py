"""The HTTP side that all services share: problems, tokens, bodies, limits, logs and generic routes."""
