"""Promises at size: many dead letters and timers, topics that grow. Small in tests, full by `make sizes`."""
