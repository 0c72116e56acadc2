"""The operators' commands: `orderlink simulate`, `replay`, `up`, `demo` and the rest."""
