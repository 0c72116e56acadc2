"""Profiles: their values, their versions, what platforms forbid, and the one that an order keeps."""
