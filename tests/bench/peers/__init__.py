"""The same work written the usual way, as each framework's own documentation advises."""
