"""Workloads: specification, desired state, reconciling, restarting."""
