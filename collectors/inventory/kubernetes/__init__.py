"""What Kubernetes knows of this node's pods, and their cgroups."""
