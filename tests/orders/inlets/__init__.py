"""Tests of orders' inlets."""
