"""The engine: each promise with the story of the failure that it survives."""
