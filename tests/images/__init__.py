"""Images for real: built, run without rights on a read-only root, and measured."""
