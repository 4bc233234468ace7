"""What is spoken over the gRPC sockets of containerd and of the CRI."""
