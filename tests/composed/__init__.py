"""deploy/compose.yaml, started as a whole, used, broken and stopped."""
