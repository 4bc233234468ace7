"""The eyes: who is running, what it uses, what it prints. Reads the host, never changes it."""
