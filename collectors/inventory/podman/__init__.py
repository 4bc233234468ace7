"""Podman's containers, from their storage and Podman's socket."""
