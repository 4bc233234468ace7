"""Containers in a containers/storage, which Podman and CRI-O share."""
