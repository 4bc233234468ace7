"""Logs on their way to other systems: one file per sink, and what all of them share."""
