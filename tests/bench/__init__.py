"""Measurements against references on the same machine, in the same run. They report; they never fail."""
