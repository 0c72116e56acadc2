"""Tests of the notifications service: its rules, its views and its texts."""
