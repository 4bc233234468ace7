"""Containers of every kind that print, while the agent is killed and its sink fails: what arrives is what was printed."""
