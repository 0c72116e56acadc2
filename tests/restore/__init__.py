"""After a restore: the guard, the comparison, the lifting, and what holds afterwards."""
