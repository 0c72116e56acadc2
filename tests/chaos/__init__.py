"""Chaos: the whole system on a real broker and database, under load, while parts of it are broken."""
