"""Thin typed wrappers over the kernel."""
