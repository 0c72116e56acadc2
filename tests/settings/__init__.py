"""Tests of settings, profiles and the process runner."""
