"""Buyers erased, and searched for everywhere afterwards."""
