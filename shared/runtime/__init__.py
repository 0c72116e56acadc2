"""The engine and its organs. Speaks to the world through the ports in `ports.py` only."""
