"""Storms: the four services in memory, with every fault that a seed can think of."""
