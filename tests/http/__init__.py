"""Tests of the HTTP side: problems, tokens, keys, pages, and what the log must not hold."""
