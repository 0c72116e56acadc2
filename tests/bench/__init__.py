"""`make bench`: what the engine costs and how fast it is, beside the usual way and the bound."""
