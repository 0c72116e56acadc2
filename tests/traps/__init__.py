"""Traps that other projects fell into and wrote down, set up again for us; each test names its source."""
