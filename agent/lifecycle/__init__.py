"""Starts, exits, OOM kills and restarts: one story out of what engines, kernel and readings tell."""
