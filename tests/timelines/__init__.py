"""Timelines with counts that were worked out apart from the code."""
