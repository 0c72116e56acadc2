"""Logistics: its rules, its views, and the years of parcels that they were counted on."""
