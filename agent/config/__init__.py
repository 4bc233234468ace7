"""The configuration: read whole, every error told at once, taken over by a reload."""
