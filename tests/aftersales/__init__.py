"""Tests of the aftersales rules."""
