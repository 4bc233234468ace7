"""The Container Runtime Interface, whichever engine answers it."""
