"""containerd's containers, from its socket and its state on disk."""
